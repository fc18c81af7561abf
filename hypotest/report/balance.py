"""How alike the group and its covariate-matched controls are, and what follows where they are not."""

from __future__ import annotations

from collections.abc import Iterable

from hypotest.groups.matching import LARGEST_IMBALANCE
from hypotest.records.results import Results
from hypotest.report.numbers import fixed
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown, sentence_list


def unmatched_covariates(results: Results) -> tuple[str, ...]:
    """Covariates in which matched groups still differ too much."""
    return tuple(row.covariate for row in results.group.balance if abs(row.after) > LARGEST_IMBALANCE)


def balance_paragraphs(results: Results) -> Iterable[str]:
    """The table of covariates; nothing where no groups were matched."""
    if not results.group.balance:
        return
    apart = unmatched_covariates(results)
    yield (
        "What the covariate_matched groups are matched on: the group's mean minus that of others, in SDs of "
        "the layer."
    )
    yield table(
        ["covariate", "before: whole layer", "after: matched groups"],
        [
            [
                escape_markdown(row.covariate),
                fixed(row.before, 3),
                f"**{fixed(row.after, 3)}**" if row.covariate in apart else fixed(row.after, 3),
            ]
            for row in results.group.balance
        ],
        numeric=(1, 2),
    )
    if apart:
        names = sentence_list([escape_markdown(name) for name in apart])
        yield (
            f"After matching, more than {LARGEST_IMBALANCE:g} is left in {names}: no conclusion is drawn "
            "from covariate_matched groups."
        )
    else:
        yield f"After matching, none exceeds {LARGEST_IMBALANCE:g}, the most allowed."
