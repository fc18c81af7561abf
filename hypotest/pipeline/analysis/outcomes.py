"""From a contrast to a prediction's result: margin, outcome, correction; the same for every measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from hypotest.inference.equivalence import beyond_p, classify, direction_of, equivalence_p, smallest_effect
from hypotest.inference.margins import equivalence_ceiling, resolve_margin
from hypotest.inference.multiplicity import adjust
from hypotest.inference.rounding import sd_beyond_rounding
from hypotest.measures.registry import measure_of
from hypotest.records.protocol.prediction import Outcome, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import MARGIN_SHARE, PredictionResult, SecondaryNumber
from hypotest.records.results.results import HypothesisVerdict
from hypotest.testing.contrast import MeasuredContrast
from hypotest.verdict import decide, stance


def classify_prediction(
    prediction: Prediction, compared: MeasuredContrast, protocol: Protocol
) -> PredictionResult:
    """Turn a tested contrast into a result; adjusted p-values come with all predictions together."""
    if compared.undefined is not None:
        return _undefined(prediction, compared, protocol, compared.undefined)
    observed, reference = compared.observed, compared.reference_value
    if observed is None or reference is None or not np.isfinite([observed, reference]).all():
        what = "the measured value" if reference is None or np.isfinite(reference) else "its reference"
        return _undefined(prediction, compared, protocol, f"{what} is not a number")
    effect = observed - reference
    level = protocol.decision.level
    margin, ceiling, p_equivalence, p_beyond = None, None, None, None
    if prediction.margin is not None:
        margin = resolve_margin(
            prediction.margin,
            null_mean=reference,
            null_sd=_unit_of_margin(compared),
            exchanged=compared.exchanged,
        )
        if compared.deciding_draws is not None and prediction.contrast.null is not None:
            ceiling = equivalence_ceiling(compared.deciding_draws, margin, reference)
        if compared.interval is not None:
            p_equivalence = equivalence_p(compared.interval, margin)
            direction = direction_of(effect, compared.interval, compared.percentile)
            p_beyond = beyond_p(compared.interval, margin, direction)
    outcome, notes = classify(
        effect=effect,
        p_value=compared.p_value,
        interval=compared.interval,
        margin=margin,
        level=level,
        ceiling=ceiling,
        percentile=compared.percentile,
    )
    if compared.blocked is not None:
        outcome, notes = "inconclusive", (compared.blocked,)
    visible = None
    if outcome == "inconclusive":
        spread = compared.deciding_draws if compared.deciding_draws is not None else compared.interval
        visible = None if spread is None else smallest_effect(spread, level)
    return replace(
        _without_numbers(prediction, compared, protocol, outcome, (*compared.notes, *notes)),
        observed=observed,
        reference_value=reference,
        reference_sd=compared.reference_sd,
        effect=effect,
        ratio=None if _no_ratio(compared) else observed / reference,
        standardized=compared.standardized,
        interval=compared.interval,
        interval_95=compared.interval_95,
        margin=margin,
        secondary={**compared.secondary, **_narrowed(compared, margin)},
        equivalence_ceiling=ceiling,
        p_value=compared.p_value,
        p_error=compared.p_error,
        p_equivalence=p_equivalence,
        p_beyond=p_beyond,
        smallest_effect=visible,
    )


def _narrowed(
    compared: MeasuredContrast, margin: tuple[float, float] | None
) -> Mapping[str, SecondaryNumber]:
    """How wide the margin is as a share of the declared one, where it is narrower."""
    if margin is None or compared.exchanged == 1:
        return {}
    return {MARGIN_SHARE: SecondaryNumber(compared.exchanged)}


def _undefined(
    prediction: Prediction, compared: MeasuredContrast, protocol: Protocol, reason: str
) -> PredictionResult:
    """A result without numbers, but for the measured value if there is one; its first note is the reason."""
    measured = compared.observed is not None and bool(np.isfinite(compared.observed))
    return replace(
        _without_numbers(prediction, compared, protocol, "undefined", (reason, *compared.notes)),
        observed=compared.observed if measured else None,
    )


def _without_numbers(
    prediction: Prediction,
    compared: MeasuredContrast,
    protocol: Protocol,
    outcome: Outcome,
    notes: tuple[str, ...],
) -> PredictionResult:
    """What every result says, whether or not there is anything to compare."""
    return PredictionResult(
        id=prediction.id,
        role=prediction.role,
        measure=prediction.measure,
        title=measure_of(prediction).words.of(protocol.names).title,
        observed=None,
        reference=compared.reference,
        variant=compared.variant,
        reference_value=None,
        reference_sd=None,
        effect=None,
        ratio=None,
        standardized=None,
        interval=None,
        interval_95=None,
        margin=None,
        equivalence_ceiling=None,
        p_value=None,
        p_error=None,
        p_adjusted=None,
        p_equivalence=None,
        p_equivalence_adjusted=None,
        outcome=outcome,
        smallest_effect=None,
        expects={name: tuple(values) for name, values in prediction.expects.items()},
        stances={
            name: stance(outcome, prediction.expects.get(name, ()), prediction.role)
            for name in protocol.hypotheses
        },
        own_intervals=compared.own_intervals,
        secondary=dict(compared.secondary),
        ladder=compared.ladder,
        arms=compared.arms,
        notes=notes,
        reselection=compared.reselection,
        communities=compared.communities,
    )


def adjust_together(results: Sequence[PredictionResult], protocol: Protocol) -> tuple[PredictionResult, ...]:
    """Add the adjusted p-values; differences and equivalences of deciding predictions form one family.

    Lying beyond the margin only ever counts together with the difference. It is no member of the family,
    which Holm's steps take to have one true hypothesis a prediction, and gets the factor M.
    """
    n_deciding = len(protocol.deciding)
    places = [
        (item.id, name)
        for item in results
        for name in ("p_value", "p_equivalence")
        if item.role == "deciding" and getattr(item, name) is not None
    ]
    if not places:
        return tuple(results)
    by_id = {item.id: item for item in results}
    adjusted = adjust(
        [getattr(by_id[key], name) for key, name in places],
        n_deciding,
        protocol.decision.correction,
    )
    p_values = dict(zip(places, adjusted, strict=True))
    adjusted_results = []
    for item in results:
        p = p_values.get((item.id, "p_value"))
        p_equivalence = p_values.get((item.id, "p_equivalence"))
        p_beyond = (
            None if item.role != "deciding" or item.p_beyond is None else min(1.0, n_deciding * item.p_beyond)
        )
        # a copy takes long, and another margin of one prediction leaves most others as they are
        if (p, p_equivalence, p_beyond) != (
            item.p_adjusted,
            item.p_equivalence_adjusted,
            item.p_beyond_adjusted,
        ):
            item = replace(
                item, p_adjusted=p, p_equivalence_adjusted=p_equivalence, p_beyond_adjusted=p_beyond
            )
        adjusted_results.append(item)
    return tuple(adjusted_results)


def judge(results: Sequence[PredictionResult], protocol: Protocol) -> tuple[HypothesisVerdict, ...]:
    """The verdict on each hypothesis, by the protocol's decision rule; p-values are adjusted already."""
    return decide(results, protocol.hypotheses, protocol.decision.level, protocol.decision.rule)


def null_frame(comparisons: Mapping[str, MeasuredContrast]) -> pl.DataFrame:
    """Every null draw of every prediction, tidy: prediction, null, draw, value."""
    frames = [
        pl.DataFrame(
            {
                "prediction": pl.repeat(prediction, len(values), dtype=pl.String, eager=True),
                "null": pl.repeat(null, len(values), dtype=pl.String, eager=True),
                "draw": np.arange(len(values), dtype=np.int32),
                "value": pl.Series(values, dtype=pl.Float64, nan_to_null=True),
            }
        )
        for prediction, item in comparisons.items()
        for null, values in item.draws.items()
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=_NULL_SCHEMA)


_NULL_SCHEMA = {"prediction": pl.String, "null": pl.String, "draw": pl.Int32, "value": pl.Float64}


def _unit_of_margin(compared: MeasuredContrast) -> float | None:
    """SD of random groups in the unit of the contrast; None where none was drawn."""
    if compared.sd_draws is None:
        return None
    return sd_beyond_rounding(compared.sd_draws)


def _no_ratio(compared: MeasuredContrast) -> bool:
    """A ratio to zero says nothing."""
    return compared.reference_value == 0
