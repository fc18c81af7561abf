"""How alike the group and those are that it is matched with, and what follows where they are not."""

from __future__ import annotations

from collections.abc import Iterable

from hypotest.nulls.registry import NULLS
from hypotest.pages.document import Part, table
from hypotest.pages.inline import prose, strong
from hypotest.records.protocol.design import LARGEST_IMBALANCE
from hypotest.records.results.results import Results
from hypotest.report.numbers import fixed


def balance_paragraphs(results: Results) -> Iterable[Part]:
    """The table of covariates; nothing where no groups were matched."""
    group = results.group
    if not group.balance:
        return
    blocking = [name for name, null in NULLS.items() if null.imbalance_blocks]
    apart = [row for row in group.balance if row.null in blocking and abs(row.after) > LARGEST_IMBALANCE]
    yield prose(
        "What matched groups are matched on: the group's mean minus that of others, in SDs of the layer. "
        "`base_influence` is the influence on the condition that the group was not selected on."
    )
    yield table(
        ["null", "covariate", "before: whole layer", "after: matched groups"],
        [
            (
                row.null,
                row.covariate,
                fixed(row.before, 3),
                strong(fixed(row.after, 3)) if row in apart else fixed(row.after, 3),
            )
            for row in group.balance
        ],
        numeric=(2, 3),
    )
    for null in NULLS.values():
        yield from null.balanced(group)
