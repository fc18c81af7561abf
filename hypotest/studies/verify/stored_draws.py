"""What follows from a run's own files: from null draws and intervals to p-values, outcomes and verdicts.

It needs no evidence. What it cannot show is that draws and intervals follow from the evidence, or that from
the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from hypotest.errors import HypotestError
from hypotest.inference.randomization import compare_with_null
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, SD_NULL, declared, opponents, reference_of
from hypotest.pipeline.analysis.outcomes import adjust_together, classify_prediction, judge
from hypotest.pipeline.analysis.sensitivity import with_sensitivity
from hypotest.predicates.combine import exchange_of
from hypotest.predicates.units import EXCHANGES
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import (
    MARGIN_SHARE,
    OTHER_CONDITION,
    NullComparison,
    PredictionResult,
)
from hypotest.records.results.results import Results
from hypotest.report.results_file import json_text
from hypotest.studies.verify.deviation import largest_deviation
from hypotest.studies.verify.differences import differences
from hypotest.studies.verify.record import Check, Difference
from hypotest.studies.verify.tolerances import Tolerance, draws_by_null
from hypotest.testing.contrast import Draws, MeasuredContrast
from hypotest.testing.intervals import interval_p_value

NAME = "outcomes and verdicts, from stored draws"
_OF_EVIDENCE = frozenset(
    {
        "title", "interval", "interval_95", "own_intervals", "secondary", "arms", "ladder", "splits", "notes",
        "reselection", "hidden_bias", "communities",
    }
)  # fmt: skip
"""Of a prediction's result: what is taken as it is, and what is compared apart."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredDraws:
    """The null draws of a run, by prediction and key of the comparison."""

    of: Mapping[tuple[str, str], Draws]

    @classmethod
    def read(cls, nulls: pl.DataFrame) -> StoredDraws:
        """From ``nulls.parquet``, in the order in which they were drawn."""
        return cls({key: values for key, (_, values) in draws_by_null(nulls).items()})

    def contrast(self, item: PredictionResult) -> MeasuredContrast:
        """What a stored result was classified by, its comparisons as they are.

        Args:
            item: A result. Where it has no outcome, its first note says why.
        """
        against_null = item.reference not in ("value", OTHER_CONDITION)
        rung = item.ladder[0] if item.ladder else None
        by_draws = rung is not None and item.p_error is not None
        interval = item.interval
        share = item.secondary.get(MARGIN_SHARE)
        shown = MeasuredContrast(
            observed=item.observed,
            reference=item.reference,
            variant=item.variant,
            reference_value=item.reference_value,
            reference_sd=item.reference_sd,
            standardized=item.standardized,
            p_value=None if interval is None else interval_p_value(interval),
            interval=interval,
            interval_95=item.interval_95,
            sd_draws=self.of.get((item.id, SD_NULL)),
            deciding_draws=self.of.get((item.id, rung.key)) if rung is not None and against_null else None,
            exchanged=1.0 if share is None or share.value is None else share.value,
            undefined=item.notes[0] if item.outcome == "undefined" and item.notes else None,
            ladder=item.ladder,
            arms=item.arms,
            own_intervals=item.own_intervals,
            secondary=item.secondary,
            reselection=item.reselection,
            communities=item.communities,
        )
        if rung is None or not by_draws:
            return shown
        shown = replace(
            shown,
            p_value=rung.p_value,
            p_error=rung.p_error,
            percentile=rung.percentile,
            blocked=rung.blocked,
        )
        if against_null:
            return replace(
                shown,
                observed=rung.observed,
                reference_value=rung.mean,
                reference_sd=rung.sd,
                standardized=rung.z,
            )
        return shown


def check_stored_draws(
    plan: Protocol, stored: Results, nulls: pl.DataFrame | None, tolerance: Tolerance
) -> Check:
    """Draw every conclusion of a run again from its stored draws and intervals.

    Checked are each comparison with a null (p, mean, SD, percentile), margins, outcomes, adjusted p-values,
    what other margins would give, stances, and the verdicts.

    Args:
        plan: From ``results.json``.
        stored: The results.
        nulls: The null draws; None if they cannot be read.
        tolerance: Of numbers.
    """
    if nulls is None:
        return Check(NAME, "not checked", "nulls.parquet cannot be read")
    draws = StoredDraws.read(nulls)
    ids = [item.id for item in plan.predictions], [item.id for item in stored.predictions]
    if ids[0] != ids[1]:
        wrong = Difference("predictions", ", ".join(ids[1]), ", ".join(ids[0]))
        return Check(NAME, "differs", "not the predictions of the protocol", (wrong,))
    try:
        again = _classified(plan, stored, draws)
        verdicts = judge(again, plan)
    except (HypotestError, ValueError, ArithmeticError, LookupError) as error:
        failed = Difference("predictions", "results", "an error")
        return Check(NAME, "differs", f"cannot be judged again: {error}", (failed,))
    whole = {"predictions": [_plain(item) for item in stored.predictions], "verdicts": _json(stored.verdicts)}
    fresh = {"predictions": [_plain(item) for item in again], "verdicts": _json(verdicts)}
    changed = (
        *differences(whole, fresh, "", tolerance),
        *_beside(plan, stored, again),
    )
    if changed:
        return Check(NAME, "differs", "stored is not what follows from the stored draws", changed)
    n_nulls = sum(len(item.ladder) + len(item.arms) for item in stored.predictions)
    detail = (
        f"{len(again)} predictions, {n_nulls} comparisons with nulls, {len(verdicts)} verdicts; that the "
        "draws follow from the evidence is not shown by it"
    )
    return Check(NAME, "agrees", detail, deviation=largest_deviation(whole, fresh))


