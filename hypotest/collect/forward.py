"""Activations, attention and the final residual at the sampled positions."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.precision import full_precision

_BLOCKS_PER_BATCH = 16


def forward_arrays(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
) -> dict[str, NDArray[np.float32]]:
    """Run blocks through the model and keep what is seen at some of their positions.

    Args:
        subject: The network.
        tokens: Shape (n_blocks, context).
        block: Row of `tokens` of each position, ascending, shape (n_positions,).
        index: Query position within the block, shape (n_positions,).

    Returns:
        ``activations`` (n_positions, n_neurons), the input of the down-projection; ``residual``
        (n_positions, d_model), the input of the final norm; ``attention`` (n_positions, n_heads,
        context), the weights of the heads that can reach the tested MLP.

    Raises:
        EvidenceError: If an activation or a residual is not finite; names layer and neuron.
    """
    parts: dict[str, list[NDArray[np.float32]]] = {
        "activations": [],
        "residual": [],
        "attention": [],
    }
    for start in range(0, len(tokens), _BLOCKS_PER_BATCH):
        stop = min(start + _BLOCKS_PER_BATCH, len(tokens))
        here = slice(*np.searchsorted(block, [start, stop]))
        # on the CPU: layers may lie on several devices, and each can be indexed from there
        rows, columns = torch.from_numpy(block[here] - start), torch.from_numpy(index[here])
        seen = _trace(subject, torch.from_numpy(tokens[start:stop].astype(np.int64)))
        activations, residual, *attention = seen
        activations = activations.reshape(stop - start, tokens.shape[1], -1)  # OPT flattens positions
        parts["activations"].append(activations[rows, columns].cpu().numpy())
        parts["residual"].append(residual[rows, columns].cpu().numpy())
        heads = [weights[rows, :, columns].cpu().numpy() for weights in attention]
        none = np.empty((rows.numel(), 0, tokens.shape[1]), dtype=np.float32)
        parts["attention"].append(np.concatenate([none, *heads], axis=1))
    arrays = {name: np.concatenate(pieces).astype(np.float32) for name, pieces in parts.items()}
    _require_finite(arrays["activations"], subject.layer, "neuron")
    _require_finite(arrays["residual"], subject.layer, "residual feature")
    return arrays


def _trace(subject: LanguageModel, tokens: torch.Tensor) -> list[torch.Tensor]:
    """Neurons, final residual, then the attention of each reaching layer."""
    attention = [subject.envoy("attention", layer) for layer in subject.reaching_layers]
    down, norm = subject.envoy("down_projection"), subject.envoy("final_norm")
    weights: list[torch.Tensor] = []
    with full_precision(), subject.traced.trace(tokens.to(subject.device)) as tracer:
        for layer in attention:  # in the order in which the model runs them
            weights.append(layer.output[1].save())
        neurons = down.input.save()
        residual = norm.input.save()
        tracer.stop()  # logits are recomputed at the sampled positions only
    return [neurons, residual, *weights]


def _require_finite(values: NDArray[np.float32], layer: int, what: str) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        column = int(np.flatnonzero(~finite.all(axis=0))[0])
        count = int((~finite[:, column]).sum())
        raise EvidenceError(
            f"layer {layer}, {what} {column}: {count} of {len(values)} values are not finite; the weights "
            "are damaged or overflow in float32"
        )
