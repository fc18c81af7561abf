"""What each prediction can see, over sizes, documents, draws and levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import declared_null
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.power.basis import PowerBasis
from hypotest.studies.power.record import UNITS, PowerCurve, PredictionPower

DRAWS = (99, 999, 9999)
"""Numbers of draws in the table, beside the declared one."""
_CURVE_POINTS = 25
_CURVE_UNITS = 5.0


def planned_draws(plan: Protocol, prediction: Prediction) -> int | None:
    """Draws of the null that a prediction is compared with; None without a null."""
    declared = declared_null(plan, prediction.contrast.null)
    return None if declared is None else declared.n_draws


def predict_power(base: PowerBasis, plan: Protocol, planned: int) -> PredictionPower:
    """What a prediction can see with the documents and draws of the plan."""
    levels = _levels(plan)
    draws = planned_draws(plan, base.prediction)
    measure = MEASURES[base.prediction.measure]
    scale, margin = base.unit(planned), base.half_width(planned)
    return PredictionPower(
        id=base.prediction.id,
        role=base.prediction.role,
        measure=base.prediction.measure,
        title=measure.words.of(plan.names).title,
        compared_with=base.compared_with,
        group_size=base.group_size,
        declared=base.declared,
        unit="standard error" if base.draws is None else "null SD",
        scale=scale,
        documents=planned,
        draws=draws,
        margin=margin,
        ceiling=base.ceiling(planned),
        standard_error=base.error(planned),
        smallest=(
            base.smallest(planned, draws, levels[0]),
            base.smallest(planned, draws, levels[1]),
        ),
        seen=(base.seen(planned, draws, levels[0]), base.seen(planned, draws, levels[1])),
        power=tuple(base.power(unit * scale, planned, draws, levels[0]) for unit in UNITS) if scale else (),
        at_margin=base.power(margin, planned, draws, levels[0]) if base.visible and margin else None,
        equivalent=base.equivalent(planned, levels[0]),
        notes=base.notes,
    )


def power_table(
    bases: Sequence[PowerBasis], plan: Protocol, planned: int, documents: Sequence[int]
) -> pl.DataFrame:
    """The whole grid, tidy: see `TABLE_SCHEMA`."""
    rows: list[tuple[Any, ...]] = []
    for base in bases:
        scale = base.unit(planned)
        if not scale:
            continue
        declared = planned_draws(plan, base.prediction)
        all_draws: Sequence[int | None] = [None] if declared is None else sorted({*DRAWS, declared})
        margin = base.half_width(planned)
        effects = [unit * scale for unit in UNITS] + ([] if margin is None else [margin])
        for number in documents:
            equivalent = base.equivalent(number, plan.decision.level)
            for draws in all_draws:
                for level in _levels(plan):
                    shared = (base.smallest(number, draws, level), base.seen(number, draws, level))
                    rows += [
                        (
                            base.prediction.id,
                            base.compared_with,
                            base.group_size,
                            number,
                            draws,
                            level,
                            *shared,
                            effect,
                            effect / scale,
                            base.power(effect, number, draws, level),
                            equivalent,
                            base.declared and number == planned and draws == declared,
                        )
                        for effect in effects
                    ]
    return pl.DataFrame(rows, schema=TABLE_SCHEMA, orient="row")


TABLE_SCHEMA = {
    "prediction": pl.String,
    "compared_with": pl.String,
    "group_size": pl.Int64,
    "documents": pl.Int64,
    "draws": pl.Int64,
    "level": pl.Float64,
    "smallest_effect": pl.Float64,
    "effect_seen": pl.Float64,
    "effect": pl.Float64,
    "effect_in_units": pl.Float64,
    "power": pl.Float64,
    "equivalent": pl.Float64,
    "as_planned": pl.Boolean,
}
"""Effects in the measure's own unit, and in the plan's null SDs or standard errors."""


def power_curves(
    bases: Sequence[PowerBasis], plan: Protocol, planned: int, documents: Sequence[int]
) -> tuple[PowerCurve, ...]:
    """Power by effect: for each group size, or for each number of documents where there is no group."""
    largest: dict[str, float] = {}
    for base in bases:
        unit = base.unit(planned) or 0.0
        largest[base.prediction.id] = max(largest.get(base.prediction.id, 0.0), _CURVE_UNITS * unit)
    curves = []
    for base in bases:
        name = base.prediction.id
        if not base.visible or not largest[name]:
            continue
        effects = np.linspace(0, largest[name], _CURVE_POINTS)
        by_size = base.group_size is not None
        for number in [planned] if by_size else documents:
            draws = planned_draws(plan, base.prediction)
            powers = [base.power(effect, number, draws, plan.decision.level) for effect in effects.tolist()]
            curves.append(
                PowerCurve(
                    prediction=name,
                    label=f"{base.group_size:,} neurons" if by_size else f"{number:,} documents",
                    planned=base.declared and number == planned,
                    effect=tuple(effects.tolist()),
                    power=tuple(powers),
                )
            )
    return tuple(curves)


def _levels(plan: Protocol) -> tuple[float, float]:
    level = plan.decision.level
    return level, level / max(1, len(plan.deciding))
