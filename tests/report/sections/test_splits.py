from __future__ import annotations

import dataclasses

from hypotest.pages.document import blocks
from hypotest.pages.markdown import markdown
from hypotest.records.results.prediction_result import SplitOutcome
from hypotest.records.results.results import Results
from hypotest.report.sections.splits import splits_line, splits_section


def test_the_line_counts_verdicts_the_commonest_first(results: Results) -> None:
    assert splits_line(results) == (
        "10 splits: modular refuted in 9, undecided in 1; "
        "distributed supported in 7, undecided in 2, refuted in 1"
    )


def test_one_split_says_nothing(results: Results) -> None:
    quiet = dataclasses.replace(results, split_verdicts={})
    assert splits_line(quiet) == ""
    assert list(splits_section(quiet)) == []


def test_the_declared_split_comes_first_then_the_counts(results: Results) -> None:
    text = markdown(*blocks(splits_section(results)))
    assert text.startswith("## Other splits")
    assert "| modular | **refuted** | refuted 9, undecided 1 |" in text
    assert "| clustering | **equivalent** | equivalent 7, inconclusive 2, greater 1 |" in text


def test_median_and_range_of_effects_and_p_values(results: Results) -> None:
    splits = (
        SplitOutcome("less", -3.0, 0.01),
        SplitOutcome("inconclusive", 1.0, 0.2),
        SplitOutcome("less", -2.0, None),
    )
    only = dataclasses.replace(results.predictions[0], splits=splits)
    text = markdown(*blocks(splits_section(dataclasses.replace(results, predictions=(only,)))))
    # effects -3, -2, 1: median -2; p 0.01, 0.2: median 0.105
    assert "| less 2, inconclusive 1 | -2.0 [-3.0, 1.0] | 0.105 [0.0100, 0.200] |" in text
    none = dataclasses.replace(only, splits=(SplitOutcome("less", -3.0, None),) * 2)
    assert "| less 2 | -3.00 [-3.00, -3.00] |  |" in markdown(
        *blocks(splits_section(dataclasses.replace(results, predictions=(none,))))
    )
