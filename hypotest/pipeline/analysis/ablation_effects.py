"""What ablation shows of the group as a whole, and how it was done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.group_ablation import ablate_groups, steps
from hypotest.collect.replacement import Replacement
from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.groups.nulls import random_groups
from hypotest.pipeline.analysis.lesioned import RANDOM_GROUPS
from hypotest.pipeline.prepare import Prepared
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.results.group_result import AblationResult, EffectParts, GroupAblation
from hypotest.testing.selection import Selection

POSITIONS = 1024
"""Positions of the first condition, in the evaluation split, at which groups are ablated."""


@dataclass(frozen=True, slots=True)
class JointAblation:
    """What only the model can tell of groups: mean changes of loss with all neurons ablated, in nats."""

    together: float
    """Of the tested group."""
    random_together: float | None
    """Mean over random groups of its size; None where there are none, the group being the layer."""
    random_together_sd: float | None
    """SD of the same."""


def ablate_jointly(
    prepared: Prepared,
    whole: SplitEvidence,
    evidence: Evidence,
    selection: Selection,
    session: Session,
) -> JointAblation:
    """Ablate all neurons of the group at once, and those of random groups of its size.

    Args:
        prepared: The model.
        whole: The selection split with every neuron of the layer: what ablated ones are set to.
        evidence: Both splits, without dead neurons.
        selection: The tested group.
        session: Memory, random streams and progress.
    """
    split, how = evidence.evaluation, evidence.ablation
    rows, groups = _rows_and_groups(evidence, selection, session.streams)
    step = session.stage(
        "groups ablated at once", steps(prepared.subject, split, rows, len(groups), how.outcome)
    )
    change = ablate_groups(
        prepared.subject,
        prepared.blocks.tokens,
        split,
        rows,
        Replacement.behind(how, whole),
        evidence.layer_numbers(groups),
        session.memory,
        step,
        outcome=how.outcome,
    )
    joint = change.mean(axis=0, dtype=np.float64)
    if len(groups) == 1:
        return JointAblation(float(joint[0]), None, None)
    return JointAblation(float(joint[0]), float(joint[1:].mean()), float(joint[1:].std(ddof=1)))


def ablation_result(
    evidence: Evidence, selection: Selection, streams: Streams, joint: JointAblation
) -> AblationResult:
    """What follows from evidence, beside what only the model can tell: groups ablated at once.

    Args:
        evidence: Both splits.
        selection: The tested group.
        streams: Random numbers.
        joint: From `ablate_jointly`, or of results that are kept.
    """
    split, how = evidence.evaluation, evidence.ablation
    rows, groups = _rows_and_groups(evidence, selection, streams)
    single = split.delta_loss[rows].mean(axis=0, dtype=np.float64)[groups].sum(axis=1)
    bounds = np.concatenate([evidence.selection.error_bound, split.error_bound])
    return AblationResult(
        engine=how.engine,
        reason=how.reason,
        replacement=how.replacement,
        tolerance=how.tolerance,
        share_exact=float(split.n_exact.mean() / evidence.layer_size),
        largest_error_bound=None if np.isnan(bounds).any() else float(bounds.max()),
        group=GroupAblation(
            n_positions=int(rows.size),
            together=joint.together,
            sum_of_single=float(single[0]),
            n_random_groups=len(single) - 1,
            random_together=joint.random_together,
            random_together_sd=joint.random_together_sd,
            random_sum_of_single=float(single[1:].mean()) if len(single) > 1 else None,
        ),
        parts=_parts(evidence, selection),
    )


def _rows_and_groups(
    evidence: Evidence, selection: Selection, streams: Streams
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first condition's evaluation positions, and the groups to ablate there, the tested one first."""
    first = np.flatnonzero(evidence.evaluation.first)
    rows = first[np.linspace(0, first.size - 1, min(POSITIONS, first.size)).astype(np.int64)]
    n_others = 0 if len(selection.group) == evidence.n_neurons else RANDOM_GROUPS
    others = random_groups(
        evidence.n_neurons, len(selection.group), n_others, streams("groups ablated at once")
    )
    return rows, np.concatenate([selection.group[None, :], others])


def _parts(evidence: Evidence, selection: Selection) -> EffectParts | None:
    decomposition = evidence.decomposition
    if decomposition is None:
        return None

    def mean(values: np.ndarray) -> tuple[float, float]:
        return float(values[selection.group].mean()), float(values.mean())

    return EffectParts(
        n_positions=decomposition.n_positions,
        total=mean(decomposition.total),
        through_norm=mean(decomposition.through_norm),
        direct=mean(decomposition.direct),
        entropy=mean(decomposition.entropy),
    )
