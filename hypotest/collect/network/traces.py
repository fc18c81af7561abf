"""Passes through nnsight, in which some modules are skipped, read or changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from hypotest.subjects.network.network import Network
from hypotest.subjects.network.trees import mapped, repeated

Change = Callable[[Tensor, int], Tensor]
"""From the units' tensor in a call, and the number of the call, to another one."""


@dataclass(slots=True, eq=False)
class Read:
    """What a pass was asked for."""

    output: Any = None
    """Of the whole module."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """Path -> what the module gave."""
    inputs: dict[str, Any] = field(default_factory=dict)
    """Path -> positional and named arguments of the module."""
    units: list[Tensor] = field(default_factory=list)
    """What the tested module gave, the tensor of its units, in each call."""


def trace(
    network: Network,
    inputs: tuple[tuple[Any, ...], dict[str, Any]],
    *,
    skip: Mapping[str, Any] | None = None,
    change: Change | None = None,
    outputs: Sequence[str] = (),
    arguments: Sequence[str] = (),
    units: bool = False,
) -> Read:
    """Run the network once.

    Args:
        network: With its module wrapped by nnsight.
        inputs: Positional and named arguments.
        skip: Path -> what stands in the place of the module's output, without running it.
        change: What happens to the units.
        outputs: Modules whose outputs are read, as they are before anything changes them in place.
        arguments: Modules whose inputs are read.
        units: Whether the units are read, before they are changed.
    """
    skip, read, traced = skip or {}, Read(), network.traced
    tested = network.units.module
    looked_at = {*skip, *outputs, *arguments, *([tested] if units or change else [])}
    events = [(network.anatomy.begun[path], 0, path) for path in looked_at]
    events += [(network.anatomy.ended[path], 1, path) for path in looked_at if path not in skip]
    args, kwargs = inputs
    with traced.trace(*args, **kwargs) as tracer:
        for _, is_end, path in sorted(events):
            envoy = network.envoy(path)
            if path in skip:
                envoy.skip(skip[path])
            elif not is_end:
                if path in arguments:
                    read.inputs[path] = mapped(envoy.inputs, Tensor.clone)
            else:
                if path == tested and network.layout.n_calls > 1:
                    for number in tracer.iter[: network.layout.n_calls]:
                        _unit(network, envoy, read, change, int(number), units)
                elif path == tested:
                    _unit(network, envoy, read, change, 0, units)
                if path in outputs:
                    read.outputs[path] = mapped(envoy.output, Tensor.clone)
        read.output = traced.output
    return read


def _unit(network: Network, envoy: Any, read: Read, change: Change | None, number: int, units: bool) -> None:
    if not (units or change):
        return
    output = envoy.output
    tensor = network.part(output)
    if units:
        read.units.append(tensor.clone())
    if change:
        envoy.output = replaced(network, output, change(tensor, number))


def replaced(network: Network, output: Any, tensor: Tensor) -> Any:
    """What the tested module gives, with another tensor of units in it."""
    own = network.part(output)
    return mapped(output, lambda item: tensor if item is own else item)


def tiled(network: Network, path: str, value: Any, n: int) -> Any:
    """What a module gave for some rows, for n copies of them, one behind the other."""
    return repeated(value, iter(network.anatomy.axes[path]), n)
