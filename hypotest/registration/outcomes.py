"""Which outcomes a prediction can have, and which of them could refute a hypothesis."""

from __future__ import annotations

from hypotest.records.prediction import ExpectedOutcome, Prediction
from hypotest.registration.measures import MEASURES


def possible_outcomes(prediction: Prediction) -> tuple[ExpectedOutcome, ...]:
    """Determinate outcomes: ``equivalent`` needs a margin, and an estimator that has an interval.

    Examples:
        >>> possible_outcomes(Prediction(id="a", measure="modularity", contrast={"null": "size_matched"}))
        ('less', 'greater')
    """
    # Duplicated documents bias binned estimates, so that they have no interval over documents.
    shown = prediction.margin is not None and prediction.options.get("estimator") != "binned"
    return ("less", "greater", "equivalent") if shown else ("less", "greater")


def refuting_outcomes(prediction: Prediction, hypothesis: str) -> tuple[ExpectedOutcome, ...]:
    """Outcomes that contradict what a hypothesis expects, and could survive the correction.

    Weights have no documents, hence no interval: there, ``equivalent`` supports and never refutes.
    Premises and descriptive predictions refute nothing, nor does what a hypothesis does not speak on.

    Examples:
        >>> prediction = Prediction(id="a", measure="hill_alpha", contrast={"null": "size_matched"},
        ...                         margin={"null_sd": 2}, expects={"modular": "less"})
        >>> refuting_outcomes(prediction, "modular"), refuting_outcomes(prediction, "distributed")
        (('greater',), ())
    """
    expected = prediction.expects.get(hypothesis, ())
    if prediction.role != "deciding" or not expected:
        return ()
    measure = MEASURES.get(prediction.measure)
    of_weights = measure is not None and measure.level == "weights"
    return tuple(
        outcome
        for outcome in possible_outcomes(prediction)
        if outcome not in expected and not (of_weights and outcome == "equivalent")
    )
