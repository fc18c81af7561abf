"""How the tested units change when attention heads are ablated.

Zeroing head h's slice of the attention output projection's input (eq. 8 of arXiv:2509.21163) takes
W_O[:, h] a_h away from the residual stream. Where attention and MLP read the same residual, that is all for
the last layer that reaches the MLP's neurons: subtract it from the residual that enters the MLP's norm, and
redo norm and up-projection. For the layer before it, the block in between runs again from the changed
residual. For other units, and in other families, where a norm may follow the attention, blocks run again from
the head's own on, with its slice zeroed. Nothing earlier does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.collect.extent import Batch, batches, mlp_only_at, seen_at
from hypotest.subjects.anatomy.modules import by_input
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.precision import full_precision
from hypotest.subjects.units.neurons import NEURONS

_BLOCKS_PER_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """What one forward pass leaves for the ablations; tensors (batch, context, ...)."""

    block_arguments: dict[int, tuple[tuple[Any, ...], dict[str, Any]]]
    """Positional and keyword arguments of the blocks that run again."""
    projection_inputs: list[torch.Tensor]
    """Heads side by side, for each reaching layer; only of `_is_direct`."""
    mlp_residual: torch.Tensor | None
    """What enters the MLP's norm; only of `_is_direct`."""
    units: torch.Tensor
    """Activations at the positions."""


