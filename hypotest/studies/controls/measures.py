"""Which networks of known organisation a measure tells apart: the question to put to every measure.

A measure gives a value for each trained network and seed, and, where it is compared with a null, the value's
distance from that null in its SDs. What it tells apart is the area under the curve: the probability that it
is greater in one network than in another, over their seeds, ties half. 1 and 0 both tell apart, 0.5 does not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy.stats import spearmanr

from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.errors import ProtocolError
from hypotest.measures.measure import ConditionMeasure, Measure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, SD_NULL, names_of, opponents, with_nulls
from hypotest.pages.notebook import show_as
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.many import evidence_of
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.stored.files import write_whole
from hypotest.registration.findings import suggestion
from hypotest.report.results_file import json_text
from hypotest.studies.controls.examine import key_of, place_of, plan_of, truth_of
from hypotest.studies.controls.measures_page import measures_page, write_measures
from hypotest.studies.controls.record import Measured, MeasuredControls, Separation
from hypotest.studies.controls.study import chosen_controls
from hypotest.subjects.controls.control import Control, Trained

DRAWS = 39
"""Of each null: for a distance in its SDs, not for a p-value."""
_VALUES = TypeAdapter(dict[str, float | None])

show_as(MeasuredControls, measures_page)


def measure_controls(
    measures: Sequence[str] = (),
    *,
    only: Sequence[str] = (),
    seeds: int = 1,
    out: str | Path | None = None,
    start_stage: StartStage = silent,
) -> MeasuredControls:
    """See which networks of known organisation measures tell apart.

    Args:
        measures: Names, of other packages' measures too; all by default.
        only: Names of networks; all by default.
        seeds: As for `hypotest.studies.controls.study.examine_controls`; one tells nothing apart.
        out: Folder that gets ``<out>/controls-measures``; default ``reports``.
        start_stage: Told of each network, for progress.

    Raises:
        ProtocolError: If there is no such measure or network.
        RunError: If a network cannot be trained or measured, or the report cannot be written.
    """
    for name in measures:
        if name not in MEASURES:
            meant = suggestion(name, MEASURES) or f"; there are {', '.join(MEASURES)}"
            raise ProtocolError(f"there is no measure {name!r}{meant}")
    chosen = chosen_controls(only)
    asked = [MEASURES[name] for name in measures or MEASURES]
    runs = [
        (control, seed, trained)
        for seed in range(seeds)
        for control in chosen
        if seed < control.seeds
        for trained in (True, False)
    ]
    step = start_stage("networks", len(runs))
    session = Session.start(0)
    measured: list[Measured] = []
    for control, seed, trained in runs:
        measured += _measured(control, seed, trained, asked, session)
        step()
    result = MeasuredControls(
        tuple(measured), tuple(separations(measured)), Path(out or "reports") / "controls-measures"
    )
    write_measures(result)
    return result


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
    control: Control, seed: int, trained: bool, asked: Sequence[Measure], session: Session
) -> Iterator[Measured]:
    plan, path = plan_of(control)
    session = dataclasses.replace(session, streams=Streams(plan.seed))
    network = control.trained(seed) if trained else control.without_training(seed)
    distance = truth_of(network, False, session).distance
    for measure in asked:
        if not measure.needs <= network.network.channels:
            continue
        for statistic, value in _values(plan, path, measure, network, session).items():
            yield Measured(
                control.name,
                seed,
                trained,
                control.protocol,
                control.organisation,
                distance,
                statistic,
                value,
            )


def _values(
    plan: Protocol, path: Path, measure: Measure, network: Trained, session: Session
) -> dict[str, float | None]:
    """Statistic -> value, of one measure on one network; from the cache where it was measured."""
    own = plan_for(measure, plan)
    place = place_of(network, measure.name.replace("_", "-"), key_of(own, network), session)
    try:
        return _VALUES.validate_json(place.read_bytes())
    except (OSError, ValidationError):  # not there yet, or damaged
        pass
    analysis = analyse(own, evidence_of(own, path, network.network, session), session=session)
    values = {measure.name: analysis.predictions[0].observed}
    for item in analysis.predictions:
        if item.null_sd is not None:
            values[f"{measure.name} against {item.reference}"] = item.standardized
    write_whole(place, json_text(values))
    return values


def plan_for(measure: Measure, plan: Protocol) -> Protocol:
    """A protocol with this measure alone, by every kind of contrast that it takes.

    Args:
        measure: Its options are those of the plan's own prediction about it, where it has one.
        plan: Of the network.
    """
    options = next((item.options for item in plan.predictions if item.measure == measure.name), {})
    predictions = tuple(
        Prediction(
            id=f"p{number}", measure=measure.name, options=options, contrast=contrast, role="descriptive"
        )
        for number, contrast in enumerate(_contrasts(measure, plan))
    )
    used = {null for item in predictions if item.contrast.null for null in opponents(str(item.contrast.null))}
    nulls = {
        name: null.fewer(null.resolved(null.options(), plan), DRAWS) if name in used else None
        for name, null in NULLS.items()
    }
    return with_nulls(plan, nulls).model_copy(update={"predictions": predictions})


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
