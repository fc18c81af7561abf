"""Ablation of any layer's units in any family: interventions through nnsight, many units at a time.

For each block of text one forward pass keeps what leaves the layers before the ablated one, its attention and
its MLP. Each neuron's ablation then goes on from there: the layers before are skipped with the kept residual,
attention and MLP of the layer with the kept outputs, the latter moved by delta w_i (the down-projection is
linear), and the rest of the model runs as it is, whatever it is: further layers, norms behind the MLP, capped
logits. Units of other kinds move the output of another module, of the attention or of the whole block
(`hypotest.subjects.units.kind`), and what lies behind that runs. A unit is ablated at all positions of the
block up to the last that is looked at, since later layers mix positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.collect.ablation import require_finite
from hypotest.collect.extent import length_of_pass
from hypotest.collect.replacement import Replacement
from hypotest.collect.scoring import LOSS, Scoring, scores
from hypotest.collect.tiles import GB
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.passes import copied, hidden_of, with_hidden
from hypotest.subjects.precision import full_precision
from hypotest.subjects.units.kind import SKIPPED

_VECTORS_PER_TOKEN = 24
"""Residual-sized activations that a forward pass holds at once for each token, generously."""

_VARIANTS = 64
"""Variants of the MLP's output per forward pass."""


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """The tokens of a block whose logits are read."""

    query: Tensor
    """Places within the block; on the CPU, which indexes any of the devices that layers may lie on."""
    scoring: Scoring
    n_rows: int

    @classmethod
    def of(cls, scoring: Scoring, index: NDArray[np.int64]) -> _Read:
        return cls(torch.from_numpy(scoring.queries(index)), scoring, index.size)

    def losses(self, logits: Tensor, ids: Tensor) -> Tensor:
        """In nats, (batch, n_queries)."""
        return scores(logits.float(), ids[0, self.query + 1], self.scoring.foils(self.n_rows))

    def summed(self, losses: Tensor) -> NDArray[np.float32]:
        """From (batch, n_queries) to (batch, n_rows)."""
        return np.asarray(self.scoring.summed(losses.T.cpu().numpy(), self.n_rows).T, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """One block's forward pass, up to the last query; tensors (1, length, ...)."""

    before: Any
    """Output of the block before the ablated one, as the model passes it on; None for the first."""
    skipped: tuple[Any, ...]
    """Outputs of the modules of the ablated block that do not run again; the last one is moved."""
    units: Tensor
    """Coordinates."""
    loss: Tensor
    """At the queries, shape (n_queries,)."""


def intervention_arrays(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    numbers: NDArray[np.int64],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    replacement: Replacement,
    memory: float,
    neurons: NDArray[np.int64] | None = None,
    on_block: Callable[[], None] = lambda: None,
    scoring: Scoring = LOSS,
) -> dict[str, NDArray[Any]]:
    """Ablate neurons one at a time and measure the change of loss at some positions.

    Args:
        subject: The network.
        tokens: Blocks, shape (n_blocks, context).
        numbers: What the blocks are called in `replacement`, shape (n_blocks,).
        block: Row of `tokens` of each position, ascending, shape (n_positions,).
        index: Query position within the block, shape (n_positions,).
        replacement: What an ablated neuron is set to.
        memory: GB that a batch of forward passes may take.
        neurons: Which ones; all by default.
        on_block: Called after each block, for progress.
        scoring: What changes at each position.

    Returns:
        The arrays of `hypotest.collect.ablation.NeuronAblation`, with a column per asked-for neuron;
        ``error_bound`` is NaN, since nothing bounds the rounding of a forward pass, and every pair is exact.

    Raises:
        EvidenceError: If a value is not finite.
    """
    chosen = np.arange(subject.n_neurons) if neurons is None else np.asarray(neurons)
    delta_loss = np.full((index.size, chosen.size), np.nan, dtype=np.float32)
    loss = np.empty(index.size, dtype=np.float32)
    context = tokens.shape[1]
    with full_precision():
        for row, number in enumerate(numbers.tolist()):
            here = slice(*np.searchsorted(block, [row, row + 1]))
            if here.start == here.stop:
                on_block()
                continue
            read = _Read.of(scoring.part(here), index[here])
            ids = torch.from_numpy(tokens[row].astype(np.int64))[None].to(subject.device)
            kept = _forward(subject, ids, read)
            loss[here] = read.summed(kept.loss[None])[0]
            length = kept.units.shape[1]
            after = torch.from_numpy(replacement.within(number, context)[:length]).to(kept.units.device)
            size = _batch_size(subject, length, read.query.numel(), memory)
            for start in range(0, chosen.size, size):
                moved = _moved(subject, chosen[start : start + size], after, kept.units[0])
                losses = _moved_losses(subject, ids, read, kept, moved)
                delta_loss[here, start : start + size] = read.summed(losses - kept.loss).T
            on_block()
    require_finite(delta_loss, chosen)
    return {
        "delta_loss": delta_loss,
        "error_bound": np.full(delta_loss.shape, np.nan, dtype=np.float16),
        "loss": loss,
        "n_exact": np.full(index.size, chosen.size, dtype=np.int32),
    }


def moved_losses(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    index: NDArray[np.int64],
    move: Callable[[Tensor], Tensor],
    scoring: Scoring = LOSS,
) -> NDArray[np.float32]:
    """Change of loss at some positions of one block when the units' module adds something else.

    Args:
        subject: The network.
        tokens: The block, shape (context,).
        index: Query positions, shape (n_queries,).
        move: From the coordinates of the units (1, length, n_coordinates), up to the last query, to what is
            added to the output of their module, one row per variant, (n_variants, length, d_model).
        scoring: What changes at each position.

    Returns:
        Nats, shape (n_variants, n_queries).
    """
    ids = torch.from_numpy(tokens.astype(np.int64))[None].to(subject.device)
    read = _Read.of(scoring, index)
    with full_precision():
        kept = _forward(subject, ids, read)
        moved = move(kept.units)
        parts = torch.split(moved, _VARIANTS)
        losses = torch.cat([_moved_losses(subject, ids, read, kept, part) for part in parts])
        return read.summed(losses - kept.loss)


def _batch_size(subject: LanguageModel, length: int, n_queries: int, memory: float) -> int:
    """Neurons per forward pass."""
    passing = _VECTORS_PER_TOKEN * length * subject.d_model + subject.n_heads * length**2
    logits = 4 * n_queries * subject.vocab_size
    return max(1, min(256, int(memory * GB / (4.0 * (passing + logits)))))


def _forward(subject: LanguageModel, ids: Tensor, read: _Read) -> _Kept:
    query = read.query
    kind, traced = subject.kind, subject.traced
    before = subject.envoy("block", subject.layer - 1) if subject.layer and kind.site != "block" else None
    *modules, site = (subject.envoy(module) for module in SKIPPED[kind.site])
    kept, outputs = None, []
    cut = _up_to(subject, ids, query)
    with traced.trace(cut, logits_to_keep=query):
        if before is not None:
            kept = before.output.save()
        for module in modules:
            outputs.append(module.output.save())
        seen = kind.seen(subject).save()
        outputs.append(copied(site.output))  # Falcon's blocks add the attention to the MLP's in place
        logits = traced.output.logits.save()
    units = kind.coordinates(subject, seen.reshape(*cut.shape, -1))  # some flatten positions
    return _Kept(kept, tuple(outputs), units, read.losses(logits, ids)[0])


def _moved(subject: LanguageModel, units: NDArray[np.int64], after: Tensor, before: Tensor) -> Tensor:
    """What the ablation of each unit adds, from coordinates (tokens, n), shape (n_units, tokens, d_model)."""
    width = subject.kind.width(subject)
    columns = torch.from_numpy(subject.columns(units))
    delta, vectors = (after[:, columns] - before[:, columns]).T, subject.output_vectors[columns]
    if width == 1:
        return delta[:, :, None] * vectors[:, None, :]
    parts = delta.reshape(len(units), width, -1).transpose(1, 2)
    return torch.bmm(parts, vectors.reshape(len(units), width, -1))


def _moved_losses(subject: LanguageModel, ids: Tensor, read: _Read, kept: _Kept, moved: Tensor) -> Tensor:
    """Loss at the queries when (batch, length, d_model) is added to the units' site, (batch, n_queries)."""
    n, query, traced = len(moved), read.query, subject.traced
    *others, own = kept.skipped
    given = hidden_of(own)
    added = (given + moved).reshape(-1, moved.shape[-1]) if given.ndim == 2 else given + moved
    site = with_hidden(_repeated(own, n), added)
    skip = [(subject.envoy("block", layer), kept.before) for layer in range(subject.layer)]
    skip += zip((subject.envoy(module) for module in SKIPPED[subject.kind.site]), others, strict=False)
    before = [(envoy, site if value is None else _repeated(value, n)) for envoy, value in skip]
    last = subject.envoy(subject.kind.site)
    cut = _up_to(subject, ids, query).expand(n, -1)
    with traced.trace(cut, logits_to_keep=query):
        for envoy, value in before:
            envoy.skip(value)
        last.skip(site)
        logits = traced.output.logits.save()
    return read.losses(logits, ids)


def _up_to(subject: LanguageModel, ids: Tensor, query: Tensor) -> Tensor:
    """The block's tokens that the queries depend on."""
    return ids[:, : length_of_pass(subject, int(query.max()), ids.shape[1])]


def _repeated(value: Any, n: int) -> Any:
    """The same for a batch of n; what is not a tensor of one row passes through."""
    if isinstance(value, tuple):
        return tuple(_repeated(item, n) for item in value)
    if isinstance(value, Tensor) and value.shape[0] == 1:
        return value.expand(n, *value.shape[1:])
    return value
