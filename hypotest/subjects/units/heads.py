"""Attention heads: slices of the input of the attention output projection.

A head's activation at a position is the length of what it adds to the residual stream there, |z W_h| with z
its slice and W_h the part of the output projection that reads it. An ablated head's slice is set to its mean,
to zero, or to what it was elsewhere, all of it at once; everything behind the attention runs again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hypotest.subjects.anatomy.modules import by_input
from hypotest.subjects.units.kind import Host, Kind, Side, Site


@dataclass(frozen=True)
class Heads(Kind):
    """As many coordinates each as a head is wide."""

    name: str = "heads"
    site: Site = "attention"
    read: str = "attention_projection"
    side: Side = "input"

    def vectors(self, host: Host) -> Tensor:
        """What each input of the attention output projection adds."""
        return by_input(host.module("attention_projection"))

    def width(self, host: Host) -> int:
        """Numbers of a head's slice."""
        return int(self.vectors(host).shape[0]) // host.n_heads

    def looking(self, host: Host) -> tuple[int, ...]:
        """The tested block, whose attention is that of the heads."""
        return (host.layer,)

    def activations(self, host: Host, coordinates: Tensor) -> Tensor:
        """Lengths of the heads' outputs."""
        slices = coordinates.reshape(*coordinates.shape[:-1], host.n_heads, -1)
        weights = self.vectors(host).reshape(host.n_heads, -1, host.d_model).to(coordinates)
        lengths = [
            torch.linalg.vector_norm(slices[..., head, :] @ weight, dim=-1)
            for head, weight in enumerate(weights)
        ]
        return torch.stack(lengths, dim=-1)

    def identity_obstacle(self, host: Host) -> str:
        """A head's output has another direction at every position."""
        return "a head adds another direction to the residual stream at each position"


HEADS = Heads()
