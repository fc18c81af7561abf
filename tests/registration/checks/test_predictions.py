"""Checks of a single prediction."""

from __future__ import annotations

import pytest

MEASURE = "measure: effective_dimension"
CONTRAST = "contrast: {null: size_matched}"
MARGIN = "margin: {null_sd: 2}"
FIXED = ("{select: plateau, otherwise: {top_fraction: 0.02}}", "{select: {top_fraction: 0.02}}")
"""A group whose size the data do not set."""


def errors(problems):
    """Those that stop a run, without the warnings."""
    return [problem for problem in problems if problem.severity == "error"]


def test_unknown_measure(problems_of):
    (problem,) = problems_of((MEASURE, "measure: efective_dimension"))
    assert problem.message == ("unknown measure 'efective_dimension'; did you mean 'effective_dimension'?")
    (problem,) = problems_of((MEASURE, "measure: zzz"))
    assert "known measures: attention_gini, competence, " in problem.message


@pytest.mark.parametrize(
    ("measure", "options", "message"),
    [
        ("effective_dimension", "{varance: 0.9}",
         "unknown key 'varance'; did you mean 'variance'?"),
        ("effective_dimension", "{variance: 1}",
         "must be a number at least 0.5 and below 1; found 1"),
        ("effective_dimension", "{variance: '0.9'}",
         "must be a number at least 0.5 and below 1; found '0.9'"),
        ("effective_dimension", "{variance: true}",
         "must be a number at least 0.5 and below 1; found true"),
        ("modularity", "{method: luvain}",
         "must be one of louvain, leiden; found 'luvain'; did you mean 'louvain'?"),
        ("modularity", "{method: [leiden]}", "must be one of louvain, leiden; found a list"),
        ("modularity", "{bins: 8.0}",
         "must be a whole number at least 2 and at most 64; found 8.0"),
        ("modularity", "{bins: 65}",
         "must be a whole number at least 2 and at most 64; found 65"),
        ("modularity", "{resolution: 0}", "must be a number above 0; found 0"),
        ("participation_ratio", "{variance: 0.9}",
         "unknown key 'variance'; known keys: scale"),
        ("effective_dimension", "{scale: correlations}",
         "must be one of covariance, correlation; found 'correlations'; did you mean 'correlation'?"),
        ("segregation", "{variance: 0.9}",
         "unknown key 'variance'; segregation has no options: remove it"),
    ],
)  # fmt: skip
def test_options(problems_of, measure, options, message):
    (problem,) = problems_of((MEASURE, f"measure: {measure}\n    options: {options}"))
    assert problem.message == message
    assert problem.key.startswith("predictions.coordination.options.")
    assert ":14:" in problem.where


@pytest.mark.parametrize(
    ("measure", "contrast", "required"),
    [
        ("modularity", "{reference: 0.3}",
         "modularity can be compared by {null: size_matched | covariate_matched | local_matched | "
         "label_shuffled | rewired | rotated_correlation | random_directions | untrained}; "
         "found {reference: a number}"),
        ("top_head_impact", "{null: label_shuffled}",
         "top_head_impact can be compared by {null: size_matched | covariate_matched | local_matched | "
         "untrained}; found {null: label_shuffled}"),
        ("plateau_flatness", "{null: local_matched}",
         "plateau_flatness can be compared by {null: label_shuffled}; found {null: local_matched}"),
        ("plateau_flatness", "{conditions: [rare, common], null: label_shuffled}",
         "must be {null: label_shuffled}; found null, conditions"),
        ("attention_gini", "{conditions: [rare, common]}",
         "must be {conditions: [first, second], by: document}; found conditions"),
        ("attention_gini", "{conditions: [rare, common], by: document, null: label_shuffled}",
         "must be {conditions: [first, second], by: document}; found null, conditions, by"),
        ("top_head_share", "{}", "must be {reference: a number}; found nothing"),
        ("modularity", "{null: size_matched, reference: 1}",
         "must be {null: size_matched | covariate_matched | local_matched | label_shuffled | rewired | "
         "rotated_correlation | random_directions | untrained}; found null, reference"),
    ],
)  # fmt: skip
def test_contrast_has_exactly_one_sensible_form(problems_of, measure, contrast, required):
    problems = problems_of(
        FIXED,
        (MEASURE, f"measure: {measure}"),
        (CONTRAST, f"contrast: {contrast}"),
        (MARGIN, "margin: {raw: 1}"),
        ("nulls:", "nulls:\n  local_matched: {}"),
    )
    (error,) = errors(problems)
    assert error.message == required
    assert error.key == "predictions.coordination.contrast"


