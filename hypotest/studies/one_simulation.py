"""One simulation of a scenario: draw evidence, run the pipeline, keep what calibration counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hypotest.groups.nulls import size_matched
from hypotest.measures.measure import ConditionMeasure, GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.pipeline.analysis import Analysis, analyse
from hypotest.records.evidence import Evidence
from hypotest.records.nulls import Nulls
from hypotest.records.prediction import Prediction
from hypotest.records.protocol import Intervals, Protocol
from hypotest.records.results import PredictionResult
from hypotest.studies.scenarios import Scenario, calibration_protocol
from hypotest.studies.simulation import draw_evidence, draw_layer, with_population
from hypotest.testing.controls import draw_controls
from hypotest.testing.parallel import Workers
from hypotest.testing.randomness import Streams

POPULATION = 10
"""The truth is read from so many times the documents. Its own error adds 1/10 to the variance of the
difference, by which intervals are widened before they are judged (`hypotest.studies.rates`)."""
TRUTH_GROUPS = 1500
"""Random groups behind the true mean of the size_matched null; few enough would blur the truth by more than
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
    p_values = {rung.null: rung.p_value for rung in item.ladder}
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
    streams, group = Streams(protocol.seed), analysis.selection.group
    measure = measure_of(item)
    if isinstance(measure, ConditionMeasure):
        assert measure.effect is not None  # the result has an interval
        return measure.effect(item, population, group, streams)
    assert isinstance(measure, GroupMeasure)  # there are no others
    bound = measure.tied(item, population, streams, Workers())
    if item.contrast.null == "label_shuffled" and result.reference_value is not None:
        return float(bound.values(group[None, :])[0]) - result.reference_value
    random = _many_groups(str(item.contrast.null), group, population, protocol, streams)
    return float(bound.values(group[None, :])[0] - np.nanmean(bound.values(random)))


def _many_groups(
    null: str, group: NDArray[np.int64], population: Evidence, protocol: Protocol, streams: Streams
) -> NDArray[np.int64]:
    """Random groups enough for the true mean of a null, shape (TRUTH_GROUPS, k)."""
    if null == "size_matched":
        return size_matched(population.n_neurons, group.size, TRUTH_GROUPS, streams("truth, groups"))
    declared = getattr(protocol.nulls, null).model_copy(update={"draws": TRUTH_GROUPS})
    plan = protocol.model_copy(update={"nulls": Nulls.model_validate({null: declared})})
    return draw_controls(group, population, plan, streams).matched[0].groups
