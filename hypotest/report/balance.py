"""How alike the group and its covariate-matched controls are, and what follows where they are not."""

from __future__ import annotations

from collections.abc import Iterable

from hypotest.groups.local import FEWEST_MOVABLE
from hypotest.records.design import LARGEST_IMBALANCE
from hypotest.records.results import Results
from hypotest.report.numbers import count_text, fixed
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown, sentence_list


def unmatched_covariates(results: Results) -> tuple[str, ...]:
    """Covariates in which covariate_matched groups still differ too much."""
    rows = [row for row in results.group.balance if row.null == "covariate_matched"]
    return tuple(row.covariate for row in rows if abs(row.after) > LARGEST_IMBALANCE)


def balance_paragraphs(results: Results) -> Iterable[str]:
    """The table of covariates; nothing where no groups were matched."""
    group = results.group
    if not group.balance:
        return
    apart = unmatched_covariates(results)
    yield (
        "What matched groups are matched on: the group's mean minus that of others, in SDs of the layer. "
        "`base_influence` is the influence on the condition that the group was not selected on."
    )
    yield table(
        ["null", "covariate", "before: whole layer", "after: matched groups"],
        [
            [
                escape_markdown(row.null),
                escape_markdown(row.covariate),
                fixed(row.before, 3),
                f"**{fixed(row.after, 3)}**"
                if row.null == "covariate_matched" and row.covariate in apart
                else fixed(row.after, 3),
            ]
            for row in group.balance
        ],
        numeric=(2, 3),
    )
    if apart:
        names = sentence_list([escape_markdown(name) for name in apart])
        yield (
            f"After matching, more than {LARGEST_IMBALANCE:g} is left in {names}: no conclusion is drawn "
            "from covariate_matched groups."
        )
    elif any(row.null == "covariate_matched" for row in group.balance):
        yield (f"After matching, none of covariate_matched exceeds {LARGEST_IMBALANCE:g}, the most allowed.")
    if group.n_movable is not None:
        yield (
            f"In local_matched groups {count_text(group.n_movable)} of the group's "
            f"{count_text(len(group.neurons))} neurons can change places with neighbours outside it; the "
            "others "
            f"stand alone in their bins and stay. With fewer than {FEWEST_MOVABLE}, nothing is concluded."
            + (
                ""
                if group.shared_members is None
                else f" On average such a group keeps {100 * group.shared_members:.0f} % of the members."
            )
            + (
                ""
                if group.base_reliability is None
                else " Between halves of the documents, influence on the second condition has a "
                f"reliability of {fixed(group.base_reliability, 2)}."
            )
        )
