"""Declared alternatives: what can be listed, and what of it would be used."""

from __future__ import annotations

import pytest

SEED = "seed: 1"
BORDER = "rare.target.frequency.below_percentile, common.target.frequency.from_percentile"
OF = "rare.target.frequency.of, common.target.frequency.of"


def _with(section: str) -> tuple[str, str]:
    return SEED, f"{SEED}\nmultiverse:\n{section}"


@pytest.mark.parametrize(
    ("key", "values", "item", "required"),
    [
        ("variance", "[0.9, 0.4]", 2, "must be a number at least 0.5 and below 1; found 0.4"),
        ("variance", "[1.0]", 1, "must be a number at least 0.5 and below 1; found 1.0"),
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
        f"  conditions:\n    {BORDER}: [10, 25]\n    {OF}: [occurrences]\n"
        "  replacement: [zero]\n  select: [{top_fraction: 0.05}, {top: 9}, {ids: [1, 2]}, plateau]\n"
        "  variance: [0.9]"
    )
    assert problems_of(_with(section)) == []


@pytest.mark.parametrize(
    ("choice", "values", "message"),
    [
        ("rare.target.frequency.percent", "[10]", "leads nowhere: rare.target.frequency has no percent; "
         "it has below_percentile, from_percentile, of, elbow"),
        ("frequent.target", "[10]", "leads nowhere: conditions has no frequent; it has rare, common"),
        (f"rare.target.frequency.elbow, {BORDER}", "[10]",
         "changes values together that the protocol declares apart (drop and 15.0): list them apart"),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_named_where_it_stands(problems_of, choice, values, message):
    (problem,) = problems_of(_with(f"  conditions:\n    {choice}: {values}"))
    assert (problem.severity, problem.message) == ("error", message)
    assert problem.where.endswith(":21:5")


@pytest.mark.parametrize(
    ("choice", "value", "message"),
    [
        ("rare.target.frequency.below_percentile", "100", "is no value of that option: "),
        ("rare.target.frequency.below_percentile", "zero", "is no value of that option: "),
        ("rare.target.frequency.below_percentile", "20",
         "with it, conditions.common must not hold where conditions.rare does, and both hold between"),
    ],
)  # fmt: skip
def test_a_value_that_its_option_cannot_have(problems_of, choice, value, message):
    (problem,) = problems_of(_with(f"  conditions:\n    {choice}: [10, {value}]"))
    assert problem.severity == "error" and problem.message.startswith(message)


def test_any_option_of_any_predicate_can_have_alternatives(problems_of):
    conditions = (
        ("rare: {target: {frequency: {below_percentile: 15}}}", "rare: {target: {matches: '^ ?[0-9]+$'}}"),
        ("common: {target: {frequency: {from_percentile: 15}}}",
         "common: {all: [{not: {target: {matches: '^ ?[0-9]+$'}}}, {index: {from: 10}}]}"),
        ("  label_shuffled: {draws: 999}\n", ""),
    )  # fmt: skip
    paths = "rare.target.matches, common.all.#1.not.target.matches"
    listed = f"  conditions:\n    {paths}: ['[0-9]']\n    common.all.#2.index.from: [20, 40]"
    assert problems_of(*conditions, _with(listed)) == []
    (problem,) = problems_of(*conditions, _with(listed.replace("'[0-9]'", "'(?=[0-9])'")))
    assert "lookahead and lookbehind are refused" in problem.message


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("  by: [activation_t]", "with it, group.by a plateau is one of the curve of influence"),
        ("  select: [all]", "with it, nulls.size_matched draws other groups of the layer"),
        ("  select: [{ids: [3, 3]}]", "with it, group.select.ids.1 must be listed once"),
    ],
)
def test_groups_that_the_protocol_could_not_have(problems_of, section, message):
    (problem,) = problems_of(_with(section))
    assert problem.severity == "error" and problem.message.startswith(message)


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
        ("  by: [delta_loss]", "multiverse.by", "lists only what the protocol declares"),
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
    problems = problems_of(*attention, _with("  select: [{top_fraction: 0.05}]\n  replacement: [zero]"))
    assert [problem.key for problem in problems] == ["multiverse.select", "multiverse.replacement"]
    assert problems_of(*attention, _with(f"  conditions:\n    {BORDER}: [10]")) == []


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
    alone = "rare.target.frequency.below_percentile"
    problems = problems_of(
        ("from_percentile: 15", "from_percentile: 50"), _with(f"  conditions: {{{alone}: [{percentile}]}}")
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
