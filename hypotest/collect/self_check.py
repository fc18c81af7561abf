"""The ablation against real interventions in the whole model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.collect.extent import passes_over
from hypotest.collect.network.check import intervene_at
from hypotest.collect.replacement import Replacement
from hypotest.collect.scoring import LOSS, Scoring, scores
from hypotest.errors import SelfCheckError
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.records.results.self_check import SelfCheck
from hypotest.subjects.kinds import Subject, words_of
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.precision import full_precision
from hypotest.subjects.recorded.evidence import RecordedEvidence

FORWARD_ROUNDING = 4e-4
"""Nats by which two forward passes in float32 may differ; on the reference model they do by 1e-5."""


def check_ablation(
    subject: Subject,
    tokens: NDArray[np.int32],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    delta_loss: NDArray[np.float32],
    replacement: Replacement,
    ablation: AblationMethod,
    n_pairs: int,
    rng: np.random.Generator,
    on_pair: Callable[[], None] = lambda: None,
    neurons: NDArray[np.int64] | None = None,
    loss: NDArray[np.float32] | None = None,
    scoring: Scoring = LOSS,
) -> SelfCheck:
    """Ablate random neurons in random blocks by nnsight and compare the change of loss.

    Half of the neurons are drawn from all, half from the most influential twentieth.

    Nothing of it is kept for a later run: it is about the model that is loaded now, and two models with the
    same weights and settings may still differ in their hooks.

    Args:
        subject: The network.
        tokens: Blocks, shape (n_blocks, context).
        block: Row of `tokens` of each position, shape (n_positions,).
        index: Query position within the block, shape (n_positions,).
        delta_loss: What the ablation found, shape (n_positions, n_neurons).
        replacement: What an ablated neuron is set to.
        ablation: How it was done; its tolerance is added to that of float32.
        n_pairs: How many (neuron, block) pairs to try.
        rng: Source of randomness.
        on_pair: Called after each pair, for progress.
        neurons: Which neuron each column of `delta_loss` belongs to; all in order by default.
        loss: Without ablation, as it was collected, shape (n_positions,); compared with the model's as well,
            which tells another model sooner than any single neuron does.
        scoring: What changes at each position.

    Raises:
        SelfCheckError: If a difference exceeds the tolerance; names family, layer and path.
    """
    tolerance = ablation.tolerance + FORWARD_ROUNDING * _scale(subject, loss)
    if scoring.length is not None:
        tolerance *= int(scoring.length.max())  # of each token
    influential = np.argsort(-np.abs(delta_loss).mean(axis=0))[: max(1, delta_loss.shape[1] // 20)]
    largest, n_values = 0.0, 0
    for pair in range(n_pairs):
        candidates = influential if pair % 2 else np.arange(delta_loss.shape[1])
        column = int(rng.choice(candidates))
        neuron = column if neurons is None else int(neurons[column])
        row = int(rng.choice(np.unique(block)))
        rows = np.flatnonzero(block == row)
        units = np.array([neuron])
        values = replacement.within(row, subject.length_of(tokens.shape[1]))[:, columns_in(subject, units)]
        measured, base = intervene(subject, tokens[row], index[rows], units, values, scoring.part(rows))
        if loss is not None and not (np.abs(base - loss[rows]) <= tolerance).all():
            worst = int(np.argmax(np.abs(base - loss[rows])))
            raise SelfCheckError(
                f"the loss in block {row}, index {index[rows][worst]} is {loss[rows][worst]:.6f} nats in the "
                f"evidence and {base[worst]:.6f} in the model: it is not the model that the evidence was "
                "collected from. Hooks and adapters change a model without changing its weights; merge them, "
                "or set HYPOTEST_CACHE to another folder"
            )
        fast = delta_loss[rows, column]
        difference = np.abs(measured - fast)
        n_values += rows.size
        largest = max(largest, float(difference.max()))
        if not (difference <= tolerance).all():
            worst = int(np.argmax(difference))
            raise SelfCheckError(
                f"the ablation of {words_of(subject).one} {neuron} ({ablation.engine}, "
                f"{ablation.replacement}) gives {fast[worst]:.6f} nats where an intervention "
                f"in the whole model gives {measured[worst]:.6f} (block {row}, index "
                f"{index[rows][worst]}); {subject.tested_words}. No result can be trusted; please "
                "report this with the model's name"
            )
        on_pair()
    return SelfCheck(n_pairs, n_values, largest, tolerance)


def intervene(
    subject: Subject,
    tokens: NDArray[np.int32],
    index: NDArray[np.int64],
    neurons: NDArray[np.int64],
    values: NDArray[np.float32],
    scoring: Scoring = LOSS,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Change of loss at some positions of one block, by two forward passes of the whole model.

    The block runs to its end, though nothing behind the last query can matter: that is checked here, too.

    Args:
        subject: The network.
        tokens: The block, shape (context,).
        index: Query positions, shape (n_queries,).
        neurons: Which ones, all at once, shape (k,).
        values: What their coordinates are set to, in the block or at each position, (1 or context, n).
        scoring: What changes at each query.

    Returns:
        The change and the loss without ablation, in nats, each of shape (n_queries,).
    """
    if isinstance(subject, RecordedEvidence):
        raise SelfCheckError(f"{subject.name}: there is no network in which anything could be ablated")
    if isinstance(subject, Network):
        row = subject.row_of(tokens)
        return intervene_at(subject, row, neurons, values[_place(values, index)])
    traced, columns = subject.traced, subject.columns(neurons)
    after = torch.from_numpy(np.ascontiguousarray(values))
    changes, losses = [], []
    for own in passes_over(subject, tokens, index, scoring, whole=True):
        rows, n_rows = scoring.part(own.rows), index[own.rows].size
        keep = {} if subject.masking else {"logits_to_keep": own.query}  # an encoder gives all
        read = own.query if subject.masking else slice(None)
        with full_precision(), traced.trace(own.ids, **keep):
            base = traced.output.logits.save()
        length = own.ids.shape[1]
        hold = subject.kind.held(subject, (1, length), columns, after[:length])
        with full_precision(), hold as edit, traced.trace(own.ids, **keep):
            edit()
            ablated = traced.output.logits.save()
        foil = rows.foils(n_rows)
        base_loss, ablated_loss = (
            np.asarray(rows.summed(item.cpu().numpy(), n_rows), dtype=np.float64)
            for item in (scores(item[:, read].double(), own.target, foil)[0] for item in (base, ablated))
        )
        changes.append(ablated_loss - base_loss)
        losses.append(base_loss)
    return np.concatenate(changes), np.concatenate(losses)


def columns_in(subject: Subject, units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Columns of a replacement that belong to some units; outside language models the units themselves."""
    return subject.columns(units) if isinstance(subject, LanguageModel) else units


def _place(values: NDArray[np.float32], index: NDArray[np.int64]) -> int:
    """Of what a row's units are set to, among one for all places of a block or one for each."""
    return 0 if len(values) == 1 else int(index[0])


def _scale(subject: Subject, loss: NDArray[np.float32] | None) -> float:
    """Outcomes of any module have any unit: rounding is relative where they are large."""
    if not isinstance(subject, RowSubject) or loss is None or loss.size == 0:
        return 1.0
    return max(1.0, float(np.abs(loss).max()))
