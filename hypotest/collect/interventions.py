"""Ablation of any layer's units in any family: interventions through nnsight, many units at a time.

For each block of text one forward pass keeps what leaves the layers before the ablated one, its attention and
its MLP. Each neuron's ablation then goes on from there: the layers before are skipped with the kept residual,
attention and MLP of the layer with the kept outputs, the latter moved by delta w_i (the down-projection is
linear), and the rest of the model runs as it is, whatever it is: further layers, norms behind the MLP, capped
logits. Units of other kinds move the output of another module, of the attention or of the whole block
(`hypotest.subjects.units.kind`), and what lies behind that runs. A unit is ablated at all positions of the
block up to the last that is looked at, since later layers mix positions; the last MLP, behind which nothing
does, runs where logits are read alone, and behind the last attention of an encoder the masked position is
run alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.collect.extent import BlockPass, logits_at, mlp_only_at, passes_over
from hypotest.collect.last_block.ablation import require_finite
from hypotest.collect.last_block.tiles import GB
from hypotest.collect.replacement import Replacement
from hypotest.collect.scoring import LOSS, Scoring, scores
from hypotest.subjects.anatomy.passes import copied, hidden_of, with_hidden
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.precision import full_precision
from hypotest.subjects.units.kind import skipped

_VECTORS_PER_TOKEN = 24
"""Residual-sized activations that a forward pass holds at once for each token, generously."""

_VARIANTS = 64
"""Variants of the MLP's output per forward pass."""


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A pass over a block, and what is made of its logits."""

    own: BlockPass
    scoring: Scoring
    n_rows: int

    def losses(self, logits: Tensor) -> Tensor:
        """In nats, (batch, n_queries)."""
        return scores(logits.float(), self.own.target, self.scoring.foils(self.n_rows))

    def summed(self, losses: Tensor) -> NDArray[np.float32]:
        """From (batch, n_queries) to (batch, n_rows)."""
        return np.asarray(self.scoring.summed(losses.T.cpu().numpy(), self.n_rows).T, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """One pass, up to the last query; tensors (1, n_places, ...)."""

    before: Any
    """Output of the block before the ablated one, as the model passes it on; None for the first."""
    skipped: tuple[Any, ...]
    """Outputs of the modules of the ablated block that do not run again; the last one is moved."""
    units: Tensor
    """Coordinates."""
    loss: Tensor
    """At the queries, shape (n_queries,)."""
    places: Tensor
    """Of the pass: all of them, or the queries alone where no attention follows the ablated units."""


def _reads(
    subject: LanguageModel, tokens: NDArray[np.int32], index: NDArray[np.int64], scoring: Scoring
) -> Iterator[_Read]:
    for own in passes_over(subject, tokens, index, scoring):
        yield _Read(own, scoring.part(own.rows), index[own.rows].size)


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
        The arrays of `hypotest.collect.last_block.ablation.NeuronAblation`, with a column per neuron that was
        asked for; ``error_bound`` is NaN, since nothing bounds the rounding of a forward pass, and every
        pair is exact.

    Raises:
        EvidenceError: If a value is not finite.
    """
    chosen = np.arange(subject.n_neurons) if neurons is None else np.asarray(neurons)
    delta_loss = np.full((index.size, chosen.size), np.nan, dtype=np.float32)
    loss = np.empty(index.size, dtype=np.float32)
    width = subject.length_of(tokens.shape[1])
    with full_precision():
        for row, number in enumerate(numbers.tolist()):
            here = slice(*np.searchsorted(block, [row, row + 1]))
            if here.start == here.stop:
                on_block()
                continue
            for read in _reads(subject, tokens[row], index[here], scoring.part(here)):
                own = np.arange(here.start, here.stop)[read.own.rows]
                kept = _forward(subject, read)
                loss[own] = read.summed(kept.loss[None])[0]
                after = torch.from_numpy(replacement.within(number, width)).to(kept.units.device)
                after = after if len(after) == 1 else after[kept.places]
                size = _batch_size(subject, kept.places.numel(), read.own.query.numel(), memory)
                for start in range(0, chosen.size, size):
                    moved = _moved(subject, chosen[start : start + size], after, kept.units[0])
                    losses = _moved_losses(subject, read, kept, moved)
                    delta_loss[own, start : start + size] = read.summed(losses - kept.loss).T
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
    move: Callable[[Tensor, Tensor], Tensor],
    scoring: Scoring = LOSS,
) -> NDArray[np.float32]:
    """Change of loss at some positions of one block when the units' module adds something else.

    Args:
        subject: The network.
        tokens: The block, shape (context,).
        index: Query positions, shape (n_queries,).
        move: From the coordinates of the units (1, n_places, n_coordinates) and their places in the pass to
            what is added to the output of their module, one row per variant, (n_variants, n_places, d_model).
        scoring: What changes at each position.

    Returns:
        Nats, shape (n_variants, n_queries).
    """
    changes = []
    with full_precision():
        for read in _reads(subject, tokens, index, scoring):
            kept = _forward(subject, read)
            parts = torch.split(move(kept.units, kept.places), _VARIANTS)
            losses = torch.cat([_moved_losses(subject, read, kept, part) for part in parts])
            changes.append(read.summed(losses - kept.loss))
    return np.concatenate(changes, axis=1)


