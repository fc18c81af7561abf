"""What the members of a series say together: verdicts side by side, courses, trends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from hypotest.engine.streams import Streams
from hypotest.inference.trend import Trend, common_trend, kendall_trend, tolerated_autocorrelation
from hypotest.pipeline.analysis.outcomes import adjust_together, judge
from hypotest.records.protocol.prediction import Outcome, Prediction, Status
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import HypothesisVerdict, Results
from hypotest.registration import canonical
from hypotest.studies.series.names import MemberName, axis_of
from hypotest.studies.series.record import Course, Point, SeriesMember, SeriesResult, TrendResult
from hypotest.verdict import stance

_NONE: Mapping[str, int] = MappingProxyType({})


def combine(
    plan: Protocol,
    results: Sequence[Results],
    names: Sequence[MemberName],
    registration: Registration,
    skipped: Sequence[str] = (),
    failed: Mapping[str, int] = _NONE,
) -> SeriesResult:
    """What the members of a series say together.

    Args:
        plan: The series.
        results: Of each member.
        names: Of each member, in their order.
        registration: Of the series as a whole.
        skipped: Members that could not be tested, and why.
        failed: Members whose run failed, and with what -> how many a line stands for: no trend is told
            without them, and they count among those for which refutations are corrected.
    """
    courses = tuple(
        _course(item, [_of(of_member, item.id) for of_member in results]) for item in plan.predictions
    )
    trends, told = _trends(plan, courses, names, complete=not failed)
    judged: tuple[HypothesisVerdict, ...] = ()
    if any(item.role != "descriptive" for item in plan.trends):
        judged = judge(trends, plan)
    n_models, n_failed = len(plan.subject.models), sum(failed.values())
    return SeriesResult(
        protocol=canonical(plan),
        protocol_id=plan.id,
        title=plan.title,
        subject=f"{n_models} models" if n_models > 1 else str(results[0].subject["name"]),
        axis=axis_of(plan),
        level=plan.decision.level,
        hypotheses=plan.hypotheses,
        members=tuple(
            _member(plan, of_member, name, len(results) + n_failed)
            for of_member, name in zip(results, names, strict=True)
        ),
        skipped=tuple(skipped),
        failed=tuple(failed),
        courses=courses,
        trends=told,
        verdicts=judged,
        pooled=(),
        comparison="",
        registration=registration,
        folder=Path(),
        n_failed=n_failed,
    )


def _member(plan: Protocol, results: Results, name: MemberName, n_members: int) -> SeriesMember:
    decides = all(item.role == "descriptive" for item in plan.trends)
    alone = {item.hypothesis: item.status for item in results.verdicts} if decides else {}
    return SeriesMember(
        name=name.shown,
        line=name.line,
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


def _trends(
    plan: Protocol, courses: Sequence[Course], names: Sequence[MemberName], *, complete: bool
) -> tuple[tuple[PredictionResult, ...], tuple[TrendResult, ...]]:
    """Each predicted trend as a prediction whose observed value is tau, and as what is told of it."""
    by_id = {course.prediction: course for course in courses}
    judged = adjust_together(
        [_trend(plan, item, by_id[item.id], names, complete=complete) for item in plan.trends], plan
    )
    told: list[TrendResult] = []
    for item in judged:
        told.append(_told(plan, item, by_id[item.id], names))
        told += _of_lines(plan, item.id, by_id[item.id], names, complete=complete)
    return judged, tuple(told)


def _trainings(
    course: Course, names: Sequence[MemberName], *, complete: bool
) -> list[list[list[float]]] | None:
    """Effects of each line, by training; None where some are missing: the others would be a selection."""
    trainings: dict[str, dict[str, list[float]]] = {}
    for name, point in zip(names, course.points, strict=True):
        if point.effect is None or not complete:
            return None
        trainings.setdefault(name.training, {}).setdefault(name.line, []).append(point.effect)
    return [list(lines.values()) for lines in trainings.values()]


def _trend(
    plan: Protocol, item: Prediction, course: Course, names: Sequence[MemberName], *, complete: bool
) -> PredictionResult:
    outcome: Outcome = "undefined"
    tau = p_value = None
    trainings = _trainings(course, names, complete=complete)
    if trainings is not None:
        trend = common_trend(trainings, Streams(plan.seed)("trend", item.id))
        tau, p_value, outcome = trend.tau, trend.p_value, _outcome(trend, plan.decision.level)
    return PredictionResult(
        id=item.id,
        role=item.role,
        measure=item.measure,
        title=course.title,
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
        stances={name: stance(outcome, item.expects.get(name, ()), item.role) for name in plan.hypotheses},
    )


def _outcome(trend: Trend, level: float) -> Outcome:
    if trend.p_value > level:
        return "inconclusive"
    return "greater" if trend.tau > 0 else "less"


def _told(plan: Protocol, item: PredictionResult, course: Course, names: Sequence[MemberName]) -> TrendResult:
    n_trainings = len({name.training for name in names})
    n_places = len({name.place for name in names})
    tolerates = None
    if item.observed is not None and item.p_value is not None:
        tolerates = tolerated_autocorrelation(
            Trend(item.observed, item.p_value, n_places),
            n_trainings,
            plan.decision.level,
            Streams(plan.seed)("autocorrelation", item.id),
        )
    one_line = len({name.line for name in names}) == 1
    leaves, stays = _leaving(course.points, names) if one_line else (None, None)
    return TrendResult(
        prediction=item.id,
        line="",
        tau=item.observed,
        p_value=item.p_value,
        p_adjusted=item.p_adjusted,
        outcome=item.outcome,
        tolerates=tolerates,
        leaves_at=leaves,
        stays_from=stays,
    )


def _of_lines(
    plan: Protocol, prediction: str, course: Course, names: Sequence[MemberName], *, complete: bool
) -> Iterator[TrendResult]:
    """Of several lines each by itself, which describes."""
    lines = tuple(dict.fromkeys(name.line for name in names))
    for line in lines if len(lines) > 1 else ():
        own = [(name, point) for name, point in zip(names, course.points, strict=True) if name.line == line]
        effects = [point.effect for _, point in own]
        known = [effect for effect in effects if effect is not None]
        trend = tolerates = None
        if complete and len(known) == len(effects) > 1:
            streams = Streams(plan.seed)
            trend = kendall_trend(known, streams("trend", prediction, line))
            tolerates = tolerated_autocorrelation(
                trend, 1, plan.decision.level, streams("autocorrelation", prediction, line)
            )
        leaves, stays = _leaving([point for _, point in own], [name for name, _ in own])
        yield TrendResult(
            prediction=prediction,
            line=line,
            tau=None if trend is None else trend.tau,
            p_value=None if trend is None else trend.p_value,
            p_adjusted=None,
            outcome="undefined" if trend is None else _outcome(trend, plan.decision.level),
            tolerates=tolerates,
            leaves_at=leaves,
            stays_from=stays,
        )


def _leaving(points: Sequence[Point], names: Sequence[MemberName]) -> tuple[int | None, int | None]:
    """Of one line: the step at which it leaves the null, and from which it stays away on one side."""
    sides, places = [_side(point) for point in points], [name.place for name in names]
    leaves = next((place for place, side in zip(places, sides, strict=True) if side), None)
    stays = None
    for place, side in reversed(list(zip(places, sides, strict=True))):
        if side == 0 or side != sides[-1]:
            break
        stays = place
    return leaves, stays


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
