"""One split is a lottery: the same evidence, its documents divided anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.pipeline.analysis import Analysis, analyse
from hypotest.pipeline.randomness import Streams
from hypotest.records.evidence import Evidence, HeadAblation, SplitEvidence
from hypotest.records.progress import StartStage, silent
from hypotest.records.protocol import LabelShuffled, Nulls, Protocol, SizeMatched
from hypotest.records.results import PredictionResult, SplitOutcome, Status

_PER_POSITION = ("activations", "delta_loss", "loss", "error_bound", "n_exact", "residual", "attention")


def other_splits(
    protocol: Protocol, evidence: Evidence, start_stage: StartStage = silent
) -> tuple[Analysis, ...]:
    """Analyse ``protocol.splits`` - 1 further divisions of the documents.

    Selection and evaluation change; the positions and what was measured at them stay, and so does the
    replacement of ablated neurons (their mean over the declared selection split). Only the nulls that
    predictions are decided by are drawn.
    """
    if protocol.splits == 1:
        return ()
    plan = _deciding_nulls_only(protocol)
    streams = Streams(protocol.seed)
    step = start_stage("other splits of the documents", protocol.splits - 1)
    found = []
    for number in range(1, protocol.splits):
        divided = redivide(evidence, protocol.split.selection, streams("split", str(number)))
        found.append(analyse(plan, divided, start_stage=start_stage, watch=silent))
        step()
    return tuple(found)


def with_splits(
    predictions: Sequence[PredictionResult], others: Sequence[Analysis]
) -> tuple[PredictionResult, ...]:
    """Predictions with their outcomes on every split, the declared one first."""
    if not others:
        return tuple(predictions)
    found = []
    for place, item in enumerate(predictions):
        everywhere = (item, *(each.predictions[place] for each in others))
        splits = tuple(SplitOutcome(same.outcome, same.effect, same.p_value) for same in everywhere)
        found.append(replace(item, splits=splits))
    return tuple(found)


def split_verdicts(declared: Analysis, others: Sequence[Analysis]) -> dict[str, tuple[Status, ...]]:
    """Per hypothesis, its verdict on every split, the declared one first; empty without others."""
    if not others:
        return {}
    return {
        item.hypothesis: tuple(each.verdicts[place].status for each in (declared, *others))
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
    both = (evidence.selection, evidence.evaluation)
    documents = np.unique(np.concatenate([split.documents for split in both]))
    n_selection = min(max(1, round(selection_share * documents.size)), documents.size - 1)
    chosen = np.zeros(documents.size, dtype=bool)
    chosen[rng.permutation(documents.size)[:n_selection]] = True
    return replace(
        evidence,
        selection=_joined(_parts(both, documents[chosen]), "selection"),
        evaluation=_joined(_parts(both, documents[~chosen]), "evaluation"),
    )


def _parts(
    both: tuple[SplitEvidence, SplitEvidence], documents: NDArray[np.integer]
) -> tuple[SplitEvidence, SplitEvidence]:
    return both[0].of_documents(documents), both[1].of_documents(documents)


def _joined(parts: tuple[SplitEvidence, SplitEvidence], name: str) -> SplitEvidence:
    """Both parts' rows as one split, in their order."""
    heads = [part.head_ablation for part in parts]
    return SplitEvidence(
        positions=pl.concat([part.positions for part in parts]).with_columns(pl.lit(name).alias("split")),
        head_ablation=HeadAblation(
            **{field: _stacked(heads, field) for field in HeadAblation.__dataclass_fields__}
        ),
        **{field: _stacked(parts, field) for field in _PER_POSITION},
    )


def _stacked(parts: Sequence[SplitEvidence | HeadAblation], field: str) -> Any:
    return np.concatenate([getattr(part, field) for part in parts])


def _deciding_nulls_only(protocol: Protocol) -> Protocol:
    used = {item.contrast.null for item in protocol.predictions}
    nulls = protocol.nulls
    margins = [item.margin for item in protocol.predictions if item.margin is not None]
    in_sd = any(margin.null_sd is not None for margin in margins)
    size: SizeMatched | None = nulls.size_matched if in_sd or "size_matched" in used else None
    labels: LabelShuffled | None = nulls.label_shuffled if "label_shuffled" in used else None
    matched = nulls.covariate_matched if "covariate_matched" in used else None
    return protocol.model_copy(
        update={"nulls": Nulls(size_matched=size, covariate_matched=matched, label_shuffled=labels)}
    )