def test_hill_alpha_has_no_reference_value(problems_of):
    (problem,) = problems_of(
        (MEASURE, "measure: hill_alpha"),
        (CONTRAST, "contrast: {reference: 2}"),
        (MARGIN, "margin: {raw: 0.1}"),
    )
    assert "another scale" in problem.message
    assert "{null: size_matched}" in problem.message


def test_null_must_be_declared(problems_of):
    (problem,) = problems_of(("  size_matched: {draws: 999}\n", ""))
    assert problem.key == "predictions.coordination.contrast.null"
    assert problem.message == (
        "must be declared under nulls; found size_matched, declared are label_shuffled: add "
        "`size_matched: {}` there"
    )


BY_DOCUMENT = "{conditions: [rare, common], by: document}"


@pytest.mark.parametrize(
    ("measure", "contrast", "margin", "message"),
    [
        ("selectivity", "{null: label_shuffled}", "{null_sd: 2}", None),
        ("selectivity", "{null: label_shuffled}", "{raw: 2}", None),
        ("selectivity", "{null: label_shuffled}", "{ratio: 0.1}", None),
        ("effective_dimension", "{null: size_matched}", "{ratio: 0.1}", None),
        ("effective_dimension", "{null: size_matched}", "{raw: 1}", None),
        ("top_head_share", "{reference: 0.5}", "{null_sd: 2}",
         "null_sd needs a contrast with a null; found {reference: a number}: give raw"),
        ("top_head_share", "{reference: 0.5}", "{ratio: 0.1}", "has no null: give raw"),
        ("top_head_share", "{reference: 0.5}", "{raw: 0.1}", None),
        ("attention_gini", BY_DOCUMENT, "{null_sd: 2}", "contrast with a null; found {conditions: [first"),
        ("attention_gini", BY_DOCUMENT, "{raw: 2}", None),
    ],
)  # fmt: skip
def test_margin_must_fit_the_contrast(problems_of, measure, contrast, margin, message):
    problems = problems_of(
        FIXED,
        (MEASURE, f"measure: {measure}"),
        (CONTRAST, f"contrast: {contrast}"),
        (MARGIN, f"margin: {margin}"),
    )
    if message is None:
        assert problems == []
    else:
        (problem,) = problems
        assert message in problem.message
        assert problem.key.startswith("predictions.coordination.margin.")


@pytest.mark.parametrize(
    ("measure", "contrast", "margin", "key", "words"),
    [
        ("effective_dimension", "{null: size_matched}", "{raw: 2}", "raw", "found raw: 2: "),
        ("effective_dimension", "{null: local_matched}", "{raw: 0.5}", "raw", "found raw: 0.5: "),
        ("hill_alpha", "{null: covariate_matched}", "{raw: 1}", "raw", "found raw: 1: "),
        ("selectivity", "{null: label_shuffled}", "{raw: 0.1}", "raw", "found raw: 0.1: "),
        ("selectivity", "{null: label_shuffled}", "{ratio: 0.1}", None, ""),
        # Matched groups have the group's own size, and so has their mean.
        ("effective_dimension", "{null: size_matched}", "{ratio: 0.1}", None, ""),
        ("effective_dimension", "{null: local_matched}", "{ratio: 0.1}", None, ""),
        ("selectivity", "{null: label_shuffled}", "{null_sd: 2}", None, ""),
        ("top_head_share", "{reference: 0.5}", "{raw: 0.1}", None, ""),
        ("attention_gini", BY_DOCUMENT, "{raw: 0.1}", None, ""),
    ],
)  # fmt: skip
def test_a_margin_in_the_measures_unit_needs_a_group_of_fixed_size(
    problems_of, measure, contrast, margin, key, words
):
    changes = (
        (MEASURE, f"measure: {measure}"),
        (CONTRAST, f"contrast: {contrast}"),
        (MARGIN, f"margin: {margin}"),
        ("nulls:", "nulls:\n  local_matched: {}\n  covariate_matched: {}"),
    )
    problems = problems_of(*changes)
    assert problems_of(FIXED, *changes) == []
    if key is None:
        assert problems == []
        return
    (problem,) = problems
    assert problem.severity == "error"
    assert problem.key == f"predictions.coordination.margin.{key}"
    assert problem.message.startswith("with `select: plateau` ")
    assert words in problem.message
    assert "give null_sd" in problem.message


SHUFFLED = (CONTRAST, "contrast: {null: label_shuffled}")


