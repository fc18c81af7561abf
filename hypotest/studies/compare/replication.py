"""What a result says of other studies and other models: by whose errors, and in how many models it holds."""

from __future__ import annotations

from collections.abc import Sequence

from hypotest.inference.equivalence import direction_of
from hypotest.inference.margins import MINIMUM_CEILING
from hypotest.inference.replicability import lower_bound, partial_conjunctions
from hypotest.measures.registry import MEASURES
from hypotest.records.protocol.prediction import Outcome
from hypotest.records.results.prediction_result import OTHER_CONDITION, PredictionResult
from hypotest.studies.compare.record import ErrorsOf, Replicability

WHAT_TO_DO = "run it with intervals: {reselection: true}"
FIXED_GROUP = (
    "have errors of a fixed group only, and studies of one network differ by more than these: "
    f"{WHAT_TO_DO} to test how much they differ"
)


def errors_of(item: PredictionResult) -> ErrorsOf:
    """Whose errors an effect is compared and pooled by: those of another study, where there are some."""
    again = item.reselection
    if again is not None and again.standard_error is not None:
        return "new selection"
    if item.interval_95 is None:
        return ""
    measure = MEASURES.get(item.measure)
    return "no group" if measure is not None and measure.level == "conditions" else "fixed group"


def bounds_of(item: PredictionResult) -> tuple[float, float] | None:
    """95 % interval by the errors of `errors_of`."""
    again = item.reselection
    if again is not None and again.interval_95 is not None:
        return again.interval_95
    return None if item.interval_95 is None else (item.interval_95.low, item.interval_95.high)


def estimate_of(item: PredictionResult, scale: float) -> tuple[float, float] | None:
    """Effect and standard error by the errors of `errors_of`; None without any."""
    again, interval, bounds = item.reselection, item.interval_95, bounds_of(item)
    if bounds is None:
        return None
    error = None if again is None else again.standard_error
    if error is None:
        assert interval is not None  # whose bounds they are
        error = interval.standard_error
    return (bounds[0] + bounds[1]) / 2 / scale, error / scale


def replicated(results: Sequence[PredictionResult], level: float, n_tests: int) -> tuple[Replicability, ...]:
    """In at least how many models the prediction has each outcome.

    Nothing for a single model. A two-sided p counts for the direction that was found, and as 1 for the other;
    so does any p of a run from which nothing can be concluded.

    Args:
        results: Of one run of each model, to the same question.
        level: Of the bound.
        n_tests: Deciding predictions of the comparison.
    """
    if len(results) < 2:
        return ()
    outcomes: list[Outcome] = ["less", "greater"]
    if any(item.p_equivalence is not None for item in results):
        outcomes.append("equivalent")
    replicabilities = []
    for outcome in outcomes:
        p_values = partial_conjunctions([_p_of(item, outcome) for item in results])
        adjusted = (
            lower_bound(p_values, level / max(1, n_tests))
            if any(item.role == "deciding" for item in results)
            else None
        )
        replicabilities.append(
            Replicability(outcome, len(results), p_values, lower_bound(p_values, level), adjusted)
        )
    return tuple(replicabilities)


def _p_of(item: PredictionResult, outcome: Outcome) -> float:
    """P-value of one outcome in a run; 1 where nothing can be concluded from it."""
    blocked = any(rung.blocked for rung in item.ladder[:1])
    if item.outcome == "undefined" or blocked:
        return 1.0
    if outcome == "equivalent":
        ceiling = item.equivalence_ceiling
        known = item.p_equivalence is not None and (ceiling is None or ceiling >= MINIMUM_CEILING)
        return float(item.p_equivalence) if known and item.p_equivalence is not None else 1.0
    if item.p_value is None or item.effect is None:
        return 1.0
    among_draws = item.ladder and item.reference not in ("value", OTHER_CONDITION)
    direction = direction_of(item.effect, item.interval, item.ladder[0].percentile if among_draws else None)
    return item.p_value if (direction > 0) == (outcome == "greater") and direction != 0 else 1.0
