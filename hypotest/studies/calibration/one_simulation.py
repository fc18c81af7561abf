"""One simulation of a case: draw evidence, run the pipeline, keep what calibration counts."""

from __future__ import annotations

from typing import Any

from joblib import parallel_config
from threadpoolctl import threadpool_limits

from hypotest.engine.streams import Streams
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.records.results.prediction_result import OTHER_CONDITION, PredictionResult
from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.documents import draw_evidence, other_texts
from hypotest.studies.calibration.layers import draw_layer
from hypotest.studies.calibration.lesions import lesioned_alike, with_lesions
from hypotest.studies.calibration.record import BY_T
from hypotest.studies.calibration.truth import TrueEffect, true_effects

COVERAGE_SHARE = 4
"""One of so many simulations tells whether its intervals hold the truth."""
Simulation = dict[str, Any]
"""Plain data, as it stands in a chunk's file."""


def simulate_range(case: Case, seed: int, start: int, stop: int) -> list[Simulation]:
    """Simulations `start` to `stop` - 1 of a case, in this process and one thread.

    Each depends on the case, the seed and its own number alone.
    """
    # Simulations are the pieces of work here; parallel work within one would only compete with the others.
    with threadpool_limits(limits=1), parallel_config(backend="sequential"):
        return [_simulate_one(case, seed, number) for number in range(start, stop)]


def _simulate_one(case: Case, seed: int, number: int) -> Simulation:
    rng = Streams(seed)("calibration", case.scenario.name, str(number))
    protocol = case.protocol.model_copy(update={"seed": int(rng.integers(2**62))})
    drawn = draw_layer(case.scenario.layer, rng)
    evidence = with_lesions(protocol, draw_evidence(drawn, rng, case.texts))
    analysis = analyse(protocol, evidence)
    truth = {}
    if number % COVERAGE_SHARE == 0:
        # in columns of the analysis, which leaves dead neurons out
        texts = other_texts(evidence, drawn, case.n_texts, rng, case.texts)
        if (lesions := evidence.evaluation.lesions) is not None:
            texts = [lesioned_alike(item, lesions.groups, lesions.random) for item in texts]
        numbers = analysis.task.evidence.numbers
        if numbers is not None:
            texts = [item.of_neurons(numbers) for item in texts]
        truth = true_effects(analysis, texts, case.n_groups)
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


def _kept(item: PredictionResult, truth: TrueEffect | None) -> Simulation:
    p_values = {rung.id: rung.p_value for rung in item.ladder}
    if (
        item.p_value is not None
        and item.reference in ("value", OTHER_CONDITION)
        and item.interval is not None
    ):
        p_values[BY_T] = item.p_value
    return {
        "p": p_values,
        "outcome": item.outcome,
        "effect": item.effect,
        "truth": None if truth is None else [truth.at_large, truth.at_this_size],
        "interval_90": None if item.interval is None else [item.interval.low, item.interval.high],
        "interval_95": None if item.interval_95 is None else [item.interval_95.low, item.interval_95.high],
        "ceiling": item.equivalence_ceiling,
        "p_adjusted": item.p_adjusted,
    }
