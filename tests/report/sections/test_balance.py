from __future__ import annotations

import dataclasses

from hypotest.pages.document import blocks
from hypotest.pages.markdown import markdown
from hypotest.records.results.group_result import CovariateBalance
from hypotest.records.results.results import Results
from hypotest.report.sections.balance import balance_paragraphs


def balanced(results: Results, *rows: CovariateBalance) -> Results:
    return dataclasses.replace(results, group=dataclasses.replace(results.group, balance=rows))


def test_without_matching_there_is_nothing_to_balance(results: Results) -> None:
    assert list(balance_paragraphs(balanced(results))) == []


def test_before_and_after_stand_side_by_side(results: Results) -> None:
    text = markdown(*blocks(balance_paragraphs(results)))
    assert "| covariate_matched | activation_mean | 1.312 | 0.041 |" in text
    assert "none of covariate_matched exceeds 0.25, the most allowed" in text


def test_neighbours_have_rows_of_their_own_and_no_limit(results: Results) -> None:
    """Bins of neighbours are as alike as the layer allows; what blocks them is members that cannot move."""
    assert max(abs(row.after) for row in results.group.balance) > 0.25
    text = markdown(*blocks(balance_paragraphs(results)))
    assert "| local_matched | activation_sd | 1.104 | 0.112 |" in text
    assert "| local_matched | base_influence | 2.071 | 0.284 |" in text
    assert "no conclusion is drawn" not in text
    assert "`base_influence` is the influence on the condition that the group was not selected on" in text
    alone = balanced(results, *(row for row in results.group.balance if row.null == "local_matched"))
    assert "covariate_matched" not in markdown(*blocks(balance_paragraphs(alone)))


def test_it_is_said_how_far_neighbours_differ_from_the_group(results: Results) -> None:
    text = markdown(*blocks(balance_paragraphs(results)))
    assert "In local_matched groups 38 of the group's 41 neurons can change places with neighbours" in text
    assert "With fewer than 5, nothing is concluded." in text
    assert "On average such a group keeps 61 % of the members." in text
    assert "influence on the second condition has a reliability of 0.97." in text


def test_what_was_not_measured_of_neighbours_is_left_out(results: Results) -> None:
    def text(**changes: float | None) -> str:
        facts = {**results.group.draws["local_matched"], **changes}
        group = dataclasses.replace(results.group, draws={"local_matched": facts} if facts["movable"] else {})
        return markdown(*blocks(balance_paragraphs(dataclasses.replace(results, group=group))))

    assert "can change places" in text(shared=None, reliability=None)
    assert "On average" not in text(shared=None)
    assert "reliability" not in text(reliability=None)
    assert "can change places" not in text(movable=None)


def test_what_is_left_above_a_quarter_sd_is_named_in_either_direction(results: Results) -> None:
    apart = balanced(
        results,
        CovariateBalance("covariate_matched", "activation_mean", 1.0, 0.25),
        CovariateBalance("covariate_matched", "activation_sd", 1.0, 0.251),
        CovariateBalance("covariate_matched", "output_norm", -1.0, -0.3),
    )
    text = markdown(*blocks(balance_paragraphs(apart)))
    assert "| covariate_matched | output_norm | -1.000 | **-0.300** |" in text
    assert "more than 0.25 is left in activation_sd and output_norm: no conclusion" in text
