"""One simulation of a scenario: draw evidence, run the pipeline, keep what calibration counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from joblib import parallel_config
from threadpoolctl import threadpool_limits

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.measures.measure import ConditionMeasure, GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared_null, form_of
from hypotest.pipeline.analysis import Analysis, analyse
from hypotest.records.evidence import Evidence
from hypotest.records.prediction import Prediction
from hypotest.records.prediction_result import PredictionResult
from hypotest.records.protocol import Intervals, Protocol
from hypotest.studies.calibrate.scenarios import Scenario, calibration_protocol
from hypotest.studies.calibrate.simulation import draw_evidence, draw_layer, with_population
from hypotest.testing.task import Tested

POPULATION = 10
"""The truth is read from so many times the documents. Its own error adds 1/10 to the variance of the
difference, by which intervals are widened before they are judged (`hypotest.studies.calibrate.rates`)."""
TRUTH_GROUPS = 1500
"""Random groups behind the true mean of their null; few enough would blur the truth by more than
their own interval (200: by 0.4 of its standard error for the impact of a head)."""
COVERAGE_SHARE = 4
"""One of so many simulations tells whether its intervals hold the truth."""
COVERAGE_RESAMPLES = 200
"""Document resamples in these; with the 100 of the others, intervals are 3 points short of coverage."""

Simulation = dict[str, Any]
"""Plain data, as it stands in a chunk's file."""


def simulate_range(scenario: Scenario, seed: int, start: int, stop: int) -> list[Simulation]:
    """Simulations `start` to `stop` - 1 of a scenario, in this process and one thread.

    Each depends on the scenario, the seed and its own number alone.
    """
    protocol = calibration_protocol(scenario)
    # Simulations are the pieces of work here; parallel work within one would only compete with the others.
    with threadpool_limits(limits=1), parallel_config(backend="sequential"):
        return [_simulate_one(scenario, protocol, seed, number) for number in range(start, stop)]


def _simulate_one(scenario: Scenario, protocol: Protocol, seed: int, number: int) -> Simulation:
    streams = Streams(seed)
    rng = streams("calibration", scenario.name, str(number))
    protocol = protocol.model_copy(update={"seed": int(rng.integers(2**62))})
    with_truth = scenario.coverage and number % COVERAGE_SHARE == 0
    if with_truth:
        protocol = protocol.model_copy(update={"intervals": Intervals(resamples=COVERAGE_RESAMPLES)})
    drawn = draw_layer(scenario.layer, rng)
    evidence = draw_evidence(drawn, rng)
    analysis = analyse(protocol, evidence)
    truth = {}
    if with_truth:
        truth = true_effects(protocol, analysis, with_population(evidence, drawn, POPULATION, rng))
    return {
        "simulation": number,
        "predictions": {item.id: _kept(item, truth.get(item.id)) for item in analysis.predictions},
        "verdicts": {
            item.hypothesis: {
                "status": item.status,
                "contradicted_by": list(item.contradicted_by),
                "refuted_by": list(item.refuted_by),
                "gated": item.reason.startswith("Premise"),
            }
            for item in analysis.verdicts
        },
    }


def _kept(item: PredictionResult, truth: float | None) -> Simulation:
    p_values = {rung.id: rung.p_value for rung in item.ladder}
    if item.p_value is not None and item.reference == "value":
        p_values["value"] = item.p_value
    return {
        "p": p_values,
        "outcome": item.outcome,
        "effect": item.effect,
        "truth": truth,
        "interval_90": None if item.interval is None else [item.interval.low, item.interval.high],
        "interval_95": None if item.interval_95 is None else [item.interval_95.low, item.interval_95.high],
        "ceiling": item.equivalence_ceiling,
        "p_adjusted": item.p_adjusted,
    }


def true_effects(protocol: Protocol, analysis: Analysis, population: Evidence) -> dict[str, float]:
    """What the intervals of an analysis are intervals for.

    The estimand is T(G) - mean T(null) for the group at hand, in the layer at hand, over the population of
    documents: here the same contrast on very many documents of the same layer. Against shuffled labels the
    null's mean is the analysis' own, as it is in the interval; bins of neighbours are those of the selection
    split.

    Args:
        protocol: Of the analysis.
        analysis: Its group is kept.
        population: The same layer and selection split, with very many documents to measure on.

    Returns:
        Prediction -> true effect, where there is an interval.
    """
    found = {}
    for item, result in zip(protocol.predictions, analysis.predictions, strict=True):
        if result.interval is not None:
            found[item.id] = _true_effect(item, result, protocol, analysis, population)
    return found


def _true_effect(
    item: Prediction, result: PredictionResult, protocol: Protocol, analysis: Analysis, population: Evidence
) -> float:
    task = replace(analysis.task, evidence=population, session=Session.start(protocol.seed))
    group, measure = task.selection.group, measure_of(item)
    if isinstance(measure, ConditionMeasure):
        assert measure.effect is not None  # the result has an interval
        return measure.effect(item, population, group, task.streams)
    assert isinstance(measure, GroupMeasure)  # there are no others
    bound = measure.tied(item, population, task.session)
    value = float(bound.values(group[None, :])[0])
    if form_of(item.contrast) is Form.LABELS and result.reference_value is not None:
        return value - result.reference_value
    found = declared_null(protocol, item.contrast.null)
    assert found is not None  # validation: a contrast refers to declared nulls only
    options = found.null.drawn_often(found.options, TRUTH_GROUPS)
    state = found.null.prepare(options, task)
    tested = Tested(item, bound, value, task, measure.decided_by_labels)
    return value - found.null.compare(tested, options, state, "").comparison.mean
