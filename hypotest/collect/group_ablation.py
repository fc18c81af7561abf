"""Ablation of whole groups of neurons at once, since single effects understate what is redundant.

The deltas of a group's neurons add up along their output vectors, and the sum moves the residual. Behind the
last MLP that goes through the final norm and the unembedding; elsewhere through the rest of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.collect.interventions import moved_losses
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.last_block.tiles import GB
from hypotest.collect.network.ablation import group_changes, kept_route
from hypotest.collect.replacement import Replacement
from hypotest.collect.scoring import Scoring, scores
from hypotest.errors import EvidenceError
from hypotest.records.evidence.split import SplitEvidence
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.precision import full_precision
from hypotest.subjects.recorded.evidence import RecordedEvidence


def ablate_groups(
    subject: Subject,
    tokens: NDArray[np.int32],
    split: SplitEvidence,
    rows: NDArray[np.int64],
    replacement: Replacement,
    groups: Sequence[NDArray[np.int64]] | NDArray[np.int64],
    memory: float,
    on_step: Callable[[], None] = lambda: None,
    *,
    outcome: str = "loss",
) -> NDArray[np.float32]:
    """Change of loss when all neurons of a group are ablated together.

    Args:
        subject: The network.
        tokens: All blocks of the text, shape (n_blocks, context).
        split: Evidence of the positions.
        rows: Which positions, ascending, shape (n_rows,).
        replacement: What ablated neurons are set to.
        groups: Neuron indices of each, in any numbers.
        memory: GB that it may take.
        on_step: Called `steps` times, for progress.
        outcome: What the changes are of.

    Returns:
        Nats, shape (n_rows, n_groups); float32 arithmetic.
    """
    block, index = split.blocks[rows], split.indices[rows]
    if isinstance(subject, RecordedEvidence):
        raise EvidenceError(f"{subject.name}: there is no network in which groups could be ablated")
    if isinstance(subject, Network):
        after = replacement.at(block, index, tokens.shape[1])
        return group_changes(kept_route(subject), subject, block, after, groups, memory, on_step)
    change = np.empty((rows.size, len(groups)), dtype=np.float32)
    members = [torch.from_numpy(subject.columns(np.asarray(group))) for group in groups]
    scoring = Scoring.of(split.positions, outcome).part(rows)
    with full_precision():
        if _by_passes(subject, outcome):
            output, width = subject.output_vectors, subject.length_of(tokens.shape[1])
            for number in np.unique(block).tolist():
                here = np.flatnonzero(block == number)

                def move(neurons: Tensor, places: Tensor, number: int = number) -> Tensor:
                    after = torch.from_numpy(replacement.within(number, width)).to(neurons.device)
                    delta = (after if len(after) == 1 else after[places]) - neurons[0]
                    return torch.stack([delta[:, group] @ output[group] for group in members])

                change[here] = moved_losses(subject, tokens[number], index[here], move, scoring.part(here)).T
                on_step()
            return change
        readout = prepare_readout(subject)
        after = replacement.at(block, index, tokens.shape[1])
        device = readout.output.device
        delta = torch.from_numpy(after - split.activations[rows].astype(np.float32)).to(device)
        residual = torch.from_numpy(split.residual[rows]).to(device)
        target = torch.from_numpy(split.targets[rows]).to(device)
        foils = scoring.foils(rows.size)
        size = max(1, int(memory * GB / (4 * 4.0 * readout.vocab_size)))

        def losses(vectors: Tensor) -> Tensor:
            parts = []
            for start in range(0, len(vectors), size):
                here = slice(start, start + size)
                logits = readout.with_bias(readout.logits_less_bias(readout.before_division(vectors[here])))
                foil = None if foils is None else foils[here]
                parts.append(scores(logits[None], target[here], foil)[0])
            return torch.cat(parts)

        base = losses(residual)
        for column, group in enumerate(members):
            moved = residual + delta[:, group] @ readout.output[group]
            change[:, column] = (losses(moved) - base).cpu().numpy()
            on_step()
    return change


def _by_passes(subject: LanguageModel, outcome: str) -> bool:
    """Whether the rest of the model runs: also where further tokens of a target are not in the evidence."""
    return bool(subject.identity_obstacle) or outcome == "sequence"


def steps(
    subject: Subject,
    split: SplitEvidence,
    rows: NDArray[np.int64],
    n_groups: int,
    outcome: str = "loss",
) -> int:
    """How often `ablate_groups` reports progress."""
    if isinstance(subject, RowSubject):
        return n_groups
    if _by_passes(subject, outcome):
        return int(np.unique(split.blocks[rows]).size)
    return n_groups
