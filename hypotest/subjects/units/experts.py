"""Whole experts of a mixture: all that the router's choice of one brings to a token.

An expert's coordinates are the activations of its neurons, times the weight with which the router sends the
token to it (`subjects.anatomy.experts`), and, where experts have biases, that weight itself, by which the
bias is multiplied. All are zero where the token goes elsewhere. Its activation is the length of what it adds.
An expert that all tokens share is none of them: no router chooses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy.experts import ExpertNeurons
from hypotest.subjects.units.kind import Host, Kind, Side, Site
from hypotest.subjects.units.neurons import NEURONS, add_to_mlp, written_by


@dataclass(frozen=True)
class Experts(Kind):
    """As many coordinates each as an expert has neurons, and one for its bias."""

    name: str = "experts"
    site: Site = "mlp"
    read: str = "experts"
    side: Side = "input"

    @property
    def is_of_neurons(self) -> bool:
        """They are made of them."""
        return True

    def n_units(self, host: Host) -> int:
        """Routed experts."""
        return _mixture(host).n_experts

    def width(self, host: Host) -> int:
        """Neurons of an expert, and its bias."""
        mixture = _mixture(host)
        return int(mixture.experts.down.shape[2]) + (_biases(mixture) is not None)

    def vectors(self, host: Host) -> Tensor:
        """What each neuron adds, and the bias of its expert behind them, expert by expert."""
        mixture = _mixture(host)
        biases, number = _biases(mixture), mixture.n_experts
        written = mixture.output_vectors[: number * int(mixture.experts.down.shape[2])]
        if biases is None:
            return written
        return torch.cat([written.reshape(number, -1, host.d_model), biases[:, None]], dim=1).flatten(0, 1)

    def coordinates(self, host: Host, seen: Tensor) -> Tensor:
        """Activations of the routed experts' neurons, and the weights of their biases."""
        mixture = _mixture(host)
        hidden = seen.reshape(-1, seen.shape[-1])
        weights = mixture.routed(hidden)[1]
        active = mixture.experts.activations(hidden, weights)
        if _biases(mixture) is not None:
            active = torch.cat([active, weights.to(active)[..., None]], dim=-1)
        return active.reshape(*seen.shape[:-1], -1)

    def activations(self, host: Host, coordinates: Tensor) -> Tensor:
        """Lengths of what experts add."""
        number, width = self.n_units(host), self.width(host)
        parts = coordinates.reshape(*coordinates.shape[:-1], number, width)
        written = self.vectors(host).reshape(number, width, -1).to(coordinates)
        lengths = [
            torch.linalg.vector_norm(parts[..., expert, :] @ written[expert], dim=-1)
            for expert in range(number)
        ]
        return torch.stack(lengths, dim=-1)

    def looking(self, host: Host) -> tuple[int, ...]:
        """As of their neurons."""
        return NEURONS.looking(host)

    @contextmanager
    def held(
        self, host: Host, shape: tuple[int, int], columns: NDArray[np.int64], after: Tensor
    ) -> Iterator[Callable[[], None]]:
        """Neurons and biases are silent, and what they are to write is added."""
        mixture = _mixture(host)
        biases, size = _biases(mixture), int(mixture.experts.down.shape[2])
        expert, place = np.divmod(columns, self.width(host))
        added = written_by(self.vectors(host)[columns], after)
        silent = torch.from_numpy(np.unique(expert[place == size]))
        kept = None if biases is None else biases[silent].clone()
        with mixture.without((expert * size + place)[place < size]):
            if biases is not None:
                biases[silent] = 0
            try:
                yield lambda: add_to_mlp(host, added)
            finally:
                if biases is not None and kept is not None:
                    biases[silent] = kept

    def identity_obstacle(self, host: Host) -> str:
        """An expert's output has another direction at every position."""
        return "an expert adds another direction to the residual stream at each position"


def experts_of(host: Host) -> Experts:
    """The experts of the tested block.

    Raises:
        SubjectError: If it has none.
    """
    if not isinstance(host.tested, ExpertNeurons):
        raise SubjectError(
            f"subject.units: block {host.layer} of {host.name} has no experts, but one MLP for all tokens: "
            "write `units: neurons`"
        )
    return Experts()


def _mixture(host: Host) -> ExpertNeurons:
    tested: Any = host.tested
    assert isinstance(tested, ExpertNeurons)  # or `experts_of` would have refused
    return tested


def _biases(mixture: ExpertNeurons) -> Tensor | None:
    """Of the down-projections, shape (n_experts, d_model), the parameter itself; None without any."""
    if not mixture.experts.flag("has_bias"):
        return None
    biases: Tensor = mixture.experts.module.down_proj_bias.data
    return biases
