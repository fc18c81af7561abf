"""Every unit of a network lesioned alone, by plain hooks over all rows: the truth where nobody planted it.

This is not the code that collects evidence: one forward pass of the whole module for each unit, nothing
shared, nothing batched. What a lesion does to a task is the mean size of the change of its loss over its
rows. (Not the mean change: where a unit helps some rows and hurts others, noise is left, and one function
under two names reads 0.27 apart; by sizes 0.05.) How far both tasks are apart is the total variation distance
of their profiles over units,

    1/2 sum over units |a_i / sum a - b_i / sum b|,

0 if each unit weighs as much for one as for the other, 1 if none serves both. It knows no group, no threshold
and no null; how much of a loss there is to change drops out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hypotest.subjects.controls.control import Trained
from hypotest.subjects.network.network import Network

FloatArray = NDArray[np.float64]
APART, TOGETHER = 0.75, 0.25
"""Distances from which tasks count as apart, and up to which as together: the outer quarters."""


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What each lesion does to each of the two tasks."""

    one: FloatArray
    """Mean size of the change of its loss, shape (n_lesions,)."""
    two: FloatArray

    @property
    def distance(self) -> float | None:
        """Total variation distance of both profiles; None where no lesion changes a task.

        Examples:
            Shares 3/4, 1/4, 0 and 0, 1/2, 1/2: half of 3/4 + 1/4 + 1/2.

            >>> Changes(np.array([3.0, 1, 0]), np.array([0.0, 2, 2])).distance
            0.75
        """
        sums = [float(item.sum()) for item in (self.one, self.two)]
        if not min(sums) > 0:
            return None
        return float(np.abs(self.one / sums[0] - self.two / sums[1]).sum() / 2)


def single_changes(trained: Trained) -> Changes:
    """Of each unit alone, over all rows."""
    network = trained.network
    rows = np.arange(network.rows.n)
    return _by_side(trained, rows, _singles(trained, rows))


def interactions(trained: Trained, n_rows: int) -> Changes:
    """Of every two units together: what both lesions do beyond the sum of each alone.

    Between two blocks there is none: each lesion does to its own task what it does alone.

    Args:
        trained: The network.
        n_rows: Rows, the first ones: fewer than all, since there are thousands of pairs.
    """
    rows = np.arange(min(n_rows, trained.network.rows.n))
    after, singles = _after(trained), _singles(trained, rows)
    pairs = np.array(
        [
            lesion(trained.network, rows, (one, two), after) - singles[one] - singles[two]
            for one, two in combinations(range(len(singles)), 2)
        ]
    )
    return _by_side(trained, rows, pairs)


def _singles(trained: Trained, rows: NDArray[np.int64]) -> FloatArray:
    """Change of each row's loss by each unit's lesion, shape (n_units, n_rows)."""
    after = _after(trained)
    every = range(trained.network.n_neurons)
    return np.array([lesion(trained.network, rows, (unit,), after) for unit in every])


def _after(trained: Trained) -> Tensor | None:
    """What units are set to; None: zero."""
    network = trained.network
    return unit_means(network, np.arange(network.rows.n)) if trained.control.replacement == "mean" else None


def _by_side(trained: Trained, rows: NDArray[np.int64], change: FloatArray) -> Changes:
    column, *values = trained.control.sides
    side = trained.network.rows.frame[column].to_numpy()[rows]
    one, two = (np.abs(change[:, side == value]).mean(axis=1) for value in values)
    return Changes(one, two)


def lesion(
    network: Network, rows: NDArray[np.int64], units: Sequence[int], after: Tensor | None = None
) -> FloatArray:
    """Change of each row's loss with some units held at a number.

    Args:
        network: The network.
        rows: Their numbers.
        units: Which ones.
        after: What each unit of the layer is set to, shape (n_units,); zero if not given.

    Returns:
        Shape (n_rows,).
    """
    chosen = list(units)
    held = torch.zeros(len(chosen)) if after is None else after[chosen]

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        tensor = network.part(output)
        changed = tensor.clone()
        changed.movedim(network.layout.unit_axis, -1)[..., chosen] = held.to(tensor)
        return changed if isinstance(output, Tensor) else (changed, *output[1:])

    loss = _loss(network, rows, hook) - _loss(network, rows, None)
    return loss.double().numpy()


def unit_means(network: Network, rows: NDArray[np.int64]) -> Tensor:
    """Mean activation of each unit over rows and places."""
    outputs: list[Tensor] = []

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        outputs.append(network.part(output))

    _loss(network, rows, hook)
    return network.layout.activations(outputs).mean(dim=0)


def _loss(network: Network, rows: NDArray[np.int64], hook: Callable[..., Any] | None) -> Tensor:
    args, kwargs = network.inputs.of(rows)
    handle = None if hook is None else network.tested.register_forward_hook(hook)
    try:
        with torch.no_grad():
            output = network.module(*args, **kwargs)
    finally:
        if handle is not None:
            handle.remove()
    return network.outcome(output, rows)[0].cpu()