@pytest.mark.parametrize(
    ("measure", "remedy"),
    [
        ("effective_dimension", "; contrast with local_matched, or write `role: descriptive`"),
        ("participation_ratio", "; contrast with local_matched, or write `role: descriptive`"),
        ("modularity", "; contrast with local_matched, or write `role: descriptive`"),
        ("hill_alpha", "; contrast with local_matched, or write `role: descriptive`"),
        ("plateau_flatness", "; write `role: descriptive`"),
    ],
)
def test_shuffled_labels_decide_selectivity_only(problems_of, measure, remedy):
    named = (MEASURE, f"measure: {measure}")
    as_premise = ("    modular: greater\n    dist", "    role: premise\n    modular: less\n    dist")
    describing = ("    modular: greater\n    distributed: less\n", "    role: descriptive\n")
    for changes in ((), (as_premise,)):
        (problem,) = errors(problems_of(named, SHUFFLED, *changes))
        assert problem.key == "predictions.coordination.contrast.null"
        assert problem.message == (
            f"shuffled labels decide selectivity only: for {measure} their null is false as soon as the "
            f"neurons are selective, whatever {measure} has to do with it{remedy}"
        )
    assert errors(problems_of(named, SHUFFLED, describing)) == []
    assert problems_of((MEASURE, "measure: selectivity"), SHUFFLED) == []


def test_what_is_said_to_decide_instead_is_accepted(problems_of):
    local = (CONTRAST, "contrast: {null: local_matched}")
    assert problems_of(local, ("nulls:", "nulls:\n  local_matched: {draws: 999}")) == []
    (problem,) = problems_of(local)
    assert problem.message == (
        "must be declared under nulls; found local_matched, declared are size_matched, label_shuffled: add "
        "`local_matched: {}` there"
    )


def test_equivalent_needs_a_margin(problems_of):
    (problem,) = problems_of((f"    {MARGIN}\n", ""), ("modular: greater", "modular: equivalent"))
    assert problem.severity == "error"
    assert problem.key == "predictions.coordination.modular"
    assert "equivalent is no outcome without a margin; modular expects it" in problem.message


def test_missing_margin_is_a_warning(problems_of):
    (problem,) = problems_of((f"    {MARGIN}\n", ""))
    assert problem.severity == "warning"
    assert problem.message.startswith("has no margin")


def test_reference_value_is_a_threshold_and_needs_no_margin(problems_of):
    assert (
        problems_of(
            (f"    {MARGIN}\n", ""),
            (MEASURE, "measure: top_head_share"),
            (CONTRAST, "contrast: {reference: 0.5}"),
        )
        == []
    )


def test_premise_needs_expectations(problems_of, small):
    premise = (
        "  - {id: gate, role: premise, measure: selectivity, contrast: {null: label_shuffled}%s}\nseed: 1"
    )
    assert problems_of(("seed: 1", premise % ", modular: greater, distributed: greater")) == []
    assert problems_of(("seed: 1", premise % ", modular: greater")) == []
    (problem,) = problems_of(("seed: 1", premise % ", modular: any"))
    assert "a premise needs an expectation" in problem.message
    (problem,) = problems_of(("seed: 1", premise % ", modular: greater, distributed: less"))
    assert "a premise is what all hypotheses need" in problem.message
    assert problem.severity == "error"


def test_prediction_that_cannot_tell_the_hypotheses_apart(problems_of):
    # The other prediction keeps both hypotheses speaking.
    twin = (
        "  - {id: twin, measure: modularity, contrast: {null: size_matched}, margin: {null_sd: 2}, "
        "%s}\nseed: 1"
    )
    same = "modular: [less, equivalent], distributed: [equivalent, less]"
    (problem,) = problems_of(("seed: 1", twin % same))
    assert problem.severity == "warning"
    assert "cannot tell them apart" in problem.message
    (problem,) = problems_of(("seed: 1", twin % "modular: any"))
    assert "no hypothesis expects anything" in problem.message
    assert problems_of(("seed: 1", twin % "modular: less")) == []


def test_single_hypothesis_has_nobody_to_agree_with(problems_of):
    assert problems_of(("    distributed: less\n", ""), ("seed: 1", "seed: 1\nhypotheses: [modular]")) == []


def test_descriptive_expectations_are_not_used(problems_of):
    line = (
        "  - {id: look, role: descriptive, measure: selectivity, contrast: {null: size_matched}, "
        "modular: less}\nseed: 1"
    )
    (problem,) = problems_of(("seed: 1", line))
    assert problem.severity == "warning"
    assert "expectations (modular) are not used" in problem.message


def test_repeated_outcome(problems_of):
    (problem,) = problems_of(("distributed: less", "distributed: [less, less]"))
    assert problem.message == "must name each outcome once; found less, less"


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        ("measure: modularity\n    options: {estimator: binned}", "binned mutual information is biased"),
        ("measure: hill_alpha", "weights have no documents"),
        ("measure: segregation", "no document interval"),
    ],
)
def test_equivalence_without_an_interval_is_never_concluded(problems_of, measure, why):
    (problem,) = problems_of((MEASURE, measure), ("distributed: less", "distributed: equivalent"))
    assert problem.severity == "warning"
    assert "distributed expects equivalent, which is never concluded here" in problem.message
    assert why in problem.message
    assert problems_of((MEASURE, measure)) == []


