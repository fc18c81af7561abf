"""Declared alternatives: what can be listed, and what of it would be used."""

from __future__ import annotations

import pytest

SEED = "seed: 1"


def _with(section: str) -> tuple[str, str]:
    return SEED, f"{SEED}\nmultiverse:\n{section}"


@pytest.mark.parametrize(
    ("key", "values", "item", "required"),
    [
        ("variance", "[0.9, 0.4]", 2, "must be a number at least 0.5 and below 1; found 0.4"),
        ("variance", "[1.0]", 1, "must be a number at least 0.5 and below 1; found 1.0"),
        ("percentile", "[0]", 1, "must be a number above 0 and below 100; found 0.0"),
        ("percentile", "[10, 100]", 2, "must be a number above 0 and below 100; found 100.0"),
        ("top_fraction", "[0.6]", 1, "must be a number above 0 and at most 0.5; found 0.6"),
        ("variance", "[0.9, 0.99, 0.9]", 3, "must be listed once; found 0.9 again: remove it"),
        ("replacement", "[zero, zero]", 2, "must be listed once; found 'zero' again: remove it"),
    ],
)
def test_values_that_cannot_be_used(problems_of, key, values, item, required):
    (problem,) = problems_of(_with(f"  {key}: {values}"))
    assert problem.severity == "error"
    assert problem.message == required
    assert problem.key == f"multiverse.{key}.#{item}"
    # The section stands behind the 18 lines of the small protocol; the value's own column follows.
    line, column = map(int, problem.where.rsplit(":", 2)[1:])
    assert line == 20
    assert column > len(f"  {key}: ")


@pytest.mark.parametrize(
    ("key", "value", "required"),
    [
        ("bins", "1", "a whole number at least 2 and at most 64"),
        ("bins", "65", "a whole number at least 2 and at most 64"),
        ("resolution", "0", "a number above 0"),
    ],
)
def test_options_have_the_ranges_of_their_measure(problems_of, key, value, required):
    section = f"  {key}: [{value}]" + ("\n  estimator: [binned]" if key == "bins" else "")
    (problem,) = problems_of(_with(section), ("effective_dimension", "modularity"))
    assert problem.severity == "error"
    assert problem.message.startswith(f"must be {required}; found ")


def test_words_are_those_of_the_language(problems_of):
    (problem,) = problems_of(_with("  replacement: [median]"))
    assert problem.severity == "error"
    assert problem.message == "must be one of mean, zero, resample; found 'median'; did you mean 'mean'?"


def test_alternatives_without_fault(problems_of):
    section = (
        "  {percentile: [10, 25], of: [occurrences], replacement: [zero], top_fraction: [0.05], "
        "variance: [0.9]}"
    )
    assert problems_of((SEED, f"{SEED}\nmultiverse: {section.strip()}")) == []


@pytest.mark.parametrize(
    ("section", "key", "message"),
    [
        ("  tail: [fix_finger]", "multiverse.tail", "no prediction depends on it, which takes hill_alpha"),
        (
            "  estimator: [binned]",
            "multiverse.estimator",
            "no prediction depends on it, which takes modularity",
        ),
        ("  variance: [0.95]", "multiverse.variance", "lists only what the protocol declares"),
        ("  percentile: [15]", "multiverse.percentile", "lists only what the protocol declares"),
        ("  draws: 999", "multiverse", "declares no alternative"),
    ],
)
def test_what_would_change_nothing_is_a_warning(problems_of, section, key, message):
    (problem,) = problems_of(_with(section))
    assert (problem.severity, problem.key) == ("warning", key)
    assert problem.message.startswith(message)


def test_group_and_ablation_concern_no_attention(problems_of):
    attention = (
        ("measure: effective_dimension", "measure: attention_gini"),
        ("contrast: {null: size_matched}", "contrast: {conditions: [rare, common], by: document}"),
        ("null_sd: 2", "raw: 0.05"),
    )
    problems = problems_of(*attention, _with("  top_fraction: [0.05]\n  replacement: [zero]"))
    assert [problem.key for problem in problems] == ["multiverse.top_fraction", "multiverse.replacement"]
    assert problems_of(*attention, _with("  percentile: [10]\n  of: [occurrences]")) == []


def test_bins_need_the_binned_estimator(problems_of):
    modularity = ("effective_dimension", "modularity")
    (problem,) = problems_of(modularity, _with("  bins: [4]"))
    assert (problem.severity, problem.key) == ("warning", "multiverse.bins")
    assert problems_of(modularity, _with("  bins: [4]\n  estimator: [binned]")) == []
    declared = ("modularity\n", "modularity\n    options: {estimator: binned}\n")
    assert problems_of(modularity, declared, _with("  bins: [4]")) == []


def test_binned_beside_an_expected_equivalence_is_fine(problems_of):
    changes = (("effective_dimension", "modularity"), ("distributed: less", "distributed: equivalent"))
    assert problems_of(*changes, _with("  estimator: [binned]")) == []


@pytest.mark.parametrize(("percentile", "n_errors"), [(40, 0), (50, 0), (51, 1)])
def test_rare_stays_below_a_common_that_begins_elsewhere(problems_of, percentile, n_errors):
    problems = problems_of(
        ("from_percentile: 15", "from_percentile: 50"), _with(f"  percentile: [{percentile}]")
    )
    assert len(problems) == n_errors
    if problems:
        assert "both hold between percentiles 50 and" in problems[0].message


@pytest.mark.parametrize(("draws", "severity"), [(38, "error"), (39, None)])
def test_draws_must_reach_the_level(problems_of, draws, severity):
    # One deciding prediction at level 0.05: 2 / (B + 1) <= 0.05 needs B >= 39.
    problems = problems_of(_with(f"  variance: [0.9]\n  draws: {draws}"))
    assert [problem.severity for problem in problems] == ([severity] if severity else [])


def test_draws_that_could_refute_nothing_are_a_warning(problems_of, small):
    # Two deciding predictions: 2 / (B + 1) <= 0.05 / 2 needs B >= 79.
    start = small.index("  - id:")
    copy = small[start : small.index(SEED)].replace("coordination", "copy")
    text = small.replace(SEED, copy + SEED)
    (problem,) = problems_of(_with("  variance: [0.9]\n  draws: 78"), text=text)
    assert (problem.severity, problem.key) == ("warning", "multiverse.draws")
    assert problem.message.startswith("with fewer than 79 draws")
    assert problems_of(_with("  variance: [0.9]\n  draws: 79"), text=text) == []
