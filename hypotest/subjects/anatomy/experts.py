"""Mixtures of experts as one wide layer of neurons, most of which are silent at a token.

A unit is a neuron of an expert. What it adds to the residual stream is its activation times the weight with
which the router sends the token to its expert, and nothing where the token goes elsewhere; that product is
what is called its activation here, so that

    output of the mixture = activations (n_tokens, n_experts * n_neurons) @ output vectors + biases

holds as for any MLP, and with it everything that is built on it. A shared expert, which all tokens go
through, stands behind the others; if it has a gate, its activations are times that. Ablating a unit to its
mean sets it to the same number at every token, those that never went to its expert included; ablated to zero,
it is silent everywhere.

Transformers fuses the experts of a block into tensors of three axes and says itself how they lie in them
(``is_transposed``, ``is_concatenated``, ``has_bias``, ``has_gate``); that it is so is proved on a few tokens
whenever a model is loaded (`hypotest.subjects.anatomy.examination`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.records.evidence.partition import Partition
from hypotest.subjects.anatomy.anatomy import Anatomy, Routing
from hypotest.subjects.anatomy.modules import by_input
from hypotest.subjects.anatomy.neurons import Read

SHARED = "shared expert"
"""Its part of the partition."""
_REQUIRED = (
    "must hold its experts in parameters gate_up_proj (or up_proj) and down_proj of three axes, an expert "
    "along the first, and add their outputs up, as transformers fuses them"
)


@dataclass(frozen=True, slots=True, eq=False)
class FusedExperts:
    """The module that holds all routed experts of a block, in one layout whatever its own."""

    module: Any
    path: str
    """For errors."""

    def __post_init__(self) -> None:
        """Refuse another layout.

        Raises:
            SubjectError: Says what is required and what is there.
        """
        shapes = {name: tuple(item.shape) for name, item in self.module.named_parameters(recurse=False)}
        inside = ", ".join(sorted({type(item).__name__ for item in self.module.children()}))
        there = f"{type(self.module).__name__} with {shapes or inside or 'no parameters'}"
        if any(len(shapes.get(name, ())) != 3 for name in (self.first, "down_proj")):
            raise SubjectError(f"{self.path} {_REQUIRED}; found a {there}")
        if self.flag("has_post_expert_norm"):
            raise SubjectError(f"{self.path} {_REQUIRED}; found a norm behind each expert of a {there}")
        (n_experts, d_model, n_neurons), wide = self.down.shape, self.flag("has_gate") + 1
        if self.first_projection.shape != (n_experts, wide * n_neurons, d_model):
            raise SubjectError(f"{self.path} {_REQUIRED}; found a {there}")

    def flag(self, name: str) -> bool:
        """What transformers says of the layout; its usual one where it says nothing."""
        return bool(getattr(self.module, name, name in ("has_gate", "is_concatenated")))

    @property
    def first(self) -> str:
        """Name of the parameter that reads the residual stream."""
        return "gate_up_proj" if self.flag("has_gate") else "up_proj"

    @property
    def first_projection(self) -> Tensor:
        """Shape (n_experts, n_neurons or twice as many, d_model), a view."""
        weight: Tensor = getattr(self.module, self.first).detach()
        return weight.transpose(1, 2) if self.flag("is_transposed") else weight

    @property
    def down(self) -> Tensor:
        """Shape (n_experts, d_model, n_neurons), a view."""
        weight: Tensor = self.module.down_proj.detach()
        return weight.transpose(1, 2) if self.flag("is_transposed") else weight

    @property
    def up(self) -> Tensor:
        """Of a gated expert, what is multiplied by the gate; shape (n_experts, n_neurons, d_model)."""
        return self.first_projection[:, self.up_rows]

    @property
    def up_rows(self) -> slice:
        """Rows of the first projection that are no gate's: the second half, or every other one."""
        if not self.flag("has_gate"):
            return slice(None)
        return slice(self.down.shape[2], None) if self.flag("is_concatenated") else slice(1, None, 2)

    @property
    def is_linear_in_up(self) -> bool:
        """Whether activations follow those rows in a straight line, which they do not follow gates in."""
        if not self.flag("has_gate"):
            return True
        before = torch.randn(3, self.first_projection.shape[1], generator=torch.Generator().manual_seed(3))
        before[1:] = before[0]
        before[1, self.up_rows] += 0.5
        before[2, self.up_rows] += 1.0
        start, middle, end = self.module._apply_gate(before.to(self.down))
        return bool(torch.allclose(end - middle, middle - start, rtol=1e-3, atol=1e-6))

    def activations(self, hidden: Tensor, weights: Tensor) -> Tensor:
        """Of every neuron of every expert.

        Args:
            hidden: What the experts read, shape (n_tokens, d_model).
            weights: From `ExpertNeurons.weights`, shape (n_tokens, n_experts).

        Returns:
            Shape (n_tokens, n_experts, n_neurons); zero where the weight is.
        """
        first = self.first_projection
        n_experts, _, n_neurons = self.down.shape
        bias = getattr(self.module, f"{self.first}_bias", None) if self.flag("has_bias") else None
        act = self.module._apply_gate if self.flag("has_gate") else self.module.act_fn
        out = hidden.new_zeros(len(hidden), n_experts, n_neurons)
        for expert in range(n_experts):
            (tokens,) = torch.nonzero(weights[:, expert], as_tuple=True)
            if tokens.numel():
                before = torch.nn.functional.linear(
                    hidden[tokens], first[expert], None if bias is None else bias[expert]
                )
                out[tokens, expert] = (act(before) * weights[tokens, expert, None]).to(out.dtype)
        return out