def test_rewired_networks_never_decide(problems_of):
    problems = problems_of(
        (MEASURE, "measure: modularity"),
        (CONTRAST, "contrast: {null: rewired}"),
        ("nulls:", "nulls:\n  rewired: {}"),
    )
    (problem,) = errors(problems)
    assert problem.message.startswith("rewired networks describe and never decide")


@pytest.mark.parametrize("null", ["rotated_correlation", "random_directions"])
def test_rotations_and_random_directions_never_decide_and_are_declared_together(problems_of, null):
    together = "nulls:\n  rotated_correlation: {}\n  random_directions: {}"
    changes = ((MEASURE, "measure: modularity"), (CONTRAST, f"contrast: {{null: {null}}}"))
    (problem,) = errors(problems_of(*changes, ("nulls:", together)))
    assert problem.key == "predictions.coordination.contrast.null"
    assert "together they rejected" in problem.message
    assert problem.message.endswith("write `role: descriptive`")
    other = {"rotated_correlation": "random_directions"}.get(null, "rotated_correlation")
    (problem,) = errors(problems_of(("nulls:", f"nulls:\n  {null}: {{}}")))
    assert problem.key == f"nulls.{null}"
    assert problem.message == (
        f"counts only together with {other}: each alone rejects where nothing is modular in the neuron "
        f"basis; add `{other}: {{}}` under nulls"
    )
    assert not errors(problems_of(("nulls:", together)))


def test_few_untrained_networks_cannot_decide(problems_of):
    problems = problems_of(
        (CONTRAST, "contrast: {null: untrained}"),
        ("nulls:", "nulls:\n  untrained: {networks: 5}"),
    )
    (problem,) = errors(problems)
    assert problem.key == "nulls.untrained.networks"
    assert problem.message.startswith("must be at least 39 ")  # 2 * 1 / 0.05 - 1


@pytest.mark.parametrize(
    ("measure", "null", "declared"),
    [
        ("effective_dimension", "covariate_matched", "covariate_matched: {}"),
        ("effective_dimension", "local_matched", "local_matched: {}"),
        ("selectivity", "label_shuffled", ""),
        ("effective_dimension", "untrained", "untrained: {networks: 39}"),
    ],
)
def test_a_margin_in_null_sd_needs_size_matched_groups(problems_of, measure, null, declared):
    changes = ((MEASURE, f"measure: {measure}"), (CONTRAST, f"contrast: {{null: {null}}}"))
    (problem,) = problems_of(*changes, ("  size_matched: {draws: 999}", f"  {declared}"))
    assert problem.severity == "error"
    assert problem.key == "predictions.coordination.margin.null_sd"
    assert "declare `size_matched: {}`" in problem.message
    assert problems_of(*changes, ("nulls:", f"nulls:\n  {declared}")) == []


def test_a_measure_that_chance_alone_is_tested_against_takes_no_other_number(problems_of):
    """Without an interval nothing could come of another number: it would be inconclusive by design."""
    agreement = ("measure: effective_dimension", "measure: partition_agreement")
    margin = ("    margin: {null_sd: 2}\n", "")
    modular = ("    modular: greater\n    distributed: less\n", "    modular: greater\n")
    wrong = problems_of(agreement, margin, modular, (CONTRAST, "contrast: {reference: 0.5}"))
    (problem,) = [item for item in wrong if item.severity == "error"]
    assert problem.key == "predictions.coordination.contrast.reference"
    assert "is compared with 0 alone, found 0.5: it has no interval" in problem.message
    assert problem.message.endswith("write {reference: 0}")
    right = problems_of(agreement, margin, modular, (CONTRAST, "contrast: {reference: 0}"))
    assert not [item for item in right if item.severity == "error"]


def test_a_match_that_nobody_wrote_is_not_called_a_list(problems_of):
    condition = (
        "rare: {target: {frequency: {below_percentile: 15}}}",
        'rare: {document: {path: "a*"}}',
    )
    other = (
        "common: {target: {frequency: {from_percentile: 15}}}",
        'common: {document: {path: "b*"}}',
    )
    (problem,) = [item for item in problems_of(condition, other) if "sample" in item.key]
    assert problem.key == "sample" and "without `match` they are matched on block" in problem.message
    assert "write `sample: {match: []}`" in problem.message and "the list" not in problem.message
