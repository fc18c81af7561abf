"""Which specifications there are, counted by hand."""

from __future__ import annotations

import pytest

from hypotest.measures.registry import filled_options
from hypotest.records.protocol.group import Rule
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.multiverse.specifications import (
    shared_choices,
    specifications,
    with_options,
    with_shared,
)

BORDER = "rare.target.frequency.below_percentile, common.target.frequency.from_percentile"
OF = "rare.target.frequency.of, common.target.frequency.of"
LARGER = {"top_fraction": 0.05}
NULL = {"null": "size_matched"}
PREDICTIONS = [
    {"id": "coordination", "measure": "effective_dimension", "contrast": NULL},
    {"id": "clustering", "measure": "modularity", "contrast": NULL},
    {"id": "attention", "measure": "attention_gini", "contrast": {"conditions": ["rare", "common"]}},
    {"id": "regimes", "measure": "plateau_flatness", "contrast": {"conditions": ["rare", "common"]}},
    {"id": "spectrum", "measure": "hill_alpha", "contrast": NULL},
]


def make(multiverse, clustering=None, border=15, select="plateau"):
    predictions = [dict(item) for item in PREDICTIONS]
    predictions[1]["options"] = clustering or {}
    return Protocol.model_validate(
        {
            "hypotest": 1,
            "id": "small",
            "title": "small",
            "conditions": {
                "rare": {"target": {"frequency": {"below_percentile": 15}}},
                "common": {"target": {"frequency": {"from_percentile": border}}},
            },
            "group": {"select": select, "otherwise": {"top_fraction": 0.02}},
            "nulls": {"size_matched": {"draws": 99}},
            "predictions": predictions,
            "multiverse": multiverse,
            "seed": 1,
        }
    )


def ranges(protocol):
    return [condition.value.value for condition in protocol.conditions.values()]


def of(protocol, prediction):
    return [item.choices for item in specifications(protocol) if item.prediction == prediction]


def test_a_choice_is_crossed_with_the_predictions_that_it_concerns():
    protocol = make(
        {
            "conditions": {BORDER: (10.0,)},
            "replacement": ("zero",),
            "select": ({"top_fraction": 0.01}, {"top_fraction": 0.05}),
            "variance": (0.9, 0.95),
        }
    )
    # coordination: 2 percentiles x 2 replacements x 3 groups x 2 variances (0.95 is the declared one)
    assert len(of(protocol, "coordination")) == 24
    assert len(of(protocol, "clustering")) == 12  # no variance
    assert of(protocol, "attention") == [
        {BORDER: 15.0},
        {BORDER: 10.0},
    ]  # neither ablation nor group
    assert of(protocol, "regimes") == [
        {BORDER: 15.0, "replacement": "mean"},
        {BORDER: 15.0, "replacement": "zero"},
        {BORDER: 10.0, "replacement": "mean"},
        {BORDER: 10.0, "replacement": "zero"},
    ]
    assert len(of(protocol, "spectrum")) == 12


def test_the_declared_specification_comes_first_and_once():
    listed = specifications(make({"variance": (0.99, 0.95, 0.9), "tail": ("fix_finger",)}))
    declared = [item for item in listed if item.is_declared]
    assert [item.prediction for item in declared] == [item["id"] for item in PREDICTIONS]
    assert declared[0].choices == {"variance": 0.95}
    assert [item.choices["variance"] for item in listed if item.prediction == "coordination"] == [
        0.95,
        0.99,
        0.9,
    ]
    assert declared[4].choices == {"tail": "median"}
    assert declared[2].choices == {}  # attention: nothing listed concerns it


