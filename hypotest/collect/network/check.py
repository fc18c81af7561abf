"""Single ablations by nnsight in the whole module, nothing skipped: what all routes must agree with."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.collect.network.routes import Stepped
from hypotest.collect.network.traces import trace
from hypotest.subjects.network.network import Network
from hypotest.subjects.precision import full_precision


def intervene_at(
    network: Network, row: int, units: NDArray[np.int64], values: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Change of the outcome at one row with some units set to other values, and the outcome without.

    Args:
        network: The network.
        row: Its number.
        units: Shape (k,).
        values: What they are set to, shape (k,).

    Returns:
        Each of shape (1,).
    """
    rows = np.array([row])
    with full_precision():
        if network.recurrence:  # which no edit of an output reaches
            route = Stepped(network)
            base = route.base(rows)
            after = base.activations[0].clone()
            after[torch.from_numpy(units)] = torch.from_numpy(values).to(after)
            moved = route.outcomes(base, torch.from_numpy(units)[None], after)[0]
            return _numbers(moved - base.loss), _numbers(base.loss)
        members = torch.from_numpy(units)[None].to(network.device)
        after = torch.from_numpy(np.ascontiguousarray(values)).to(network.device)[None, None]
        inputs = network.inputs.of(rows)
        plain = trace(network, inputs)

        def change(tensor: torch.Tensor, call: int) -> torch.Tensor:
            if network.layout.call not in (None, call):
                return tensor
            return network.layout.ablated(tensor, members, after, 1)

        ablated = trace(network, inputs, change=change)
        loss, moved = (
            network.outcome(read.output, rows, 1, network.anatomy.output_axes)[0] for read in (plain, ablated)
        )
    return _numbers(moved.double() - loss.double()), _numbers(loss)


def _numbers(tensor: torch.Tensor) -> NDArray[np.float64]:
    return np.asarray(tensor.double().cpu().numpy())
