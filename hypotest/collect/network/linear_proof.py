"""Units that reach the outcome through linear maps alone: found, and proved on a few rows.

A map qualifies if each column of its input follows one unit or none: setting a set of units to other values
changes the columns of these and no others, to what they are with all units set. Sets are the units whose
number has a certain bit, and those whose number has it not, so that every unit is told from every other one,
and a column's pattern of changes spells the number of its unit. Then the outcome with such a set ablated must
be what the maps give alone, whatever lies between the units and them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hypotest.collect.network.linear import Linear, Placeholders, replaced_inputs, units_set
from hypotest.collect.network.routes import Rows
from hypotest.collect.network.traces import trace
from hypotest.errors import SubjectError
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.trees import leaves

_ROWS = 8
"""On which the proof is run."""
_CLOSE = {torch.float64: 1e-8}
"""Relative difference that rounding may cause; in float32 and less that of `_COARSE`."""
_COARSE = 1e-4
_TRIED = (Placeholders(True, True), Placeholders(True, False), Placeholders(False, False))


def linear_route(network: Network) -> Linear | None:
    """Find such maps, and prove them; None where units go other ways."""
    if network.layout.n_calls > 1 or network.layout.step is not None or network.recurrence:
        return None
    rows, anatomy = np.arange(min(_ROWS, network.n_rows)), network.anatomy
    paths = tuple(
        path
        for path, calls in anatomy.calls.items()
        if calls == 1
        and anatomy.axes[path] == (0,)
        and anatomy.begun[path] > anatomy.ended[network.units.module]
        and type(network.module.get_submodule(path)) is nn.Linear
    )
    if not paths:
        return None
    read = trace(network, network.inputs.of(rows), arguments=paths, outputs=paths, units=True)
    after = _others(network.layout.activations(read.units))
    sets = list(_sets(network.n_neurons, after.device))
    maps = _followed(network, rows, after, sets, {path: next(leaves(read.inputs[path])) for path in paths})
    direct = len(maps) == 1 and _is_output(read.output, next(leaves(read.outputs[next(iter(maps))])))
    for hollow in _TRIED if maps else ():
        route = Linear(network, maps, hollow, direct)
        if _holds(route, rows, after, sets[:4]):
            return route
    return None


def _others(activations: Tensor) -> Tensor:
    """Other values for all units, some far above and some far below, so that no threshold hides them."""
    generator = torch.Generator().manual_seed(0)
    far = 1 + torch.rand(activations.shape, generator=generator, dtype=torch.float64).to(activations)
    signs = torch.ones(len(activations), 1, dtype=activations.dtype, device=activations.device)
    signs[1::2] = -1
    return activations + (1 + activations.abs().amax()) * far * signs


def _is_output(output: Any, given: Tensor) -> bool:
    return isinstance(output, Tensor) and output.shape == given.shape and torch.equal(output, given)


def _followed(
    network: Network, rows: Rows, after: Tensor, sets: list[Tensor], base: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Maps that read units one by one, and the column of each unit in them.

    Args:
        network: The network.
        rows: Of the proof.
        after: What units are set to.
        sets: From `_sets`.
        base: Path -> input of each map that may be one.
    """
    paths = tuple(base)
    every = replaced_inputs(network, rows, after, None, paths)
    numbers = {
        path: torch.zeros(base[path].shape[-1], dtype=torch.int64, device=after.device) for path in paths
    }
    changes = {path: _changed(base[path], every[path]) for path in paths}
    left = set(paths)
    for place, chosen in enumerate(sets):
        some = replaced_inputs(network, rows, after, chosen, tuple(sorted(left, key=paths.index)))
        for path in tuple(left):
            own = _changed(base[path], some[path])
            if place % 2 == 0:
                numbers[path] += own.long() << (place // 2)
                follows = own
            else:  # those that did not change with the other half
                follows = changes[path] & ((numbers[path] >> (place // 2)) % 2 == 0)
            wanted = torch.where(follows, every[path], base[path])
            if not (torch.equal(own, follows) and _close(some[path], wanted)):
                left.discard(path)
    by_path = {}
    for path in paths:
        columns = _columns_of(numbers[path], changes[path], network.n_neurons) if path in left else None
        if columns is not None:
            by_path[path] = columns
    return by_path


def _columns_of(numbers: Tensor, changed: Tensor, n_units: int) -> Tensor | None:
    """The column of each unit, -1 for none; None where there is no column, or several of one unit."""
    own = numbers[changed]
    if own.numel() == 0 or torch.unique(own).numel() < own.numel() or int(own.max()) >= n_units:
        return None
    columns = torch.full((n_units,), -1, dtype=torch.int64, device=numbers.device)
    columns[own] = changed.nonzero().flatten()
    return columns


def _changed(one: Tensor, other: Tensor) -> Tensor:
    """Which columns differ anywhere."""
    return (one != other).flatten(0, -2).any(dim=0)


def _close(one: Tensor, other: Tensor) -> bool:
    allowed = _CLOSE.get(one.dtype, _COARSE)
    return torch.allclose(one, other, rtol=allowed, atol=0, equal_nan=True)


def _holds(route: Linear, rows: Rows, after: Tensor, sets: list[Tensor]) -> bool:
    """Whether the maps alone give the outcomes of whole passes in which sets of units are ablated."""
    network = route.network
    base = route.base(rows)
    for chosen in sets:
        members = chosen.nonzero().flatten()[None]
        if members.shape[1] == 0:
            continue
        read = trace(
            network,
            network.inputs.of(rows),
            # mypy infers no type for the default that binds the loop's value
            change=lambda tensor, call, chosen=chosen: units_set(network, tensor, rows.size, after, chosen),  # type: ignore[misc]
        )
        wanted = network.outcome(read.output, rows, 1, network.anatomy.output_axes)
        try:
            outcomes = route.outcomes(base, members, after)
        except (RuntimeError, TypeError, SubjectError):  # something reads what is not there
            return False
        scale = float(wanted.abs().max()) + float((wanted - base.loss).abs().max())
        allowed = _CLOSE.get(wanted.dtype, _COARSE)
        if not torch.allclose(outcomes, wanted, rtol=allowed, atol=allowed * max(scale, 1e-12)):
            return False
    return True


def _sets(n_units: int, device: torch.device) -> Iterator[Tensor]:
    """Sets of units, as masks: those whose number has a bit, and those whose number has it not."""
    numbers = torch.arange(n_units, device=device)
    for bit in range(max(1, (n_units - 1).bit_length())):
        has = (numbers >> bit) % 2 == 1
        yield has
        yield ~has
