"""Which outcomes can occur and refute must be what the verdict counts."""

from __future__ import annotations

import pytest

from hypotest.records.protocol.prediction import Prediction
from hypotest.registration.checks.outcomes import possible_outcomes, refuting_outcomes, why_no_interval


def _prediction(measure="effective_dimension", expects="less", **changes):
    content = {
        "id": "a",
        "measure": measure,
        "contrast": {"null": "size_matched"},
        "margin": {"null_sd": 2},
        "expects": {"modular": expects},
    }
    return Prediction.model_validate({**content, **changes})


@pytest.mark.parametrize(
    ("prediction", "outcomes"),
    [
        (_prediction(), ("less", "greater", "equivalent")),
        (_prediction(margin=None), ("less", "greater")),
        (_prediction("modularity", options={"estimator": "binned"}), ("less", "greater")),
        (_prediction("hill_alpha"), ("less", "greater")),  # weights have no interval
        (_prediction("segregation"), ("less", "greater")),
        (_prediction("modularity", options={"bins": 16}), ("less", "greater", "equivalent")),
    ],
)
def test_possible_outcomes(prediction, outcomes):
    assert possible_outcomes(prediction) == outcomes


@pytest.mark.parametrize(
    ("prediction", "outcomes"),
    [
        (_prediction(), ("greater", "equivalent")),
        (_prediction(expects=["equivalent", "less"]), ("greater",)),
        (_prediction(expects="any"), ()),
        (_prediction(role="premise"), ()),
        (_prediction(role="descriptive"), ()),
        (_prediction("hill_alpha"), ("greater",)),
        (_prediction("hill_alpha", expects="equivalent"), ("less", "greater")),
        (_prediction(margin=None), ("greater",)),
    ],
)
def test_refuting_outcomes(prediction, outcomes):
    assert refuting_outcomes(prediction, "modular") == outcomes
    assert refuting_outcomes(prediction, "distributed") == ()


def test_selecting_again_gives_measures_of_weights_an_interval():
    hill = _prediction("hill_alpha")
    assert "reselection: true" in why_no_interval(hill)
    assert why_no_interval(hill, reselection=True) == ""
    assert possible_outcomes(hill, reselection=True) == ("less", "greater", "equivalent")
    assert refuting_outcomes(hill, "modular") == ("greater",)
    assert refuting_outcomes(hill, "modular", reselection=True) == ("greater", "equivalent")
    assert possible_outcomes(_prediction("segregation"), reselection=True) == ("less", "greater")
