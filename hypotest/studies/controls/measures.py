"""Which networks of known organisation a measure tells apart: the question to put to every measure.

A measure gives a value for each trained network and seed, and, where it is compared with a null, the value's
distance from that null in its SDs. What it tells apart is the area under the curve: the probability that it
is greater in one network than in another, over their seeds, ties half. 1 and 0 both tell apart, 0.5 does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from hypotest.engine.cluster import HERE, Cluster
from hypotest.engine.progress import StartStage, named, silent
from hypotest.engine.session import Session
from hypotest.errors import EvidenceError, ProtocolError
from hypotest.measures.measure import ConditionMeasure, Measure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, SD_NULL, declared, names_of, opponents, with_nulls
from hypotest.pages.notebook import show_as
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.checks.preflight import check_command
from hypotest.pipeline.many import evidence_of
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import suggestion
from hypotest.studies.controls.examine import key_of, plan_of, truth_of
from hypotest.studies.controls.kept import KeptRecords
from hypotest.studies.controls.measures_page import measures_page, write_measures
from hypotest.studies.controls.record import Measured, MeasuredControls, MeasuredNetwork, Separation
from hypotest.studies.controls.study import chosen_controls, make_missing, networks_of
from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.registry import CONTROLS

FILE = "measures.json"
DRAWS = 39
"""Of each null: for a distance in its SDs, not for a p-value."""

show_as(MeasuredControls, measures_page)


def measure_controls(
    measures: Sequence[str] = (),
    *,
    only: Sequence[str] = (),
    seeds: int | Sequence[int] = 1,
    merge: Sequence[str | Path] = (),
    out: str | Path | None = None,
    where: Cluster = HERE,
    start_stage: StartStage = silent,
) -> MeasuredControls:
    """See which networks of known organisation measures tell apart.

    Args:
        measures: Names, of other packages' measures too; all by default.
        only: Names of networks; all by default.
        seeds: As for `hypotest.studies.controls.study.examine_controls`; one tells nothing apart.
        merge: Files ``measures.json`` of other machines, whose records are taken over first.
        out: Folder that gets ``<out>/controls/measures.md``; default ``reports``.
        where: As for `hypotest.studies.controls.study.examine_controls`.
        start_stage: Told of each network, for progress.

    Returns:
        What they say of the chosen networks at every seed in the file, which holds what was asked before.

    Raises:
        ProtocolError: If there is no such measure or network.
        RunError: If a network cannot be trained or measured, or the report cannot be written.
    """
    for name in measures:
        if name not in MEASURES:
            meant = suggestion(name, MEASURES) or f"; there are {', '.join(MEASURES)}"
            raise ProtocolError(f"there is no measure {name!r}{meant}")
    chosen = chosen_controls(only)
    asked = tuple(measures or MEASURES)
    folder = Path(out or "reports") / "controls"
    check_command(out=folder)
    kept = KeptRecords(folder / FILE, MeasuredNetwork, _key_today)
    for place in merge:
        kept.merge(Path(place))
    missing = [
        (*item, tuple(name for name in asked if kept.fresh((item[0].name, *item[1:], name)) is None))
        for item in networks_of(chosen, seeds)
    ]
    make_missing(kept, _measured, [item for item in missing if item[3]], where, start_stage)
    write_measures(_result(kept, folder, tuple(CONTROLS), tuple(MEASURES)))
    return _result(kept, folder, tuple(item.name for item in chosen), asked)


def _result(
    kept: KeptRecords[MeasuredNetwork], folder: Path, networks: Sequence[str], measures: Sequence[str]
) -> MeasuredControls:
    records = [item for item in kept if item.control in networks and item.measure in measures]
    measured = measured_of(records)
    return MeasuredControls(measured, tuple(separations(measured)), folder, sum(map(kept.is_stale, records)))


def measured_of(records: Iterable[MeasuredNetwork]) -> tuple[Measured, ...]:
    """Every value of records, in the order of networks, measures and seeds.

    Args:
        records: Of networks and measures that there are.
    """
    networks, measures = tuple(CONTROLS), tuple(MEASURES)
    ordered = sorted(
        records,
        key=lambda item: (
            networks.index(item.control), measures.index(item.measure), item.seed, not item.trained
        ),
    )  # fmt: skip
    return tuple(
        Measured(
            control=item.control,
            seed=item.seed,
            trained=item.trained,
            protocol=CONTROLS[item.control].protocol,
            organisation=CONTROLS[item.control].organisation,
            distance=item.distance,
            statistic=statistic,
            value=value,
        )
        for item in ordered
        for statistic, value in item.values.items()
    )


def separations(measured: Sequence[Measured]) -> Iterator[Separation]:
    """How well each statistic tells apart what is known, in each protocol that knows both kinds.

    Args:
        measured: Of networks, trained and not.
    """
    for protocol, statistic in dict.fromkeys((item.protocol, item.statistic) for item in measured):
        own = [item for item in measured if (item.protocol, item.statistic) == (protocol, statistic)]
        trained = [item for item in own if item.trained]
        modular, distributed = (
            [item.value for item in trained if item.organisation == known]
            for known in ("modular", "distributed")
        )
        known = [item for item in trained if item.value is not None and item.distance is not None]
        yield Separation(
            protocol=protocol,
            statistic=statistic,
            modular_distributed=area(modular, distributed),
            with_lesions=_rank_correlation(known),
            trained_untrained=area(
                [item.value for item in trained], [item.value for item in own if not item.trained]
            ),
            undefined=sum(item.value is None for item in trained),
            n=len(trained),
        )


def area(first: Sequence[float | None], second: Sequence[float | None]) -> float | None:
    """Probability that a value of the first is greater than one of the second, ties half; None without any.

    Examples:
        Of six pairs four are greater, and one is a tie: 4.5 / 6.

        >>> area([2.0, 3.0, 1.0], [1.0, 1.5])
        0.75
    """
    one = np.array([value for value in first if value is not None])
    two = np.array([value for value in second if value is not None])
    if not one.size or not two.size:
        return None
    return float((np.sign(one[:, None] - two).mean() + 1) / 2)


def _rank_correlation(known: Sequence[Measured]) -> float | None:
    """Spearman's, of value and distance of single lesions; None where one of them does not vary."""
    values, distances = [item.value for item in known], [item.distance for item in known]
    if len(set(values)) < 2 or len(set(distances)) < 2:
        return None
    return float(spearmanr(values, distances).statistic)


