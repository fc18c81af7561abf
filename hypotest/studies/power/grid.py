"""From rehearsed analyses to what each prediction can see, over sizes, documents, draws and levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.inference.equivalence import equivalence_ceiling
from hypotest.inference.power import (
    effect_seen,
    equivalence_power,
    null_spread,
    ordinary_equivalence,
    randomization_power,
    smallest_significant,
    t_power,
    t_smallest,
)
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import declared_null
from hypotest.pipeline.analysis import Analysis
from hypotest.records.design import MINIMUM_DOCUMENTS
from hypotest.records.prediction import Prediction
from hypotest.records.prediction_result import PredictionResult
from hypotest.records.protocol import Protocol
from hypotest.registration.outcomes import why_no_interval
from hypotest.studies.power.record import SEEN, UNITS, PowerCurve, PredictionPower

DRAWS = (99, 999, 9999)
"""Numbers of draws in the table, beside the declared one."""
_CURVE_POINTS = 25
_CURVE_UNITS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class PowerBasis:
    """What one prediction's power is computed from: a null's draws, or a standard error over documents."""

    prediction: Prediction
    compared_with: str
    group_size: int | None
    declared: bool
    draws: NDArray[np.float64] | None
    """Of the null less their mean, with the documents at hand; None for contrasts without a null."""
    standard_error: float | None
    n_measured: int
    """Documents at hand on which the measure has a value."""
    measured_of: Callable[[int], int]
    """From a number of documents in the split to those on which it has one."""
    spread_ratio: float
    """SD of the null with half of the documents at hand, as a share of that with all of them."""
    margin: float | None
    margin_spread_ratio: float
    """The same of the margin: one in SDs of random groups moves with theirs."""
    notes: tuple[str, ...]

    @property
    def visible(self) -> bool:
        """Whether there is anything to predict from."""
        return self.draws is not None or self.standard_error is not None

    def narrowed(self, documents: int) -> float:
        """SD of the null with so many documents, as a share of the SD at hand."""
        return float(null_spread(1.0, self.spread_ratio, self.n_measured, self.measured_of(documents)))

    @property
    def _sd(self) -> float:
        assert self.draws is not None  # asked for nulls only
        return float(np.nanstd(self.draws, ddof=1))

    def unit(self, documents: int) -> float | None:
        """SD of the null or standard error, with so many documents."""
        return self.error(documents) if self.draws is None else self._sd * self.narrowed(documents)

    def error(self, documents: int) -> float | None:
        """Standard error with so many documents; it falls with their square root."""
        if self.standard_error is None:
            return None
        return self.standard_error * float(np.sqrt(self.n_measured / self.measured_of(documents)))

    def half_width(self, documents: int) -> float | None:
        """The margin; one in null SDs narrows as that of random groups does."""
        if self.margin is None:
            return None
        spread = null_spread(1.0, self.margin_spread_ratio, self.n_measured, self.measured_of(documents))
        return self.margin * float(spread)

    def power(self, effect: float, documents: int, draws: int | None, level: float) -> float:
        """Probability of p <= level, in the direction in which it is smaller."""
        if self.draws is not None:
            assert draws is not None  # a null has draws
            moved = effect / self.narrowed(documents)
            return min(randomization_power(self.draws, sign * moved, draws, level) for sign in (1, -1))
        error = self.error(documents)
        if not error:
            return 1.0 if effect > 0 else 0.0
        return t_power(effect, error, self.measured_of(documents) - 1, level)

    def smallest(self, documents: int, draws: int | None, level: float) -> float | None:
        """Smallest effect that would be significant."""
        if self.draws is not None:
            found = _at_hand(self, draws, level)[0]
            return None if found is None else found * self.narrowed(documents)
        error = self.error(documents)
        return None if error is None else t_smallest(error, self.measured_of(documents) - 1, level)

    def seen(self, documents: int, draws: int | None, level: float) -> float | None:
        """Smallest effect that is significant with probability `SEEN`."""
        if self.draws is not None:
            found = _at_hand(self, draws, level)[1]
            return None if found is None else found * self.narrowed(documents)
        unit = self.unit(documents)
        if not unit:
            return unit
        return effect_seen(lambda effect: self.power(effect, documents, draws, level), unit, SEEN)

    def ceiling(self, documents: int) -> float | None:
        """Share of null draws inside the margin."""
        margin = self.half_width(documents)
        if self.draws is None or margin is None:
            return None
        return equivalence_ceiling(self.draws * self.narrowed(documents), (-margin, margin), 0.0)

    def equivalent(
        self, documents: int, level: float, *, margin: float | None = None, effect: float = 0.0
    ) -> float | None:
        """Probability of ``equivalent``, by default where nothing is out of the ordinary.

        Args:
            documents: Of the split.
            level: Of each of the two tests.
            margin: Half-width; by default the declared one.
            effect: By which an ordinary group, or the absence of an effect, is moved.
        """
        margin, error = self.half_width(documents) if margin is None else margin, self.error(documents)
        freedom = self.measured_of(documents) - 1
        if margin is None or not self.visible:
            return None
        if self.draws is None:
            assert error is not None  # visible by its standard error
            return equivalence_power(effect, margin, error, freedom, level) if error else 1.0
        if error is None:
            # with enough documents there is no interval for this measure at all, and no equivalence
            never = why_no_interval(self.prediction) or self.n_measured >= MINIMUM_DOCUMENTS
            return 0.0 if never else None
        effects = self.draws * self.narrowed(documents)
        return ordinary_equivalence(effects, margin, error, freedom, level, effect)


@lru_cache(maxsize=64)
def _at_hand(base: PowerBasis, draws: int | None, level: float) -> tuple[float | None, float | None]:
    """Smallest significant effect, and the one that is seen, of a null with the documents at hand.

    Other numbers of documents narrow the null, and the effects with it.
    """
    null = base.draws
    assert null is not None and draws is not None  # a null has draws
    scale = float(np.nanstd(null, ddof=1))
    if not scale:
        return smallest_significant(null, draws, level), scale

    def power(effect: float) -> float:
        return min(randomization_power(null, sign * effect, draws, level) for sign in (1, -1))

    return smallest_significant(null, draws, level), effect_seen(power, scale, SEEN)


def power_bases(
    plan: Protocol,
    predictions: Iterable[Prediction],
    analysis: Analysis,
    spread_ratios: Mapping[str, tuple[float, float]],
    measuring: int,
    documents_with_heads: Callable[[int], int],
    *,
    declared: bool,
) -> Iterator[PowerBasis]:
    """Take from an analysis what the power of its predictions rests on.

    Args:
        plan: The protocol.
        predictions: Which of them.
        analysis: Of one half of the selection split, the group selected on the other.
        spread_ratios: From `compare_halved`, of the declared group.
        measuring: Documents behind `analysis`.
        documents_with_heads: From documents of a split to those in which heads are ablated.
        declared: Whether the group is the one that the protocol's own rule selects.
    """
    by_id = {item.id: item for item in analysis.predictions}
    for prediction in predictions:
        result = by_id[prediction.id]
        if result.outcome == "undefined":  # said in the notes; there is nothing to predict from
            continue
        level = MEASURES[prediction.measure].level
        n_measured = measuring if result.interval is None else result.interval.degrees_of_freedom + 1

        def measured_of(documents: int, n_measured: int = n_measured) -> int:
            return max(2, round(documents * n_measured / measuring))

        draws = None
        if prediction.contrast.null is not None:
            draws = _draws(analysis, result)
            draws = draws - np.nanmean(draws)
        spread, margin_spread = spread_ratios.get(prediction.id, (1.0, 1.0))
        yield PowerBasis(
            prediction=prediction,
            compared_with=result.reference,
            group_size=None if level == "conditions" else len(analysis.task.selection.group),
            declared=declared,
            draws=draws,
            standard_error=None if result.interval is None else result.interval.standard_error,
            n_measured=n_measured,
            measured_of=documents_with_heads if level == "heads" else measured_of,
            spread_ratio=spread,
            margin=None if result.margin is None else result.margin[1],
            margin_spread_ratio=margin_spread,
            notes=_notes(result, draws),
        )


def compare_halved(
    plan: Protocol, whole: Analysis, halved: Analysis | None
) -> dict[str, tuple[float, float]]:
    """How much wider nulls, and margins in their SDs, are with half of the documents.

    Args:
        plan: The protocol; weights have no documents.
        whole: With all documents at hand.
        halved: With half of them; without, nothing is said.

    Returns:
        Per prediction with a null, SD and margin as shares of those with all documents.
    """
    if halved is None:
        return {}
    wholes = {item.id: item for item in whole.predictions}
    measured = {item.id for item in plan.predictions if MEASURES[item.measure].level != "weights"}
    found = {}
    for item in halved.predictions:
        other = wholes.get(item.id)
        if other is None or "undefined" in (item.outcome, other.outcome):
            continue
        if item.id in measured and item.ladder and other.ladder and other.ladder[0].sd > 0:
            margins = (item.margin, other.margin)
            found[item.id] = (
                item.ladder[0].sd / other.ladder[0].sd,
                margins[0][1] / margins[1][1] if margins[0] and margins[1] and margins[1][1] > 0 else 1.0,
            )
    return found


def _draws(analysis: Analysis, result: PredictionResult) -> NDArray[np.float64]:
    mine = analysis.nulls.filter(
        (pl.col("prediction") == result.id) & (pl.col("null") == result.ladder[0].id)
    )
    return np.asarray(mine["value"].to_numpy(), dtype=np.float64)


def _notes(result: PredictionResult, draws: NDArray[np.float64] | None) -> tuple[str, ...]:
    notes = []
    if result.interval is None and draws is None:
        notes.append(f"no interval, so nothing can be foreseen: {'; '.join(result.notes)}")
    if result.ladder and result.unit:
        notes.append("the rule sets the group's size: effects are in SDs of random groups of each size")
    return tuple(notes)


def planned_draws(plan: Protocol, prediction: Prediction) -> int | None:
    """Draws of the null that a prediction is compared with; None without a null."""
    found = declared_null(plan, prediction.contrast.null)
    return None if found is None else found.n_draws


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
        title=measure.title,
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
