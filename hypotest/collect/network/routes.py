"""From ablated units to outcomes: the ways on which a network can be run from its tested module on.

Behind the units often lies a linear map that reads them one by one (after an activation function, perhaps).
Where a proof on a few rows shows that they reach the outcome through such maps alone, ablating unit i adds
(x_i' - x_i) w_i to their outputs, and only what lies behind them runs again. Units of a recurrent module are
held at every step, and the recurrence runs again with them. Elsewhere all that follows the module does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hypotest.collect.network.traces import tiled, trace
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.trees import leaves, mapped

Rows = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """Some rows without ablation."""

    rows: Rows
    loss: Tensor
    """Shape (n_rows,)."""
    activations: Tensor
    """Shape (n_rows, n_units)."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Path -> what modules gave that need not run again."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Path -> what modules were given."""
    whole: Any = None
    """What the tested module gave."""


class Route(Protocol):
    """A way from ablated units to outcomes."""

    reason: str
    """For reports: why this one."""
    numbers: float
    """That a row of a variant needs: what memory follows."""

    def base(self, rows: Rows) -> Base:
        """Run some rows without ablation, and keep what the variants need."""

    def outcomes(self, base: Base, members: Tensor, after: Tensor) -> Tensor:
        """Outcome of each variant at each row, shape (n_variants, n_rows).

        Args:
            base: From `base`.
            members: Units that are ablated together, shape (n_variants, n_members).
            after: What units are set to, shape (n_units,) or (n_rows, n_units).
        """


def of_members(after: Tensor, members: Tensor, n_rows: int) -> Tensor:
    """What the units of each variant are set to, shape (n_variants, n_rows, n_members)."""
    if after.ndim == 1:
        return after[members][:, None, :].expand(-1, n_rows, -1)
    return after[:, members].movedim(0, 1)


class Whole:
    """The whole module from the tested one on, for units of any kind."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.before = network.anatomy.before(network.units.module)
        self.reason = f"the module runs again from {network.units.module} on"
        begun = network.anatomy.begun[network.units.module]
        ended = network.anatomy.ended
        self.numbers = sum(
            count
            for path, count in network.anatomy.numbers.items()
            if ended[path] > begun or path in self.before
        )

    def base(self, rows: Rows) -> Base:
        """As in `Route`."""
        network = self.network
        read = trace(network, network.inputs.of(rows), outputs=self.before, units=True)
        loss = network.outcome(read.output, rows, 1, network.anatomy.output_axes)[0]
        return Base(rows, loss, network.layout.activations(read.units), read.outputs)

    def outcomes(self, base: Base, members: Tensor, after: Tensor) -> Tensor:
        """As in `Route`."""
        network, n = self.network, len(members)
        values = of_members(after, members, base.rows.size)

        def change(tensor: Tensor, call: int) -> Tensor:
            if network.layout.call not in (None, call):
                return tensor
            return network.layout.ablated(tensor, members, values, base.rows.size)

        skip = {path: tiled(network, path, kept, n) for path, kept in base.kept.items()}
        read = trace(network, network.inputs.of(base.rows, n), skip=skip, change=change)
        return network.outcome(read.output, base.rows, n, network.anatomy.output_axes)


class Stepped:
    """A recurrent module, run step by step with some of its units held."""

    def __init__(self, network: Network) -> None:
        self.network = network
        path = network.units.module
        assert isinstance(network.tested, nn.RNNBase)  # or its units would not be held at every step
        self.module = network.tested
        self.before = network.anatomy.before(path)
        self.reason = f"the recurrence of {path} runs again, with the unit held at every step"
        if network.layout.step is not None:
            self.reason = f"the recurrence of {path} runs on from the step at which the unit is set"
        begun, ended = network.anatomy.begun[path], network.anatomy.ended
        self.numbers = 4 * sum(
            count
            for item, count in network.anatomy.numbers.items()
            if ended[item] > begun or item in self.before
        )

    def base(self, rows: Rows) -> Base:
        """As in `Route`."""
        network, path = self.network, self.network.units.module
        read = trace(
            network,
            network.inputs.of(rows),
            outputs=[*self.before, path],
            arguments=[path],
            units=True,
        )
        loss = network.outcome(read.output, rows, 1, network.anatomy.output_axes)[0]
        kept = {item: value for item, value in read.outputs.items() if item != path}
        return Base(
            rows,
            loss,
            network.layout.activations(read.units),
            kept,
            {path: read.inputs[path]},
            read.outputs[path],
        )

    def outcomes(self, base: Base, members: Tensor, after: Tensor) -> Tensor:
        """As in `Route`."""
        network, n, path = self.network, len(members), self.network.units.module
        moved = self._recurred(base, members, of_members(after, members, base.rows.size))
        skip = {item: tiled(network, item, kept, n) for item, kept in base.kept.items()}
        skip[path] = moved
        read = trace(network, network.inputs.of(base.rows, n), skip=skip)
        return network.outcome(read.output, base.rows, n, network.anatomy.output_axes)

    def _recurred(self, base: Base, members: Tensor, values: Tensor) -> Any:
        """What the recurrent module gives for every variant."""
        args, kwargs = base.arguments[self.network.units.module]
        given = dict(zip(("input", "hx"), args, strict=False)) | kwargs
        n, n_rows = len(members), base.rows.size
        time = 1 if self.module.batch_first else 0
        sequence = given["input"].repeat([n if axis == 1 - time else 1 for axis in range(3)])
        state = given.get("hx")
        if state is not None:  # (layers, rows, hidden), whatever batch_first says
            state = mapped(state, lambda item: item.repeat(1, n, 1))
        where = torch.arange(n, device=sequence.device)[:, None].expand(members.shape)
        values = values.movedim(1, 2).to(sequence.dtype)  # (n, members, rows)
        outputs = []
        for step in range(sequence.shape[time]):
            output, state = self.module(sequence.narrow(time, step, 1), state)
            if self.network.layout.step in (None, step):
                for own in (output.select(time, 0), next(leaves(state))[-1]):  # of an LSTM h, before c
                    own.view(n, n_rows, -1).movedim(2, 1)[where, members] = values
            outputs.append(output)
        return torch.cat(outputs, dim=time), state
