"""One split is a lottery: the same evidence, its documents divided anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.errors import EvidenceError
from hypotest.measures.registry import for_outcomes
from hypotest.nulls.registry import needed_nulls, reference_of
from hypotest.pipeline.analysis.analysis import Analysis, analyse
from hypotest.pipeline.analysis.outcomes import adjust_together, classify_prediction, judge
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.prediction import Status
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult, SplitOutcome
from hypotest.records.results.results import HypothesisVerdict
from hypotest.testing.undefined import why, without_outcome


@dataclass(frozen=True, slots=True, eq=False)
class SplitAnalysis:
    """What a protocol says of another division of the documents."""

    predictions: tuple[PredictionResult, ...]
    verdicts: tuple[HypothesisVerdict, ...]


def other_splits(protocol: Protocol, evidence: Evidence, session: Session) -> tuple[SplitAnalysis, ...]:
    """Analyse ``protocol.splits`` - 1 further divisions of the documents.

    Selection and evaluation change; the positions and what was measured at them stay, and so does the
    replacement of ablated neurons (their mean over the declared selection split). Only the nulls that
    predictions are decided by are drawn.
    """
    if protocol.splits == 1:
        return ()
    plan = protocol.with_nulls({name for item in protocol.predictions for name in needed_nulls(item)})
    plan = for_outcomes(plan)
    step = session.pieces("other splits of the documents", protocol.splits - 1)
    analyses = []
    for number in range(1, protocol.splits):
        divided = redivide(evidence, protocol.split.selection, session.streams("split", str(number)))
        try:
            analysis = analyse(plan, divided, session=session.telling(silent))
            analyses.append(SplitAnalysis(analysis.predictions, analysis.verdicts))
        except EvidenceError as error:  # no group can be selected on this division
            analyses.append(_without_group(plan, why(error)))
        step()
    return tuple(analyses)


def _without_group(plan: Protocol, reason: str) -> SplitAnalysis:
    predictions = adjust_together(
        [
            classify_prediction(item, without_outcome(reference, reason, variant=variant), plan)
            for item in plan.predictions
            for reference, variant in [reference_of(plan, item.contrast)]
        ],
        plan,
    )
    return SplitAnalysis(predictions, judge(predictions, plan))


def with_splits(
    predictions: Sequence[PredictionResult], others: Sequence[SplitAnalysis]
) -> tuple[PredictionResult, ...]:
    """Predictions with their outcomes on every split, the declared one first."""
    if not others:
        return tuple(predictions)
    results = []
    for place, item in enumerate(predictions):
        everywhere = (item, *(each.predictions[place] for each in others))
        splits = tuple(SplitOutcome(same.outcome, same.effect, same.p_value) for same in everywhere)
        results.append(replace(item, splits=splits))
    return tuple(results)


def split_verdicts(declared: Analysis, others: Sequence[SplitAnalysis]) -> dict[str, tuple[Status, ...]]:
    """Per hypothesis, its verdict on every split, the declared one first; empty without others."""
    if not others:
        return {}
    every = [declared.verdicts, *(each.verdicts for each in others)]
    return {
        item.hypothesis: tuple(verdicts[place].status for verdicts in every)
        for place, item in enumerate(declared.verdicts)
    }


def redivide(evidence: Evidence, selection_share: float, rng: np.random.Generator) -> Evidence:
    """Put each document at random into the selection or the evaluation split.

    Args:
        evidence: Both splits.
        selection_share: Share of the documents that go to selection; at least one goes to each.
        rng: Source of the division.

    Returns:
        Evidence with the same rows, divided otherwise.
    """
    both = evidence.selection.joined_with(evidence.evaluation)
    documents = np.unique(both.documents)
    n_selection = min(max(1, round(selection_share * documents.size)), documents.size - 1)
    chosen = np.zeros(documents.size, dtype=bool)
    chosen[rng.permutation(documents.size)[:n_selection]] = True
    return replace(
        evidence,
        selection=both.of_documents(documents[chosen]).named("selection"),
        evaluation=both.of_documents(documents[~chosen]).named("evaluation"),
    )
