"""Linear maps that read the units one by one: where they are the only way to the outcome, little runs again.

That they are is proved when the route is found (`hypotest.collect.network.linear_proof`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hypotest.collect.network.routes import Base, Rows
from hypotest.collect.network.traces import tiled, trace
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.trees import leaves, mapped


@dataclass(frozen=True, slots=True)
class Placeholders:
    """What stands in the place of numbers that nothing reads: tensors without memory, or the numbers."""

    between: bool
    """Of modules from the tested one on up to the maps."""
    before: bool
    """Of modules that are done before it."""


class Linear:
    """Linear maps that read the units one by one.

    Args:
        network: The network.
        maps: Path of each map -> the column of its input that follows each unit, -1 for none, (n_units,).
        hollow: What need not be there.
        direct: Whether the only map's output is the network's.
    """

    def __init__(
        self, network: Network, maps: Mapping[str, Tensor], hollow: Placeholders, direct: bool
    ) -> None:
        self.network, self.maps, self.hollow, self.direct = network, tuple(maps), hollow, direct
        self._columns = maps
        self._last: tuple[Base, Tensor, dict[str, Tensor]] | None = None
        anatomy = network.anatomy
        first = min(maps, key=anatomy.begun.__getitem__)
        self.before = [] if direct else [path for path in anatomy.before(first) if path not in maps]
        self._weights: dict[str, Tensor] = {
            path: network.module.get_parameter(f"{path}.weight")[:, columns.clamp(min=0)]
            for path, columns in maps.items()
        }
        self.reason = f"the units reach the outcome through the linear {' and '.join(maps)} alone"
        begun = anatomy.begun[first]
        behind = [path for path in anatomy.numbers if anatomy.ended[path] > begun]
        self.numbers = sum(anatomy.numbers[path] for path in behind)
        if not (hollow.between and hollow.before):
            self.numbers += sum(anatomy.numbers[path] for path in self.before)

    def base(self, rows: Rows) -> Base:
        """As in `hypotest.collect.network.routes.Route`."""
        network = self.network
        read = trace(
            network,
            network.inputs.of(rows),
            outputs=[*self.before, *self.maps],
            arguments=self.maps,
            units=True,
        )
        loss = network.outcome(read.output, rows, 1, network.anatomy.output_axes)[0]
        arguments = {path: next(leaves(read.inputs[path])) for path in self.maps}
        return Base(rows, loss, network.layout.activations(read.units), read.outputs, arguments)

    def outcomes(self, base: Base, members: Tensor, after: Tensor) -> Tensor:
        """As in `hypotest.collect.network.routes.Route`."""
        moved = self._moved(base, after)
        outputs = {}
        for path in self.maps:
            weight = self._weights[path][:, members]  # (n_outputs, n_variants, n_members)
            part = moved[path][members]  # (n_variants, n_members, n_rows, places...)
            output = base.kept[path]
            if members.shape[1] == 1:
                added = part[:, 0, ..., None] * weight[:, :, 0].T.reshape(
                    len(members), *[1] * (output.ndim - 1), -1
                )
            else:
                added = torch.einsum("vmr...,ovm->vr...o", part, weight)
            outputs[path] = (output + added).flatten(0, 1)
        return self.behind(base, outputs, len(members))

    def behind(self, base: Base, outputs: dict[str, Tensor], n: int) -> Tensor:
        """Outcomes from the outputs of the maps, of n variants, shape (n, n_rows)."""
        network = self.network
        if self.direct:
            return network.outcome(outputs[self.maps[0]], base.rows, n, network.anatomy.output_axes)
        begun = network.anatomy.begun[network.units.module]
        skip: dict[str, Any] = dict(outputs)
        for path in self.before:
            hollow = self.hollow.before if network.anatomy.begun[path] < begun else self.hollow.between
            skip[path] = (
                _hollow(network, path, base.kept[path], n)
                if hollow
                else tiled(network, path, base.kept[path], n)
            )
        read = trace(network, network.inputs.of(base.rows, n), skip=skip)
        loss = network.outcome(read.output, base.rows, n, network.anatomy.output_axes)
        if loss.is_meta:
            raise RuntimeError("the outcome follows from what is not there")
        return loss

    def _moved(self, base: Base, after: Tensor) -> dict[str, Tensor]:
        """Change of each map's input with all units set to other values, (n_units, n_rows, places...).

        Row i is what the ablation of unit i brings.
        """
        if self._last is None or self._last[0] is not base or self._last[1] is not after:
            network = self.network
            read = replaced_inputs(network, base.rows, after, None, self.maps)
            moved = {}
            for path, columns in self._columns.items():
                change = (read[path] - base.arguments[path]).movedim(-1, 0)[columns.clamp(min=0)]
                change[columns < 0] = 0
                moved[path] = change
            self._last = (base, after, moved)
        return self._last[2]


def replaced_inputs(
    network: Network, rows: Rows, after: Tensor, chosen: Tensor | None, maps: tuple[str, ...]
) -> dict[str, Tensor]:
    """What some modules are given when units are set to other values, all or some of them."""
    read = trace(
        network,
        network.inputs.of(rows),
        change=lambda tensor, call: units_set(network, tensor, rows.size, after, chosen),
        arguments=maps,
    )
    return {path: next(leaves(read.inputs[path])) for path in maps}


def units_set(network: Network, tensor: Tensor, n_rows: int, after: Tensor, chosen: Tensor | None) -> Tensor:
    """The units' tensor with all or some of them set to one number at all places."""
    layout, changed = network.layout, tensor.clone()
    view = changed.movedim((layout.row_axis, layout.unit_axis), (0, changed.ndim - 1))
    values = after.expand(n_rows, -1).to(changed.dtype).reshape(n_rows, *[1] * (view.ndim - 2), -1)
    view[:] = values if chosen is None else torch.where(chosen, values, view)
    return changed


def _hollow(network: Network, path: str, value: Any, n: int) -> Any:
    """Tensors of the shape of n copies, without memory."""
    axes = iter(network.anatomy.axes[path])

    def hollow(tensor: Tensor) -> Tensor:
        axis = next(axes)
        shape = [size * n if place == axis else size for place, size in enumerate(tensor.shape)]
        return torch.empty(shape, dtype=tensor.dtype, device="meta")

    return mapped(value, hollow)