@dataclass(frozen=True, eq=False)
class ExpertNeurons:
    """The neurons of all experts of a block, those of the first expert first; a shared one is the last."""

    router: Any
    experts: FusedExperts
    routing: Routing
    shared: Any = None
    """The shared expert."""
    shared_down: Any = None
    """Its down-projection."""
    shared_up: Any = None
    shared_gate: Any = None
    read: Read = "experts"

    @classmethod
    def of(cls, model: Any, anatomy: Anatomy, layer: int) -> ExpertNeurons:
        """From the modules of a model.

        Raises:
            SubjectError: If the experts lie in another way than is known.
        """

        def module(name: str) -> Any:
            return model.get_submodule(anatomy.at(name, layer)) if getattr(anatomy, name) else None

        shared = anatomy.at("down_projection", layer).rpartition(".")[0]
        return cls(
            router=module("router"),
            experts=FusedExperts(module("experts"), anatomy.at("experts", layer)),
            routing=anatomy.routing,
            shared=model.get_submodule(shared) if shared else None,
            shared_down=module("down_projection"),
            shared_up=module("up_projection"),
            shared_gate=module("shared_gate"),
        )

    @property
    def n_experts(self) -> int:
        """Routed ones."""
        return int(self.experts.down.shape[0])

    @cached_property
    def output_vectors(self) -> Tensor:
        """Shape (n_neurons, d_model); a copy, since fused tensors hold them the other way round."""
        routed = self.experts.down.transpose(1, 2).flatten(0, 1)
        return routed if self.shared is None else torch.cat([routed, by_input(self.shared_down)])

    @property
    def input_vectors(self) -> Tensor:
        """Shape (n_neurons, d_model)."""
        routed = self.experts.up.flatten(0, 1)
        return routed if self.shared is None else torch.cat([routed, by_input(self.shared_up).T])

    @cached_property
    def partition(self) -> Partition:
        """The expert of each neuron, and its number there."""
        n_experts, _, n_neurons = self.experts.down.shape
        n_shared = 0 if self.shared is None else len(by_input(self.shared_down))
        sizes = [n_neurons] * n_experts + [n_shared] * (n_shared > 0)
        names = [f"expert {expert}" for expert in range(n_experts)] + [SHARED] * (n_shared > 0)
        return Partition(
            tuple(names),
            np.repeat(np.arange(len(sizes)), sizes),
            np.concatenate([np.arange(size) for size in sizes]),
        )

    def routed(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """What the router says of each token.

        Args:
            hidden: What the mixture reads, shape (n_tokens, d_model).

        Returns:
            Logits, and the weight of each expert, zero where the token does not go; both (n_tokens,
            n_experts).
        """
        logits, weights, numbers = self.router(hidden)
        return logits, torch.zeros_like(logits).scatter(1, numbers, weights.to(logits.dtype))

    def probabilities(self, hidden: Tensor) -> Tensor:
        """What the router's logits say: how probable each expert is, shape (n_tokens, n_experts)."""
        return as_probabilities(self.routed(hidden)[0], self.routing)

    def activations(self, given: Tensor) -> Tensor:
        """From what the mixture reads, (..., d_model), to (..., n_neurons)."""
        hidden = given.reshape(-1, given.shape[-1])
        parts = [self.experts.activations(hidden, self.routed(hidden)[1]).flatten(1)]
        if self.shared is not None:
            parts.append(self._of_shared(hidden))
        return torch.cat(parts, dim=1).reshape(*given.shape[:-1], -1)

    def _of_shared(self, hidden: Tensor) -> Tensor:
        seen: list[Tensor] = []
        hook = self.shared_down.register_forward_pre_hook(
            lambda _module, arguments: seen.append(arguments[0])
        )
        try:
            self.shared(hidden)
        finally:
            hook.remove()
        return seen[0] if self.shared_gate is None else seen[0] * torch.sigmoid(self.shared_gate(hidden))

    def biases(self, hidden: Tensor) -> Tensor:
        """What the mixture adds beside its neurons, shape (n_tokens, d_model)."""
        total = torch.zeros_like(hidden)
        if self.experts.flag("has_bias"):
            bias = self.experts.module.down_proj_bias
            total = total + self.routed(hidden)[1].to(bias.dtype) @ bias
        if self.shared is not None and self.shared_down.bias is not None:
            gate = 1.0 if self.shared_gate is None else torch.sigmoid(self.shared_gate(hidden))
            total = total + gate * self.shared_down.bias
        return total

    @contextmanager
    def without(self, neurons: NDArray[np.int64]) -> Iterator[None]:
        """Within it some neurons write nothing, whatever their activations: their weights are zero.

        This is the intervention that no account of activations stands behind; weights are put back as they
        were.
        """
        routed = self.experts.down.transpose(1, 2)
        n_routed = routed.shape[0] * routed.shape[1]
        inside = neurons < n_routed
        vectors: list[tuple[Tensor, Any]] = [(routed, np.divmod(neurons[inside], routed.shape[1]))]
        if self.shared is not None:
            vectors.append((by_input(self.shared_down), neurons[~inside] - n_routed))
        kept = [weight[places].clone() for weight, places in vectors]
        with torch.no_grad():
            for weight, places in vectors:
                weight[places] = 0
        try:
            yield
        finally:
            with torch.no_grad():
                for (weight, places), values in zip(vectors, kept, strict=True):
                    weight[places] = values


def as_probabilities(logits: Tensor, routing: Routing) -> Tensor:
    """Softmax of a router's logits, or their sigmoid divided by its sum; shape (n_tokens, n_experts)."""
    if routing == "softmax":
        return torch.softmax(logits, dim=-1)
    affinity = torch.sigmoid(logits)
    return affinity / affinity.sum(dim=-1, keepdim=True)
