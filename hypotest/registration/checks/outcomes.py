"""Which outcomes a prediction can have, and which of them could refute a hypothesis.

`reselection` says whether the protocol has the group selected again, by which measures of weights have an
interval.
"""

from __future__ import annotations

from hypotest.measures.registry import MEASURES
from hypotest.records.protocol.prediction import ExpectedOutcome, Prediction


def possible_outcomes(prediction: Prediction, *, reselection: bool = False) -> tuple[ExpectedOutcome, ...]:
    """Determinate outcomes: ``equivalent`` needs a margin, and an estimator that has an interval.

    Examples:
        >>> possible_outcomes(Prediction(id="a", measure="modularity", contrast={"null": "size_matched"}))
        ('less', 'greater')
    """
    shown = prediction.margin is not None and not why_no_interval(prediction, reselection=reselection)
    return ("less", "greater", "equivalent") if shown else ("less", "greater")


def why_no_interval(prediction: Prediction, *, reselection: bool = False) -> str:
    """Why a measure has no interval under any amount of text; empty where it has one.

    Examples:
        >>> prediction = Prediction(id="a", measure="segregation", contrast={"null": "size_matched"})
        >>> why_no_interval(prediction)
        'no document interval is available for segregation'
    """
    measure = MEASURES.get(prediction.measure)
    return "" if measure is None else measure.why_no_interval(prediction.options, reselection=reselection)


def refuting_outcomes(
    prediction: Prediction, hypothesis: str, *, reselection: bool = False
) -> tuple[ExpectedOutcome, ...]:
    """Outcomes that contradict what a hypothesis expects, and could survive the correction.

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
    possible = possible_outcomes(prediction, reselection=reselection)
    return tuple(outcome for outcome in possible if outcome not in expected)