def head_ablation_arrays(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    only: NDArray[np.int64] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Squared changes of every unit's activation at some positions.

    Args:
        subject: The network.
        tokens: Shape (n_blocks, context).
        block: Row of `tokens` of each position, ascending, shape (n_positions,).
        index: Query position within the block, shape (n_positions,).
        only: Heads to ablate, counted over the reaching layers; all, and whole layers too, by default.

    Returns:
        ``base`` (n_positions, n_neurons), the squared activations; ``single`` (n_positions, n_heads,
        n_neurons), the squared changes with one head of the reaching layers ablated; ``layer`` (n_positions,
        n_layers, n_neurons), with all heads of a layer. NaN for what is not ablated.
    """
    layers = subject.reaching_layers
    n_positions, n_neurons = index.size, subject.n_neurons
    arrays = {
        "base": np.empty((n_positions, n_neurons), dtype=np.float32),
        "single": np.full((n_positions, len(layers) * subject.n_heads, n_neurons), np.nan, dtype=np.float32),
        "layer": np.full((n_positions, len(layers), n_neurons), np.nan, dtype=np.float32),
    }
    chosen = range(arrays["single"].shape[1]) if only is None else only.tolist()
    parts = _head_slices(subject)
    for batch in batches(subject, tokens, block, index, _BLOCKS_PER_BATCH):
        seen = _trace(subject, batch)
        arrays["base"][batch.places] = seen.units.square().cpu().numpy()

        def squared_change(
            place: int, part: slice, batch: Batch = batch, seen: _Pass = seen
        ) -> NDArray[np.float32]:
            changed = _ablated_units(subject, batch, seen, place, part)
            return np.asarray((changed - seen.units.to(changed.device)).square().cpu().numpy())

        for column in chosen:
            place, head = divmod(column, subject.n_heads)
            arrays["single"][batch.places, column] = squared_change(place, parts[head])
        for place in range(len(layers) if only is None else 0):
            arrays["layer"][batch.places, place] = squared_change(place, slice(None))
    return arrays


def _trace(subject: LanguageModel, batch: Batch) -> _Pass:
    layers = subject.reaching_layers
    parallel = _is_direct(subject)
    again = layers[1:] if parallel else range(layers[0], subject.layer + 1)
    blocks = {layer: subject.envoy("block", layer) for layer in again}
    projections = {layer: subject.envoy("attention_projection", layer) for layer in layers if parallel}
    norm = subject.envoy("mlp_norm") if parallel else None
    kind = subject.kind
    inputs: list[torch.Tensor] = []
    arguments: dict[int, Any] = {}
    mlp_residual = None
    only_at = mlp_only_at(subject, subject.layer, batch.rows, batch.columns, batch.shape)
    ids = batch.ids.to(subject.device)
    with only_at as at_positions, full_precision(), subject.traced.trace(ids) as tracer:
        for layer in range(layers[0], subject.layer + 1):  # in the order in which the model runs them
            if layer in blocks:
                arguments[layer] = blocks[layer].inputs.save()
            if layer in projections:
                inputs.append(projections[layer].input.save())
        if norm is not None:
            mlp_residual = norm.input.save()
        given = kind.seen(subject).save()
        tracer.stop()
    return _Pass(arguments, inputs, mlp_residual, _read(subject, batch, given, at_positions))


def _read(
    subject: LanguageModel, batch: Batch, seen: torch.Tensor, at_positions: Callable[[Any], Any]
) -> torch.Tensor:
    """Activations of the units at the positions."""
    kind, own = subject.kind, seen_at(subject, batch, seen, at_positions)
    with full_precision():
        return kind.activations(subject, kind.coordinates(subject, own))


def _is_direct(subject: LanguageModel) -> bool:
    """Whether heads reach the units through one sum: neurons that read the same residual as the attention."""
    return subject.anatomy.parallel_residual and subject.kind is NEURONS


def _head_slices(subject: LanguageModel) -> list[slice]:
    width = len(by_input(subject.module("attention_projection", subject.reaching_layers[-1])))
    size = width // subject.n_heads
    return [slice(head * size, (head + 1) * size) for head in range(subject.n_heads)]


def _ablated_units(
    subject: LanguageModel, batch: Batch, seen: _Pass, place: int, part: slice
) -> torch.Tensor:
    """The tested units with a slice of a projection's input zeroed, (n_positions, n_units)."""
    layer = subject.reaching_layers[place]
    rows, columns = batch.rows, batch.columns
    with full_precision():
        if not _is_direct(subject):
            return _run_again(subject, batch, seen, layer, part)
        weight = by_input(subject.module("attention_projection", layer))[part]
        if layer == subject.reaching_layers[-1]:
            assert seen.mlp_residual is not None  # recorded with a parallel residual
            contribution = seen.projection_inputs[place][rows, columns][:, part] @ weight
            residual = seen.mlp_residual[rows, columns] - contribution.to(seen.mlp_residual.device)
        else:
            (hidden, *others), keywords = seen.block_arguments[layer + 1]
            contribution = seen.projection_inputs[place][..., part] @ weight
            changed = hidden - contribution.to(hidden.device)
            with mlp_only_at(subject, layer + 1, rows, columns, batch.shape):
                after = _hidden(subject.module("block", layer + 1)(changed, *others, **keywords))
            residual = after[rows, columns]
        return subject.neurons(residual)


def _run_again(subject: LanguageModel, batch: Batch, seen: _Pass, layer: int, part: slice) -> torch.Tensor:
    """The tested units when blocks run from `layer` on with a slice zeroed, (n_positions, n_units)."""

    def zeroed(_module: Any, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        heads = arguments[0].clone()
        heads[..., part] = 0
        return (heads, *arguments[1:])

    hook = subject.module("attention_projection", layer).register_forward_pre_hook(zeroed)
    only_at = mlp_only_at(subject, subject.layer, batch.rows, batch.columns, batch.shape)
    try:
        with subject.recorded_units() as seen_again, only_at as at_positions:
            hidden = seen.block_arguments[layer][0][0]
            for number in range(layer, subject.layer + 1):
                (_, *others), keywords = seen.block_arguments[number]
                hidden = _hidden(subject.module("block", number)(hidden, *others, **keywords))
    finally:
        hook.remove()
    return _read(subject, batch, seen_again[0], at_positions)


def _hidden(output: Any) -> torch.Tensor:
    """The residual stream that leaves a block."""
    hidden: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return hidden
