"""How the tested neurons change when attention heads are ablated.

Zeroing head h's slice of the attention output projection's input (eq. 8 of arXiv:2509.21163) takes
W_O[:, h] a_h away from the residual stream. For the last layer that reaches the MLP that is all: subtract it
from the residual that enters the MLP's norm, and redo norm and up-projection. For the layer before it, the
block in between runs again from the changed residual; nothing earlier does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.subjects.language_model import LanguageModel, by_input

_BLOCKS_PER_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """What one forward pass leaves for the ablations; tensors (batch, context, ...)."""

    projection_inputs: list[torch.Tensor]
    """Heads side by side, for each reaching layer."""
    next_block_arguments: tuple[tuple[Any, ...], dict[str, Any]] | None
    """Positional and keyword arguments of the block behind the earlier of two reaching layers."""
    mlp_residual: torch.Tensor
    """What enters the MLP's norm."""
    neurons: torch.Tensor


def head_ablation_arrays(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
) -> dict[str, NDArray[np.float32]]:
    """Squared changes of every neuron, summed over the given positions of each block.

    Args:
        subject: The network.
        tokens: Shape (n_blocks, context).
        block: Row of `tokens` of each position, ascending, shape (n_positions,).
        index: Query position within the block, shape (n_positions,).

    Returns:
        Per block: ``n_positions`` (n_blocks,); ``base`` (n_blocks, n_neurons), the sum of squared
        activations; ``single`` (n_blocks, n_heads, n_neurons), the sum of squared changes with one head
        of the reaching layers ablated; ``layer`` (n_blocks, n_layers, n_neurons), with all heads of a layer.
    """
    pieces: dict[str, list[NDArray[np.float32]]] = {"base": [], "single": [], "layer": []}
    for start in range(0, len(tokens), _BLOCKS_PER_BATCH):
        stop = min(start + _BLOCKS_PER_BATCH, len(tokens))
        here = slice(*np.searchsorted(block, [start, stop]))
        rows = torch.from_numpy(block[here] - start).to(subject.device)
        columns = torch.from_numpy(index[here]).to(subject.device)
        seen = _trace(subject, torch.from_numpy(tokens[start:stop].astype(np.int64)))
        base = seen.neurons[rows, columns]
        n_blocks = stop - start
        pieces["base"].append(_sum_by_block(base.square(), rows, n_blocks))
        singles: list[NDArray[np.float32]] = []
        layers: list[NDArray[np.float32]] = []
        for place in range(len(subject.reaching_layers)):
            everything = [*_head_slices(subject), slice(None)]
            for part in everything:
                changed = _ablated_neurons(subject, seen, place, part, rows, columns)
                target = layers if part == slice(None) else singles
                target.append(_sum_by_block((changed - base).square(), rows, n_blocks))
        pieces["single"].append(np.stack(singles, axis=1))
        pieces["layer"].append(np.stack(layers, axis=1))
    arrays = {name: np.concatenate(parts).astype(np.float32) for name, parts in pieces.items()}
    return {"n_positions": np.bincount(block, minlength=len(tokens)).astype(np.int32), **arrays}


def _trace(subject: LanguageModel, tokens: torch.Tensor) -> _Pass:
    layers = subject.reaching_layers
    projections = [subject.envoy("attention_projection", layer) for layer in layers]
    between = subject.envoy("block", layers[-1]) if len(layers) == 2 else None
    norm, down = subject.envoy("mlp_norm"), subject.envoy("down_projection")
    inputs: list[torch.Tensor] = []
    arguments = None
    with torch.no_grad(), subject.traced.trace(tokens.to(subject.device)) as tracer:
        inputs.append(projections[0].input.save())
        if between is not None:
            arguments = between.inputs.save()
            inputs.append(projections[1].input.save())
        mlp_residual = norm.input.save()
        neurons = down.input.save()
        tracer.stop()
    return _Pass(inputs, arguments, mlp_residual, neurons)


def _head_slices(subject: LanguageModel) -> list[slice]:
    width = len(by_input(subject.module("attention_projection", subject.reaching_layers[-1])))
    size = width // subject.n_heads
    return [slice(head * size, (head + 1) * size) for head in range(subject.n_heads)]


def _ablated_neurons(
    subject: LanguageModel,
    seen: _Pass,
    place: int,
    part: slice,
    rows: torch.Tensor,
    columns: torch.Tensor,
) -> torch.Tensor:
    """The tested neurons with a slice of a projection's input zeroed, (n_positions, n_neurons)."""
    layer = subject.reaching_layers[place]
    weight = by_input(subject.module("attention_projection", layer))[part]
    with torch.no_grad():
        if place == len(subject.reaching_layers) - 1:
            contribution = seen.projection_inputs[place][rows, columns][:, part] @ weight
            residual = seen.mlp_residual[rows, columns] - contribution
        else:
            assert seen.next_block_arguments is not None  # recorded whenever two layers reach
            (hidden, *others), keywords = seen.next_block_arguments
            changed = hidden - seen.projection_inputs[place][..., part] @ weight
            block = subject.module("block", subject.reaching_layers[-1])
            output = block(changed, *others, **keywords)
            output = output[0] if isinstance(output, tuple) else output
            residual = output[rows, columns]
        return subject.neurons(residual)


def _sum_by_block(values: torch.Tensor, rows: torch.Tensor, n_blocks: int) -> NDArray[np.float32]:
    total = torch.zeros(n_blocks, values.shape[1], device=values.device)
    return np.asarray(total.index_add_(0, rows, values).cpu().numpy())
