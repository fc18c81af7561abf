"""Dimensions of the residual stream behind a block."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hypotest.subjects.units.kind import Host, Kind, Side, Site


@dataclass(frozen=True)
class Residual(Kind):
    """One coordinate each: a feature of the vector that the block passes on, in the model's own basis."""

    name: str = "residual"
    site: Site = "block"
    read: str = "block"
    side: Side = "output"
    obstacle: str = ""
    """What lies between the last block and the logits, beside final norm and unembedding."""

    def vectors(self, host: Host) -> Tensor:
        """The basis itself."""
        weight = next(host.module("block").parameters())
        return torch.eye(host.d_model, dtype=weight.dtype, device=weight.device)

    def n_units(self, host: Host) -> int:
        """As many as the stream is wide."""
        return host.d_model

    def looking(self, host: Host) -> tuple[int, ...]:
        """The block and the one before it."""
        return tuple(range(max(0, host.layer - 1), host.layer + 1))

    def identity_obstacle(self, host: Host) -> str:
        """What follows the block."""
        if host.layer != host.n_layers - 1:
            return f"layer {host.layer} is followed by other layers"
        return self.obstacle

    def identity_reason(self) -> str:
        """The stream's path."""
        return "what the last block passes on is what the final norm and the unembedding read"
