"""Neurons of an MLP: inputs of its down-projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from hypotest.subjects.modules import by_input
from hypotest.subjects.units.kind import Host, Kind, Side, Site


@dataclass(frozen=True)
class Neurons(Kind):
    """One coordinate each."""

    name: str = "neurons"
    site: Site = "mlp"
    read: str = "down_projection"
    side: Side = "input"

    def vectors(self, host: Host) -> Tensor:
        """Columns of the down-projection."""
        return by_input(host.module("down_projection"))

    def input_vectors(self, host: Host) -> Tensor:
        """Rows of the up-projection."""
        return by_input(host.module("up_projection")).T

    def looking(self, host: Host) -> tuple[int, ...]:
        """The last two blocks whose attention can reach the MLP."""
        return host.anatomy.reaching_layers(host.layer)

    def identity_obstacle(self, host: Host) -> str:
        """What follows the MLP."""
        if host.layer != host.n_layers - 1:
            return f"layer {host.layer} is followed by other layers"
        return host.anatomy.identity_obstacle

    def identity_reason(self) -> str:
        """The last MLP's path."""
        return "the last MLP feeds the final norm and the unembedding linearly"

    @property
    def settings(self) -> dict[str, Any]:
        """None: what is tested unless a protocol says otherwise."""
        return {}


NEURONS = Neurons()