def _classified(plan: Protocol, stored: Results, draws: StoredDraws) -> tuple[PredictionResult, ...]:
    """Every prediction, from its draws and intervals alone."""
    contrasts = {}
    for asked, item in zip(plan.predictions, stored.predictions, strict=True):
        compared = replace(
            item,
            ladder=tuple(_compared(plan, item.id, rung, draws) for rung in item.ladder),
            arms=tuple(_compared(plan, item.id, rung, draws) for rung in item.arms),
        )
        contrasts[item.id] = _as_declared(plan, asked, draws.contrast(compared))
    together = adjust_together(
        [classify_prediction(item, contrasts[item.id], plan) for item in plan.predictions], plan
    )
    return with_sensitivity(together, contrasts, plan)


def _compared(plan: Protocol, prediction: str, rung: NullComparison, draws: StoredDraws) -> NullComparison:
    """A comparison, computed again; what its draws do not tell is taken as it is.

    Raises:
        LookupError: If its draws are not there.
    """
    values = draws.of.get((prediction, rung.key))
    if values is None:
        raise LookupError(f"no draws of {rung.key} for {prediction}")
    null = next((item for item in declared(plan) if item.name == rung.null), None)
    fresh = compare_with_null(
        rung.observed,
        values,
        "two-sided" if rung.null not in NULLS else NULLS[rung.null].alternative,
        null=rung.null,
        variant=rung.variant,
        statistic=rung.statistic,
        log10_relabellings=rung.log10_relabellings,
        stop_after=None if null is None else getattr(null.options, "stop_after", None),
        planned_draws=rung.planned_draws,
    )
    unscaled = rung.z is None and null is not None and null.null.form is Form.NETWORKS  # of too few networks
    return replace(
        fresh,
        z=None if unscaled else fresh.z,
        descriptive=rung.descriptive,
        blocked=rung.blocked,
        beside=rung.beside,
    )


def _as_declared(plan: Protocol, asked: Prediction, compared: MeasuredContrast) -> MeasuredContrast:
    """A contrast, with what the protocol says of it."""
    if asked.contrast.reference is not None and compared.reference == "value":
        return replace(compared, reference_value=float(asked.contrast.reference))
    uncalibrated = not EXCHANGES[exchange_of(plan)].calibrated
    if compared.reference == OTHER_CONDITION and compared.interval is None and uncalibrated:
        return replace(compared, blocked="labels permuted in a way that is not calibrated")
    return compared


def _beside(plan: Protocol, stored: Results, again: tuple[PredictionResult, ...]) -> Iterator[Difference]:
    """What is no number: which null decides, notes, and the declared split among the others."""
    for asked, item, fresh in zip(plan.predictions, stored.predictions, again, strict=True):
        name, variant = reference_of(plan, asked.contrast)
        rungs = {rung.id: rung.p_value for rung in fresh.ladder}
        names = (f"{name} ({variant})",) if variant else opponents(name)
        if asked.contrast.null is not None and item.outcome != "undefined" and rungs.keys() >= set(names):
            deciding = max(names, key=lambda key: rungs[key])
            if item.ladder[0].id != deciding:
                yield Difference(f"predictions[{item.id}].ladder[0]", item.ladder[0].id, deciding)
        if item.splits and (item.splits[0].outcome, item.splits[0].effect) != (item.outcome, item.effect):
            yield Difference(f"predictions[{item.id}].splits[0]", item.splits[0].outcome, item.outcome)
    for verdict in stored.verdicts:
        everywhere = stored.split_verdicts.get(verdict.hypothesis)
        if everywhere and everywhere[0] != verdict.status:
            where = f"split_verdicts.{verdict.hypothesis}[0]"
            yield Difference(where, everywhere[0], verdict.status)


def _plain(item: PredictionResult) -> dict[str, Any]:
    """A result as its file holds it, without what only the evidence tells."""
    data: dict[str, Any] = _json(item)
    kept = {name: value for name, value in data.items() if name not in _OF_EVIDENCE}
    return {**kept, "ladder": data["ladder"], "arms": data["arms"]}


def _json(value: Any) -> Any:
    return json.loads(json_text(value))