def _batch_size(subject: LanguageModel, length: int, n_queries: int, memory: float) -> int:
    """Neurons per forward pass."""
    passing = _VECTORS_PER_TOKEN * length * subject.d_model + subject.n_heads * length**2
    logits = 4 * n_queries * subject.vocab_size
    return max(1, min(256, int(memory * GB / (4.0 * (passing + logits)))))


def _forward(subject: LanguageModel, read: _Read) -> _Kept:
    ids, query = read.own.ids, read.own.query
    kind, traced = subject.kind, subject.traced
    before = subject.envoy("block", subject.layer - 1) if subject.layer and kind.site != "block" else None
    *modules, site = (subject.envoy(module) for module in skipped(subject.anatomy, kind.site))
    kept, outputs = None, []
    with logits_at(subject, query) as only, traced.trace(ids, **only):
        if before is not None:
            kept = before.output.save()
        for module in modules:
            outputs.append(module.output.save())
        seen = kind.seen(subject).save()
        outputs.append(copied(site.output))  # Falcon's blocks add the attention to the MLP's in place
        logits = traced.output.logits.save()
    places = query if _ends(subject) else torch.arange(ids.shape[1])
    seen = seen.reshape(*ids.shape, -1)  # some flatten positions
    return _Kept(
        before=_at(kept, places),
        skipped=tuple(_at(output, places) for output in outputs),
        units=kind.coordinates(subject, seen[:, places]),
        loss=read.losses(logits)[0],
        places=places,
    )


def _moved(subject: LanguageModel, units: NDArray[np.int64], after: Tensor, before: Tensor) -> Tensor:
    """What the ablation of each unit adds, from coordinates (tokens, n), shape (n_units, tokens, d_model)."""
    width = subject.kind.width(subject)
    columns = torch.from_numpy(subject.columns(units))
    delta, vectors = (after[:, columns] - before[:, columns]).T, subject.output_vectors[columns]
    if width == 1:
        return delta[:, :, None] * vectors[:, None, :]
    parts = delta.reshape(len(units), width, -1).transpose(1, 2)
    return torch.bmm(parts, vectors.reshape(len(units), width, -1))


def _moved_losses(subject: LanguageModel, read: _Read, kept: _Kept, moved: Tensor) -> Tensor:
    """Loss at the queries when (batch, n_places, d_model) is added to the units' site, (batch, n_queries)."""
    n, traced = len(moved), subject.traced
    modules = [subject.envoy(module) for module in skipped(subject.anatomy, subject.kind.site)]
    *others, own = kept.skipped
    given = hidden_of(own)
    added = (given + moved).reshape(-1, moved.shape[-1]) if given.ndim == 2 else given + moved
    if subject.kind.site == "block":  # some blocks (Mixtral's) read the stream by views
        added = added.contiguous()
    site = with_hidden(_repeated(own, n), added)
    skip = [(subject.envoy("block", layer), kept.before) for layer in range(subject.layer)]
    skip += zip(modules, others, strict=False)
    before = [(envoy, site if value is None else _repeated(value, n)) for envoy, value in skip]
    last = modules[-1]
    query = None if _ends(subject) else read.own.query
    ids = read.own.ids.expand(n, -1)
    with (
        _last_mlp_at(subject, query, ids.shape),  # type: ignore[arg-type]
        logits_at(subject, query) as only,
        traced.trace(ids, **only),
    ):
        for envoy, value in before:
            envoy.skip(value)
        last.skip(site)
        logits = traced.output.logits.save()
    return read.losses(logits)


def _last_mlp_at(
    subject: LanguageModel, query: Tensor | None, shape: tuple[int, int]
) -> AbstractContextManager[object]:
    """Within it the last block's MLP runs at the queries alone: behind it nothing reads another position.

    Not where that block is the one that is ablated, whose MLP does not run again, nor in an encoder.
    """
    last = subject.n_layers - 1
    if query is None or subject.is_masked or subject.layer == last:
        return nullcontext()
    n_passes = shape[0]
    rows = torch.arange(n_passes).repeat_interleave(query.numel())
    return mlp_only_at(subject, last, rows, query.repeat(n_passes), shape)


def _ends(subject: LanguageModel) -> bool:
    """Whether all behind the tested units runs at each place alone, so that only queries need to.

    So it does behind the last attention of any family, but decoders may want the length that they began with
    (GPT-2).
    """
    starts = subject.layer > 0 or subject.kind.site == "block"
    return subject.is_masked and subject.layer == subject.n_layers - 1 and starts


def _at(output: Any, places: Tensor) -> Any:
    """What a module gave, (1, length, d_model) or flat, at some places."""
    if output is None:
        return None
    hidden = hidden_of(output)
    return with_hidden(output, hidden[places] if hidden.ndim == 2 else hidden[:, places])


def _repeated(value: Any, n: int) -> Any:
    """The same for a batch of n; what is not a tensor of one row passes through."""
    if isinstance(value, tuple):
        return tuple(_repeated(item, n) for item in value)
    if isinstance(value, Tensor) and value.shape[0] == 1:
        return value.expand(n, *value.shape[1:])
    return value
