"""Neurons of an MLP, or of the experts of a mixture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hypotest.records.evidence.partition import Partition
from hypotest.subjects.anatomy.experts import ExpertNeurons
from hypotest.subjects.anatomy.passes import hidden_of, with_hidden
from hypotest.subjects.units.kind import Host, Kind, Side, Site


@dataclass(frozen=True)
class MlpNeurons(Kind):
    """One coordinate each."""

    name: str = "neurons"
    site: Site = "mlp"
    read: str = "down_projection"
    side: Side = "input"

    @property
    def is_of_neurons(self) -> bool:
        """They are."""
        return True

    def reader(self, host: Host) -> str:
        """The down-projection, or the experts."""
        return host.tested.read

    def partition(self, host: Host) -> Partition | None:
        """The expert of each, in a mixture."""
        return host.tested.partition

    def vectors(self, host: Host) -> Tensor:
        """Columns of the down-projection."""
        return host.tested.output_vectors

    def input_vectors(self, host: Host) -> Tensor:
        """Rows of the up-projection."""
        return host.tested.input_vectors

    def looking(self, host: Host) -> tuple[int, ...]:
        """The last two blocks whose attention can reach the MLP."""
        return host.anatomy.reaching_layers(host.layer)

    def coordinates(self, host: Host, seen: Tensor) -> Tensor:
        """Activations; of an expert times the weight of its routing."""
        return host.tested.activations(seen)

    @contextmanager
    def held(
        self, host: Host, shape: tuple[int, int], columns: NDArray[np.int64], after: Tensor
    ) -> Iterator[Callable[[], None]]:
        """Experts are reached by no edit of what their module reads: they are silent, and it is added."""
        if not isinstance(host.tested, ExpertNeurons):
            with super().held(host, shape, columns, after) as edit:
                yield edit
            return
        added = written_by(self.vectors(host)[columns], after)
        with host.tested.without(columns):
            yield lambda: add_to_mlp(host, added)

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


def written_by(vectors: Tensor, after: Tensor) -> Tensor:
    """Multiples (1 or tokens, k) of vectors (k, d_model), shape (1 or tokens, d_model)."""
    return after.to(vectors) @ vectors


def add_to_mlp(host: Host, added: Tensor) -> None:
    """Add something to the output of the tested block's MLP, within a trace."""
    mlp = host.envoy("mlp")
    mlp.output = with_hidden(mlp.output, hidden_of(mlp.output) + added)


NEURONS = MlpNeurons()
