"""One simulation of a case: draw evidence, run the pipeline, keep what calibration counts.

Rates of false positives need many simulations and of each only the tests that decide, against the level.
Intervals, outcomes, verdicts and what stands beside a test take most of the time: one simulation in four is
*whole*, the others are only tested (`hypotest.pipeline.analysis.quick`), with fewer draws. A randomization
test is exact at any B for which (B + 1) level / 2 is whole, so that rates from both are rates of one level.
Where effects are planted no level is claimed, and only whole simulations say anything.
"""

from __future__ import annotations

from typing import Any

from joblib import parallel_config
from threadpoolctl import threadpool_limits

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.groups.live import without_dead
from hypotest.nulls.registry import opponents
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.analysis.quick import quick_tests
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import OTHER_CONDITION, PredictionResult
from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.documents import draw_evidence, other_texts
from hypotest.studies.calibration.layers import draw_layer
from hypotest.studies.calibration.lesions import lesioned_alike, with_lesions
from hypotest.studies.calibration.record import BY_T
from hypotest.studies.calibration.truth import TrueEffect, true_effects
from hypotest.testing.selection import select
from hypotest.testing.task import Task
from hypotest.testing.undefined import NO_VALUE

WHOLE_SHARE = 4
"""One of so many simulations is whole, and tells whether its intervals hold the truth."""
Simulation = dict[str, Any]
"""Plain data: of a whole one with outcomes and verdicts, of others p-values alone."""


def simulate_range(case: Case, seed: int, start: int, stop: int) -> list[Simulation]:
    """Simulations `start` to `stop` - 1 of a case, in this process and one thread.

    Each depends on the case, the seed and its own number alone.
    """
    # Simulations are the pieces of work here; parallel work within one would only compete with the others.
    with threadpool_limits(limits=1), parallel_config(backend="sequential"):
        return [
            _simulate_one(case, seed, number)
            for number in range(start, stop)
            if is_whole(number) or not case.scenario.planted
        ]


def is_whole(number: int) -> bool:
    """Whether the simulation of this number is."""
    return number % WHOLE_SHARE == 0


def _simulate_one(case: Case, seed: int, number: int) -> Simulation:
    rng = Streams(seed)("calibration", case.scenario.name, str(number))
    protocol = case.protocol.model_copy(update={"seed": int(rng.integers(2**62))})
    if not is_whole(number):
        asked = tuple(item for item in protocol.predictions if item.role != "descriptive")
        protocol = protocol.model_copy(update={"predictions": asked})
    drawn = draw_layer(case.scenario.layer, rng)
    evidence = with_lesions(protocol, draw_evidence(drawn, rng, case.texts))
    if not is_whole(number):
        return _only_tested(protocol, evidence)
    analysis = analyse(protocol, evidence)
    # in columns of the analysis, which leaves dead neurons out
    texts = other_texts(evidence, drawn, case.n_texts, rng, case.texts)
    if (lesions := evidence.evaluation.lesions) is not None:
        texts = [lesioned_alike(item, lesions.groups, lesions.random) for item in texts]
    numbers = analysis.task.evidence.numbers
    if numbers is not None:
        texts = [item.of_neurons(numbers) for item in texts]
    truth = true_effects(analysis, texts, case.n_groups)
    return {
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


def _only_tested(protocol: Protocol, evidence: Evidence) -> Simulation:
    session = Session.start(protocol.seed)
    evidence = without_dead(evidence)
    try:
        task = Task(protocol, evidence, select(protocol, evidence, session.streams), session)
    except NO_VALUE:  # no group can be selected
        return {"predictions": {}}
    return {
        "predictions": {
            key: {"p": {test.null or BY_T: test.p_value}}
            for key, test in quick_tests(task, exact=True).items()
            if test.p_value is not None
        }
    }


def _kept(item: PredictionResult, truth: TrueEffect | None) -> Simulation:
    p_values = {rung.id: rung.p_value for rung in item.ladder}
    if (
        item.p_value is not None
        and item.reference in ("value", OTHER_CONDITION)
        and item.interval is not None
    ):
        p_values[BY_T] = item.p_value
    together = opponents(item.reference)
    if item.p_value is not None and len(together) > 1:  # the largest of theirs
        p_values[" and ".join(together)] = item.p_value
    return {
        "p": p_values,
        "outcome": item.outcome,
        "truth": None if truth is None else [truth.at_large, truth.at_this_size],
        "interval_90": None if item.interval is None else [item.interval.low, item.interval.high],
        "interval_95": None if item.interval_95 is None else [item.interval_95.low, item.interval_95.high],
        "ceiling": item.equivalence_ceiling,
        "p_adjusted": item.p_adjusted,
    }
