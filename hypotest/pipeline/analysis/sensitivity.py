"""What a margin decides: each prediction classified anew at every other margin, and the verdicts with it.

A margin is the one number of a protocol that is the author's judgement alone. So a report says with which
margins the same data would have given another outcome, and where the verdict on a hypothesis turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from hypotest.inference.margins import MINIMUM_CEILING
from hypotest.pipeline.analysis.outcomes import adjust_together, classify_prediction, judge
from hypotest.records.protocol.margins import MarginFlip, MarginKind, MarginSensitivity
from hypotest.records.protocol.prediction import Margin, Outcome, Prediction, Status
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import Interval, PredictionResult
from hypotest.testing.contrast import MeasuredContrast

_BISECTIONS = 60
_NEAR = 1e-9
"""How near, as a share, a change must lie to where it is expected."""
_WIDEST = 2.0
"""Of the largest margin at which anything can change: nothing changes beyond it."""
_State = tuple[Outcome, tuple[Status, ...]]


def with_sensitivity(
    predictions: Sequence[PredictionResult], comparisons: Mapping[str, MeasuredContrast], protocol: Protocol
) -> tuple[PredictionResult, ...]:
    """Add to every result that has a margin and an interval what other margins would have given.

    Nothing is added where a margin is 0 wide, in SDs of a null that does not vary.

    Args:
        predictions: Of the protocol, in its order, with adjusted p-values.
        comparisons: Id of each -> what its outcome depends on.
        protocol: Margins, expectations and the decision rule.
    """
    return tuple(
        item
        if asked.margin is None or item.interval is None or item.margin is None or not item.margin[1]
        else replace(
            item, sensitivity=_sensitivity(place, item, asked, predictions, comparisons[item.id], protocol)
        )
        for place, (item, asked) in enumerate(zip(predictions, protocol.predictions, strict=True))
    )


def kind_of(margin: Margin) -> tuple[MarginKind, float]:
    """How a protocol writes a margin.

    Examples:
        >>> kind_of(Margin(null_sd=2))
        ('null_sd', 2.0)
    """
    kinds: tuple[MarginKind, ...] = ("raw", "ratio", "null_sd")
    kind = next(name for name in kinds if getattr(margin, name) is not None)
    return kind, float(getattr(margin, kind))


def _sensitivity(
    place: int,
    item: PredictionResult,
    asked: Prediction,
    predictions: Sequence[PredictionResult],
    compared: MeasuredContrast,
    protocol: Protocol,
) -> MarginSensitivity:
    assert asked.margin is not None and item.margin is not None and item.interval is not None
    kind, declared = kind_of(asked.margin)
    scale = item.margin[1] / declared

    def state(margin: float) -> _State:
        """Outcome of the prediction and status of every hypothesis, with this margin."""
        other = asked.model_copy(update={"margin": Margin(raw=margin / compared.exchanged)})
        changed = replace(classify_prediction(other, compared, protocol), splits=item.splits)
        together = adjust_together([*predictions[:place], changed, *predictions[place + 1 :]], protocol)
        verdicts = judge(together, protocol)
        return changed.outcome, tuple(verdict.status for verdict in verdicts)

    turning = sorted(set(_turning_points(item.interval, compared, protocol)))
    flips: list[MarginFlip] = []
    smallest: float | None = None
    if turning:
        between = [turning[0] / 2, *(np.array(turning[:-1]) + np.array(turning[1:])) / 2]
        tried = [*map(float, between), _WIDEST * turning[-1]]
        states = [state(margin) for margin in tried]
        if states[0][0] == "equivalent":
            smallest = 0.0
        for place_of, low, high, below, above in zip(
            turning, tried[:-1], tried[1:], states[:-1], states[1:], strict=True
        ):
            if below == above:
                continue
            margin = place_of
            if (state(place_of * (1 - _NEAR)), state(place_of * (1 + _NEAR))) != (below, above):
                margin = _place_of_change(state, low, high, below)
            changes = zip(protocol.hypotheses, below[1], above[1], strict=True)
            verdicts = {name: (one, two) for name, one, two in changes if one != two}
            flips.append(MarginFlip(margin, margin / scale, below[0], above[0], verdicts))
            if smallest is None and above[0] == "equivalent":
                smallest = margin
    in_kind = None if smallest is None else smallest / scale
    return MarginSensitivity(kind, declared, smallest, in_kind, tuple(flips))


def _turning_points(interval: Interval, compared: MeasuredContrast, protocol: Protocol) -> Iterator[float]:
    """Margins at which something may change, some of them for nothing.

    With c the interval's centre and s its standard error, equivalence at level a needs a margin of |c| + t s,
    lying beyond it one of |c| - t s at most, t = t(1 - a). The correction divides the level by M, or
    by some number up to it (Holm). The ceiling needs the `MINIMUM_CEILING` quantile of the draws' distances
    from the reference.
    """
    centre, error = abs(interval.low + interval.high) / 2, interval.standard_error
    n_tests, level = max(1, len(protocol.deciding)), protocol.decision.level
    divisors = {1, n_tests} if protocol.decision.correction == "bonferroni" else {*range(1, n_tests + 1)}
    for divisor in sorted(divisors):
        reach = float(stdtrit(interval.degrees_of_freedom, 1 - level / divisor)) * error
        yield from (margin for margin in (centre + reach, centre - reach) if margin > 0)
    if compared.deciding_draws is not None and compared.reference_value is not None:
        distances = np.abs(np.nan_to_num(compared.deciding_draws, nan=np.inf) - compared.reference_value)
        needed = float(np.quantile(distances, MINIMUM_CEILING, method="higher"))
        if np.isfinite(needed) and needed > 0:
            yield needed


def _place_of_change(state: Callable[[float], _State], low: float, high: float, below: _State) -> float:
    """The margin between two at which their state gives way to another, by bisection."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if state(middle) == below else (low, middle)
    return high