@pytest.mark.parametrize(
    ("declared", "multiverse", "expected"),
    [
        # bins under binned only, the copula once
        ({}, {"estimator": ("binned",), "bins": (4, 16)},
         [("gaussian_copula", None), ("binned", 4), ("binned", 16)]),
        # the declared estimator's own bins are the declared specification
        ({"estimator": "binned"}, {"estimator": ("gaussian_copula",), "bins": (4,)},
         [("binned", 8), ("binned", 4), ("gaussian_copula", None)]),
        # bins that somebody wrote down count although the declared estimator has no use for them
        ({"bins": 12}, {"estimator": ("binned",), "bins": (4,)},
         [("gaussian_copula", None), ("binned", 12), ("binned", 4)]),
    ],
)  # fmt: skip
def test_bins_belong_to_the_binned_estimator(declared, multiverse, expected):
    choices = of(make(multiverse, clustering=declared), "clustering")
    assert [(item["estimator"], item["bins"]) for item in choices] == expected


def test_bins_without_the_binned_estimator_vary_nothing():
    assert of(make({"bins": (4, 16)}), "clustering") == [{}]
    assert of(make({"bins": (4,)}, clustering={"estimator": "binned"}), "clustering") == [
        {"bins": 8},
        {"bins": 4},
    ]


def test_every_specification_is_another_one():
    protocol = make(
        {
            "estimator": ("gaussian_copula", "binned"),
            "bins": (4, 8),
            "method": ("leiden",),
            "resolution": (0.5, 2),
        }
    )
    choices = of(protocol, "clustering")
    assert (
        len({tuple(item.items()) for item in choices}) == len(choices) == 3 * 2 * 3
    )  # estimators, methods, resolutions


def test_shared_choices_are_those_of_evidence_and_group():
    protocol = make({"conditions": {OF: ("occurrences",)}, "select": (LARGER,), "variance": (0.9,)})
    assert shared_choices(protocol) == (
        {OF: "types", "select": "plateau"},
        {OF: "types", "select": '{"top_fraction": 0.05}'},
        {OF: "occurrences", "select": "plateau"},
        {OF: "occurrences", "select": '{"top_fraction": 0.05}'},
    )


def test_choices_change_the_protocol_and_nothing_else():
    protocol = make(
        {
            "conditions": {BORDER: (25.0,), OF: ("occurrences",)},
            "replacement": ("zero",),
            "select": (LARGER, {"ids": (3, "L5N7")}),
            "by": ("selectivity",),
        }
    )
    assert with_shared(protocol, {}) == protocol
    assert with_shared(protocol, {"variance": 0.9}) == protocol
    chosen = {
        BORDER: 25.0,
        OF: "occurrences",
        "replacement": "zero",
        "select": '{"top_fraction": 0.05}',
        "by": "selectivity",
    }
    changed = with_shared(protocol, chosen)
    rare, common = ranges(changed)
    assert (rare.below_percentile, rare.of) == (25.0, "occurrences")
    assert (common.from_percentile, common.of) == (25.0, "occurrences")  # one border, moved as a whole
    assert changed.ablation.replacement == "zero"
    assert changed.group.select == Rule(top_fraction=0.05)
    assert (changed.group.by, changed.group.otherwise) == ("selectivity", None)
    named = with_shared(protocol, {"select": '{"ids": [3, "L5N7"]}'})
    assert named.group.ids == (3, "L5N7")
    assert changed.predictions == protocol.predictions
    assert Protocol.model_validate(changed.model_dump()) == changed


def test_a_gap_between_rare_and_common_keeps_its_far_side():
    alone = "rare.target.frequency.below_percentile"
    changed = with_shared(make({"conditions": {alone: (25.0,)}}, border=50), {alone: 25.0})
    rare, common = ranges(changed)
    assert (rare.below_percentile, common.from_percentile) == (25.0, 50.0)


def test_options_take_the_own_choices_only():
    clustering = make({}, clustering={"restarts": 5}).predictions[1]
    changed = with_options(clustering, {BORDER: 10.0, "method": "leiden", "bins": None})
    assert filled_options(changed) == {**filled_options(clustering), "method": "leiden"}
    assert filled_options(changed)["restarts"] == 5
