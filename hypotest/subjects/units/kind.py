"""What all kinds of units have in common.

A unit is one or several *coordinates*, numbers by which it is read, each with a vector that it adds to the
output of a module, its *site*, in proportion: an ablation that sets coordinates a to a' moves the site's
output by (a' - a) W. A neuron is one coordinate with its column of the down-projection; an attention head is
a slice of the input of the attention output projection with the weights that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hypotest.records.evidence.channels import UNITS_LACK, Channel
from hypotest.records.evidence.partition import Partition
from hypotest.subjects.anatomy.anatomy import Anatomy
from hypotest.subjects.anatomy.neurons import Neurons
from hypotest.subjects.anatomy.passes import hidden_of, with_hidden

Side = Literal["input", "output"]
Site = Literal["mlp", "attention", "block"]
"""The module of the tested block whose output units add to."""


def skipped(anatomy: Anatomy, site: Site) -> tuple[str, ...]:
    """Modules of the block that need not run again, in the order in which they run; the last is the site."""
    if site == "block":
        return ("block",)
    return (*anatomy.attends, *(("mlp",) if site == "mlp" else ()))


class Host(Protocol):
    """The network, as far as units need to know it; see `hypotest.subjects.language_model.LanguageModel`."""

    @property
    def name(self) -> str:
        """As the protocol names it."""

    @property
    def anatomy(self) -> Anatomy:
        """Where its modules are."""

    @property
    def layer(self) -> int:
        """The tested block."""

    @property
    def n_layers(self) -> int:
        """Blocks."""

    @property
    def n_heads(self) -> int:
        """Attention heads per block."""

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""

    @property
    def tested(self) -> Neurons:
        """Neurons of the tested block."""

    @property
    def routed(self) -> Any:
        """They, where units are theirs and the probabilities of experts are known; else None."""

    def module(self, module: str, layer: int | None = None) -> Any:
        """A module of the anatomy."""

    def envoy(self, module: str, layer: int | None = None) -> Any:
        """Nnsight's handle on it."""


@dataclass(frozen=True)
class Kind:
    """A kind of units; what is not said otherwise holds where a unit is one coordinate."""

    name: str
    """As a protocol says it."""
    site: Site
    read: str
    """Module of the anatomy where units are read, in the tested block."""
    side: Side
    """Which side of it."""

    def channels(self, host: Host) -> frozenset[Channel]:
        """What can be collected for measures."""
        absent = {Channel.COORDINATES, *UNITS_LACK.get(self.name, ())}
        absent |= set() if self.partition(host) is not None else {Channel.PARTITION}
        absent |= set() if host.routed is not None else {Channel.ROUTER}
        absent |= {Channel.ATTENTION} if host.anatomy.head else set()  # whose keys lie on both sides
        return frozenset(Channel) - absent

    @property
    def is_of_neurons(self) -> bool:
        """Whether it is read from what the neurons of the block are read from."""
        return False

    def partition(self, host: Host) -> Partition | None:
        """A division of the units that the architecture declares."""
        return None

    def vectors(self, host: Host) -> Tensor:
        """What each coordinate adds to the site's output per unit, shape (n_coordinates, d_model)."""
        raise NotImplementedError

    def input_vectors(self, host: Host) -> Tensor:
        """Weights by which each unit is read in, shape (n_units, d_model); of kinds with the channel."""
        raise NotImplementedError

    def width(self, host: Host) -> int:
        """Coordinates of a unit."""
        return 1

    def n_units(self, host: Host) -> int:
        """Units of the tested block."""
        return int(self.vectors(host).shape[0]) // self.width(host)

    def looking(self, host: Host) -> tuple[int, ...]:
        """Blocks whose attention reaches the units, or is theirs; two at most, in order."""
        raise NotImplementedError

    def reader(self, host: Host) -> str:
        """Module of the anatomy where units are read."""
        return self.read

    def seen(self, host: Host) -> Any:
        """What coordinates are read from, (blocks, tokens, ...); asked for within a trace, in its time."""
        envoy = host.envoy(self.reader(host))
        return envoy.input if self.side == "input" else hidden_of(envoy.output)

    def coordinates(self, host: Host, seen: Tensor) -> Tensor:
        """Read coordinates, shape (..., n_coordinates)."""
        return seen

    def activations(self, host: Host, coordinates: Tensor) -> Tensor:
        """How active each unit is, shape (..., n_units)."""
        return coordinates

    def edited(self, seen: Tensor, columns: NDArray[np.int64], after: Tensor) -> Tensor:
        """What is seen with coordinates set to other values, at all tokens.

        Args:
            seen: Shape (blocks, tokens, ...), may be written into.
            columns: Which coordinates, shape (k,).
            after: What they are set to, shape (1 or tokens, k).
        """
        seen[:, :, columns] = after.to(seen)
        return seen

    @contextmanager
    def held(
        self, host: Host, shape: tuple[int, int], columns: NDArray[np.int64], after: Tensor
    ) -> Iterator[Callable[[], None]]:
        """Hold coordinates at other values in a trace of the whole model.

        Args:
            host: The network.
            shape: Blocks and tokens of the trace.
            columns: As for `edited`.
            after: As for `edited`.

        Yields:
            What has to be called within the trace, which has to run within this.
        """
        yield lambda: self._set(host, shape, columns, after)

    def _set(self, host: Host, shape: tuple[int, int], columns: NDArray[np.int64], after: Tensor) -> None:
        envoy = host.envoy(self.reader(host))
        if self.side == "input":
            envoy.input = self._edited_in_place(envoy.input, shape, columns, after)
            return
        output = envoy.output
        changed = self._edited_in_place(hidden_of(output), shape, columns, after)
        envoy.output = with_hidden(output, changed)

    def _edited_in_place(
        self, seen: Tensor, shape: tuple[int, int], columns: NDArray[np.int64], after: Tensor
    ) -> Tensor:
        by_position = seen.clone().view(*shape, -1)  # OPT flattens positions
        return self.edited(by_position, columns, after).reshape(seen.shape)

    def identity_obstacle(self, host: Host) -> str:
        """Why a unit's path to the logits is not linear up to the final norm; empty where it is."""
        raise NotImplementedError

    def identity_reason(self) -> str:
        """Why it is, where there is no obstacle."""
        raise NotImplementedError

    def path(self, host: Host) -> str:
        """Of the module in which units are read."""
        return host.anatomy.at(self.reader(host), host.layer)

    @property
    def settings(self) -> dict[str, Any]:
        """What numbers depend on beside the network; empty for its neurons."""
        return {"kind": self.name}

    @property
    def described(self) -> dict[str, str]:
        """What a report says of it beside its name."""
        return {}


def columns_of(units: NDArray[np.integer], width: int) -> NDArray[np.int64]:
    """Coordinates of some units, one unit after the other.

    Examples:
        >>> columns_of(np.array([0, 2]), 3).tolist()
        [0, 1, 2, 6, 7, 8]
    """
    numbers = np.asarray(units, dtype=np.int64)
    return numbers if width == 1 else (numbers[:, None] * width + np.arange(width)).ravel()
