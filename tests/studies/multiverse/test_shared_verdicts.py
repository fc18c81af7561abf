"""Verdicts over the shared choices, by hand; the rest of the study is in tests/functional."""

from __future__ import annotations

import pytest

from hypotest.nulls.registry import needed_nulls
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.studies.multiverse.record import Specification, SpecificationResult
from hypotest.studies.multiverse.shared_verdicts import shared_verdicts

PROTOCOL = Protocol.model_validate(
    {
        "hypotest": 1,
        "id": "small",
        "title": "small",
        "conditions": {
            "rare": {"target": {"frequency": {"below_percentile": 15}}},
            "common": {"target": {"frequency": {"from_percentile": 15}}},
        },
        "group": {"select": {"top_fraction": 0.02}},
        "nulls": {"size_matched": {"draws": 99}, "label_shuffled": {"draws": 99}},
        "predictions": [
            {
                "id": "coordination",
                "measure": "effective_dimension",
                "contrast": {"null": "size_matched"},
                "margin": {"null_sd": 2},
                "expects": {"modular": "greater", "distributed": "less"},
            },
            {
                "id": "attention",
                "measure": "attention_gini",
                "contrast": {"conditions": ["rare", "common"], "by": "document"},
                "expects": {"modular": "greater", "distributed": "less"},
            },
            {
                "id": "specialization",
                "role": "premise",
                "measure": "selectivity",
                "contrast": {"null": "label_shuffled"},
                "expects": {"modular": "greater", "distributed": "greater"},
            },
        ],
        "multiverse": {"select": ({"top_fraction": 0.05},), "variance": (0.9,)},
        "seed": 1,
    }
)


SMALL, LARGE = '{"top_fraction": 0.02}', '{"top_fraction": 0.05}'


def outcome_under(prediction, outcome, p_value, declared=False, **choices):
    declaration = next(item for item in PROTOCOL.predictions if item.id == prediction)
    result = PredictionResult(
        id=prediction, role=declaration.role, measure=declaration.measure, title=prediction, observed=1.0,
        reference="size_matched", reference_value=0.0, reference_sd=1.0, effect=1.0, ratio=None,
        standardized=1.0, interval=None, interval_95=None, margin=None, equivalence_ceiling=None,
        p_value=p_value, p_error=None, p_adjusted=None, p_equivalence=None, p_equivalence_adjusted=None,
        outcome=outcome, smallest_effect=None, expects=declaration.expects, stances={},
    )  # fmt: skip
    return SpecificationResult(Specification(prediction, choices, declared), result)


def test_a_verdict_takes_the_shared_choice_and_the_declared_options():
    tests = [
        outcome_under("coordination", "less", 0.001, True, select=SMALL, variance=0.95),
        outcome_under(
            "coordination", "greater", 0.001, select=SMALL, variance=0.9
        ),  # not the declared option
        outcome_under("coordination", "greater", 0.04, select=LARGE, variance=0.95),
        outcome_under("coordination", "less", 0.001, select=LARGE, variance=0.9),  # nor this
        outcome_under("attention", "less", 0.001, True),
        outcome_under("specialization", "greater", 0.001, True, select=SMALL),
        outcome_under("specialization", "greater", 0.001, select=LARGE),
    ]
    small, large = shared_verdicts(PROTOCOL, tests)
    assert (small.choices, small.is_declared) == ({"select": SMALL}, True)
    assert small.statuses == {"modular": "refuted", "distributed": "supported"}
    # 0.04 x 2 deciding predictions is beyond 0.05: coordination speaks against distributed and refutes
    # nothing; attention (no group in it) refutes modular as before.
    assert (large.choices, large.is_declared) == ({"select": LARGE}, False)
    assert large.statuses == {"modular": "refuted", "distributed": "undecided"}


@pytest.mark.parametrize(
    ("prediction", "nulls"),
    [
        ("coordination", ("size_matched",)),
        ("attention", ()),
        ("specialization", ("label_shuffled",)),
    ],
)
def test_only_nulls_that_an_outcome_needs_are_drawn(prediction, nulls):
    declaration = next(item for item in PROTOCOL.predictions if item.id == prediction)
    assert needed_nulls(declaration) == nulls


def test_a_margin_in_null_sds_needs_random_groups_beside_another_null():
    declaration = PROTOCOL.predictions[0]
    contrast = declaration.contrast.model_copy(update={"null": "covariate_matched"})
    moved = declaration.model_copy(update={"contrast": contrast})
    assert needed_nulls(moved) == ("covariate_matched", "size_matched")
    assert PROTOCOL.with_nulls(needed_nulls(moved)).nulls.label_shuffled is None
