"""Independent ablations by plain forward hooks in float64, the oracle for everything in `collect`."""

from __future__ import annotations

import copy
from contextlib import contextmanager

import numpy as np
import torch


def double_model(subject):
    return copy.deepcopy(subject.model).double()


@contextmanager
def edited_input(module, edit):
    """Replace a module's input by ``edit(input)``."""
    handle = module.register_forward_pre_hook(lambda _, inputs: (edit(inputs[0].clone()), *inputs[1:]))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def recorded_input(module, into: list):
    handle = module.register_forward_pre_hook(lambda _, inputs: into.append(inputs[0].detach().clone()))
    try:
        yield
    finally:
        handle.remove()


def losses(model, tokens) -> np.ndarray:
    """Cross-entropy of each next token, shape (n_blocks, context - 1)."""
    ids = torch.from_numpy(tokens.astype(np.int64))
    with torch.no_grad():
        logits = model(input_ids=ids).logits
    flat = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), reduction="none"
    )
    return flat.reshape(len(tokens), -1).numpy()


def mean_ablated_losses(subject, tokens, neuron: int, value: float) -> np.ndarray:
    model = double_model(subject)
    down = model.gpt_neox.layers[subject.layer].mlp.dense_4h_to_h

    def edit(activations):
        activations[..., neuron] = value
        return activations

    with edited_input(down, edit):
        return losses(model, tokens)


def neurons(subject, tokens, layer: int | None = None, head: int | slice | None = None) -> np.ndarray:
    """The tested MLP's neurons, with a head's slice of the attention projection zeroed if asked."""
    model = double_model(subject)
    blocks = model.gpt_neox.layers
    seen: list[torch.Tensor] = []
    with torch.no_grad(), recorded_input(blocks[subject.layer].mlp.dense_4h_to_h, seen):
        ids = torch.from_numpy(tokens.astype(np.int64))
        if layer is None:
            model(input_ids=ids)
        else:
            size = subject.d_model // subject.n_heads
            part = head if isinstance(head, slice) else slice(head * size, (head + 1) * size)

            def edit(heads):
                heads[..., part] = 0
                return heads

            with edited_input(blocks[layer].attention.dense, edit):
                model(input_ids=ids)
    return seen[0].numpy()
