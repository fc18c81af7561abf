"""Activations, attention and the final residual at the sampled positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.collect.extent import Batch, batches, mlp_only_at, seen_at
from hypotest.errors import EvidenceError
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.units import unit_facts
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.precision import full_precision

_BLOCKS_PER_BATCH = 16


def forward_arrays(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    *,
    attention: bool = True,
) -> dict[str, NDArray[np.float32]]:
    """Run blocks through the model and keep what is seen at some of their positions.

    Args:
        subject: The network.
        tokens: Shape (n_blocks, context).
        block: Row of `tokens` of each position, ascending, shape (n_positions,).
        index: Query position within the block, shape (n_positions,).
        attention: Whether attention is kept, where the subject has that channel.

    Returns:
        ``activations`` (n_positions, n_neurons), the input of the down-projection, or how active units of
        another kind are; ``coordinates``, what is ablated of units that are several numbers each;
        ``residual`` (n_positions, d_model), the input of the final norm, without columns where no identity
        reads it; ``attention`` (n_positions, n_heads, context), the weights of the heads that can reach the
        tested units, if asked for; of a mixture of experts ``router`` (n_positions, n_experts), how probable
        each is.

    Raises:
        EvidenceError: If an activation or a residual is not finite, or attention sees what the configuration
            hides or the other way round; names the layer.
    """
    n_positions, context = index.size, tokens.shape[1]
    attention = attention and Channel.ATTENTION in subject.channels
    layers = subject.reaching_layers if attention else ()
    width = 0 if subject.identity_obstacle else subject.d_model
    arrays = {
        "activations": np.empty((n_positions, subject.n_neurons), dtype=np.float32),
        "residual": np.empty((n_positions, width), dtype=np.float32),
    }
    width = subject.kind.width(subject)
    if width > 1:
        arrays["coordinates"] = np.empty((n_positions, subject.n_neurons * width), dtype=np.float32)
    if attention:
        n_heads = len(layers) * subject.n_heads
        arrays["attention"] = np.zeros((n_positions, n_heads, context), dtype=np.float32)
    mixture = subject.routed
    if mixture is not None:
        arrays["router"] = np.empty((n_positions, mixture.n_experts), dtype=np.float32)
    for batch in batches(subject, tokens, block, index, _BLOCKS_PER_BATCH):
        given, residual, looks = _trace(subject, batch, layers)
        with full_precision():
            units = subject.kind.coordinates(subject, given)
            active = subject.kind.activations(subject, units)
            if mixture is not None:
                arrays["router"][batch.places] = mixture.probabilities(given).cpu().numpy()
        if width > 1:
            arrays["coordinates"][batch.places] = units.cpu().numpy()
        arrays["activations"][batch.places] = active.cpu().numpy()
        if residual is not None:
            arrays["residual"][batch.places] = residual[batch.rows, batch.columns].cpu().numpy()
        for number, weights in enumerate(looks):
            heads = slice(number * subject.n_heads, (number + 1) * subject.n_heads)
            seen = weights[batch.rows, :, batch.columns].cpu().numpy()
            arrays["attention"][batch.places, heads, : batch.length] = seen
    _require_finite(arrays["activations"], subject.layer, unit_facts(subject.kind.name).one)
    _require_finite(arrays["residual"], subject.layer, "residual feature")
    for number, (layer, window) in enumerate(zip(layers, subject.attention_windows, strict=False)):
        heads = slice(number * subject.n_heads, (number + 1) * subject.n_heads)
        _require_window(arrays["attention"][:, heads], index, layer, window)
    return arrays


def _trace(
    subject: LanguageModel, batch: Batch, layers: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor | None, list[torch.Tensor]]:
    """What units follow from at the positions, the final residual if it is read, some layers' attention."""
    looking = [subject.envoy("attention", layer) for layer in layers]
    kind, norm = subject.kind, subject.envoy("final_norm")
    needs_residual = not subject.identity_obstacle
    attention: list[torch.Tensor] = []
    residual = None
    only_at = mlp_only_at(subject, subject.layer, batch.rows, batch.columns, batch.shape)
    ids = batch.ids.to(subject.device)
    with only_at as at_positions, full_precision(), subject.traced.trace(ids) as tracer:
        within = kind.site == "attention" and subject.layer in layers
        for layer, attending in zip(layers, looking, strict=True):  # in the order in which the model runs
            if within and layer == subject.layer:
                seen = kind.seen(subject).save()
            attention.append(attending.output[1].save())
        if not within:
            seen = kind.seen(subject).save()
        if needs_residual:
            residual = norm.input.save()
        tracer.stop()  # logits are recomputed at the sampled positions only
    return seen_at(subject, batch, seen, at_positions), residual, attention


_ENOUGH = 64
"""Queries that could have looked so far back: softmax rarely gives exactly nothing to a key that is seen."""


def _require_window(
    attention: NDArray[np.float32], index: NDArray[np.int64], layer: int, window: int | None
) -> None:
    """What a configuration says of a layer's window is what its attention shows."""
    context = attention.shape[-1]
    looked = np.zeros(context, dtype=bool)
    for query in np.unique(index):
        nearest_first = attention[index == query][..., query::-1]
        looked[: query + 1] |= (nearest_first > 0).any(axis=(0, 1))
    expected = context if window is None else min(window, context)
    furthest = int(np.flatnonzero(looked)[-1]) + 1 if looked.any() else 0
    could = int((index >= furthest).sum())
    if furthest > expected or (furthest < expected and could >= _ENOUGH):
        raise EvidenceError(
            f"layer {layer}: its attention sees {furthest} keys, and its configuration says {expected}; what "
            "a query cannot see must not be measured as if it were ignored"
        )


def _require_finite(values: NDArray[np.float32], layer: int, what: str) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        column = int(np.flatnonzero(~finite.all(axis=0))[0])
        count = int((~finite[:, column]).sum())
        raise EvidenceError(
            f"layer {layer}, {what} {column}: {count} of {len(values)} values are not finite; the weights "
            "are damaged or overflow in float32"
        )
