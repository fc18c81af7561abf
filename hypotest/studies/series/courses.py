"""What the members of a series say together: verdicts side by side, courses, trends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hypotest.engine.streams import Streams
from hypotest.inference.trend import kendall_trend
from hypotest.pipeline.analysis.outcomes import adjust_together, judge
from hypotest.records.protocol.prediction import Outcome, Prediction, Status
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import HypothesisVerdict, Results
from hypotest.registration import canonical
from hypotest.studies.series.record import Course, Point, SeriesMember, SeriesResult, TrendResult
from hypotest.verdict import stance


class MemberName(NamedTuple):
    """How a member is called."""

    shown: str
    place: int
    """Block, or training step."""
    folder: str


def combine(
    plan: Protocol,
    results: Sequence[Results],
    names: Sequence[MemberName],
    registration: Registration,
    skipped: Sequence[str] = (),
    failed: Sequence[str] = (),
) -> SeriesResult:
    """What the members of a series say together.

    Args:
        plan: The series.
        results: Of each member.
        names: Of each member, in the order of layers or steps.
        registration: Of the series as a whole.
        skipped: Members that could not be tested, and why.
        failed: Members whose run failed, and with what: no trend is told without them, and they count among
            those for which refutations are corrected.
    """
    places = [name.place for name in names]
    courses = tuple(
        _course(item, [_of(of_member, item.id) for of_member in results]) for item in plan.predictions
    )
    trends = _trends(plan, courses, complete=not failed)
    judged: tuple[HypothesisVerdict, ...] = ()
    if any(item.role != "descriptive" for item in plan.trends):
        judged = judge(trends, plan)
    by_id = {course.prediction: course for course in courses}
    first = results[0]
    return SeriesResult(
        protocol=canonical(plan),
        protocol_id=plan.id,
        title=plan.title,
        subject=str(first.subject["name"]),
        axis="layer" if plan.subject.several_layers else "step",
        level=plan.decision.level,
        hypotheses=plan.hypotheses,
        members=tuple(
            _member(plan, of_member, name, len(results) + len(failed))
            for of_member, name in zip(results, names, strict=True)
        ),
        skipped=tuple(skipped),
        failed=tuple(failed),
        courses=courses,
        trends=tuple(_trend_result(item, by_id[item.id], places) for item in trends),
        verdicts=judged,
        registration=registration,
        folder=Path(),
    )


def _member(plan: Protocol, results: Results, name: MemberName, n_members: int) -> SeriesMember:
    decides = all(item.role == "descriptive" for item in plan.trends)
    alone = {item.hypothesis: item.status for item in results.verdicts} if decides else {}
    return SeriesMember(
        name=name.shown,
        place=name.place,
        folder=name.folder,
        n_neurons=len(results.group.neurons),
        has_plateau=results.group.rule == "plateau",
        engine="" if results.ablation is None else results.ablation.engine,
        alone=alone,
        corrected=_corrected(plan, results, n_members) if alone else {},
    )


def _corrected(plan: Protocol, results: Results, n_members: int) -> dict[str, Status]:
    """Verdicts with every adjusted p-value times the number of members."""

    def times(value: float | None) -> float | None:
        return None if value is None else min(1.0, n_members * value)

    predictions = [
        replace(
            item,
            p_adjusted=times(item.p_adjusted),
            p_equivalence_adjusted=times(item.p_equivalence_adjusted),
            p_beyond_adjusted=times(item.p_beyond_adjusted),
        )
        for item in results.predictions
    ]
    judged = judge(predictions, plan)
    return {item.hypothesis: item.status for item in judged}


def _of(results: Results, prediction: str) -> PredictionResult:
    return next(item for item in results.predictions if item.id == prediction)


def _course(prediction: Prediction, results: Sequence[PredictionResult]) -> Course:
    scales = [item.null_sd for item in results]
    defined = [item for item in results if item.outcome != "undefined"]
    in_null_sd = bool(defined) and all(item.null_sd is not None for item in defined)
    return Course(
        prediction=prediction.id,
        measure=prediction.measure,
        title=results[0].title,
        in_null_sd=in_null_sd,
        points=tuple(
            _point(item, (scale or 1.0) if in_null_sd else 1.0)
            for item, scale in zip(results, scales, strict=True)
        ),
    )


def _point(item: PredictionResult, scale: float) -> Point:
    interval = item.interval_95
    return Point(
        effect=None if item.effect is None else item.effect / scale,
        interval=None if interval is None else (interval.low / scale, interval.high / scale),
        margin=None if item.margin is None else (item.margin[0] / scale, item.margin[1] / scale),
        p_value=item.p_value,
        outcome=item.outcome,
    )


def _trends(plan: Protocol, courses: Sequence[Course], *, complete: bool) -> tuple[PredictionResult, ...]:
    """Each predicted trend as a prediction whose observed value is tau."""
    streams, level = Streams(plan.seed), plan.decision.level
    by_id = {course.prediction: course for course in courses}
    trends = []
    for item in plan.trends:
        effects = [point.effect for point in by_id[item.id].points]
        known = [effect for effect in effects if effect is not None]
        outcome: Outcome = "inconclusive"
        tau = p_value = None
        if len(known) < len(effects) or not complete:  # those that are left would be a selection
            outcome = "undefined"
        else:
            trend = kendall_trend(known, streams("trend", item.id))
            tau, p_value = trend.tau, trend.p_value
            if p_value <= level:
                outcome = "greater" if tau > 0 else "less"
        trends.append(
            PredictionResult(
                id=item.id,
                role=item.role,
                measure=item.measure,
                title=by_id[item.id].title,
                observed=tau,
                reference="order of the checkpoints",
                reference_value=0.0,
                reference_sd=None,
                effect=tau,
                ratio=None,
                standardized=None,
                interval=None,
                interval_95=None,
                margin=None,
                equivalence_ceiling=None,
                p_value=p_value,
                p_error=None,
                p_adjusted=None,
                p_equivalence=None,
                p_equivalence_adjusted=None,
                p_beyond=None,
                p_beyond_adjusted=None,
                outcome=outcome,
                smallest_effect=None,
                expects={name: tuple(values) for name, values in item.expects.items()},
                stances={
                    name: stance(outcome, item.expects.get(name, ()), item.role) for name in plan.hypotheses
                },
            )
        )
    return adjust_together(trends, plan)


def _trend_result(item: PredictionResult, course: Course, places: Sequence[int]) -> TrendResult:
    sides = [_side(point) for point in course.points]
    leaves = next((place for place, side in zip(places, sides, strict=True) if side), None)
    stays = None
    for place, side in reversed(list(zip(places, sides, strict=True))):
        if side == 0 or side != sides[-1]:
            break
        stays = place
    return TrendResult(
        prediction=item.id,
        tau=item.observed,
        p_value=item.p_value,
        p_adjusted=item.p_adjusted,
        outcome=item.outcome,
        leaves_at=leaves,
        stays_from=stays,
    )


def _side(point: Point) -> int:
    """On which side of the null a point lies; 0 where it has not left it.

    The difference must be significant, and the interval, where there is one, must exclude no effect. The
    interval alone says too little against random groups: half of these lie above their own mean, and enough
    documents exclude it.
    """
    if point.outcome not in ("less", "greater"):
        return 0
    side = 1 if point.outcome == "greater" else -1
    if point.interval is not None and side * point.interval[0 if side > 0 else 1] <= 0:
        return 0
    return side