def _measured(
    control: Control, seed: int, trained: bool, asked: Sequence[str], start_stage: StartStage
) -> list[MeasuredNetwork]:
    """What measures say of one network; those that read what it has not say nothing."""
    plan, path = plan_of(control)
    what = f"{control.name}, seed {seed}" + ("" if trained else ", untrained")
    session = Session.start(plan.seed).telling(named(start_stage, what))
    network = control.trained(seed) if trained else control.without_training(seed)
    distance = truth_of(network, False, session).distance
    measures = [MEASURES[name] for name in asked if MEASURES[name].needs <= network.network.channels]
    values: dict[str, dict[str, float | None]] = {name: {} for name in asked}
    if measures:
        own = plan_for(measures, plan)
        try:
            evidence = evidence_of(own, path, network.network, session)
        except EvidenceError:  # each cluster of its rows has both labels
            own = _without_labels(own)
            evidence = evidence_of(own, path, network.network, session)
        analysis = analyse(own, evidence, session=session)
        for item in analysis.predictions:
            values[item.measure].setdefault(item.measure, item.observed)
            if item.null_sd is not None:
                values[item.measure][f"{item.measure} against {item.reference}"] = item.standardized
    return [
        MeasuredNetwork(
            control.name, seed, trained, name, _key_of(name, control.name), distance, values[name]
        )
        for name in asked
    ]


def _without_labels(plan: Protocol) -> Protocol:
    """The same without what is decided by shuffled labels."""
    shuffled = set(names_of([Form.LABELS]))
    kept = tuple(item for item in plan.predictions if item.contrast.null not in shuffled)
    nulls = {item.name: item.options for item in declared(plan) if item.name not in shuffled}
    return with_nulls(plan, {**dict.fromkeys(NULLS), **nulls}).model_copy(update={"predictions": kept})


def _key_today(record: MeasuredNetwork) -> str | None:
    known = record.control in CONTROLS and record.measure in MEASURES
    return _key_of(record.measure, record.control) if known else None


@cache
def _key_of(measure: str, control: str) -> str:
    plan, _ = plan_of(CONTROLS[control])
    return key_of(plan_for([MEASURES[measure]], plan), CONTROLS[control])


def plan_for(measures: Sequence[Measure], plan: Protocol) -> Protocol:
    """A protocol with these measures alone, by every kind of contrast that each takes.

    Args:
        measures: Their options are those of the plan's own prediction about each, where it has one.
        plan: Of the network.
    """
    predictions = tuple(item for measure in measures for item in _predictions(measure, plan))
    used = {null for item in predictions if item.contrast.null for null in opponents(str(item.contrast.null))}
    nulls = {
        name: null.fewer(null.resolved(null.options(), plan), DRAWS) if name in used else None
        for name, null in NULLS.items()
    }
    return with_nulls(plan, nulls).model_copy(update={"predictions": predictions})


def _predictions(measure: Measure, plan: Protocol) -> Iterator[Prediction]:
    options = next((item.options for item in plan.predictions if item.measure == measure.name), {})
    for number, contrast in enumerate(_contrasts(measure, plan)):
        name = f"{measure.name.replace('_', '-')}-{number}"
        yield Prediction(
            id=name, measure=measure.name, options=options, contrast=contrast, role="descriptive"
        )


def _contrasts(measure: Measure, plan: Protocol) -> Iterator[Contrast]:
    if Form.REFERENCE in measure.contrasts:
        declared = measure.no_difference if isinstance(measure, ConditionMeasure) else None
        yield Contrast(reference=declared or 0.0)
    if Form.GROUPS in measure.contrasts and not plan.group.is_whole:
        yield Contrast(null=SD_NULL)
    elif Form.LABELS in measure.contrasts and not plan.group.is_whole:
        yield Contrast(null=names_of([Form.LABELS])[0])
    if Form.EDGES in measure.contrasts:
        yield Contrast(null=next(name for name in names_of([Form.EDGES]) if NULLS[name].together))
    if Form.BY_DOCUMENT in measure.contrasts:
        yield Contrast(conditions=tuple(plan.names), by="document")
