"""All units of a network of 10,000, at 2,000 rows, against one nnsight trace for each: `make bench-network`.

Both in one process and one run, in seconds of one processor: the time of all units is measured, that of a
trace is the mean of a few (all of them would take half an hour). The network has a hidden layer behind its
units, and an activation function that is no module in between, so that nothing of it is a special case.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from torch import nn

import hypotest
from hypotest.collect.network.ablation import ablation_arrays, route_of

ROWS, UNITS = 2000, 10_000
TRACES = 8


class Hidden(nn.Module):
    def __init__(self, n_units: int) -> None:
        super().__init__()
        self.units, self.hidden = nn.Linear(20, n_units), nn.Linear(n_units, 32)
        self.out = nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.hidden(torch.relu(self.units(x)))))


def per_row(output: torch.Tensor, rows: dict[str, torch.Tensor]) -> torch.Tensor:
    """An outcome of one's own, which is called for every unit."""
    return nn.functional.cross_entropy(output, rows["target"], reduction="none")


def measure(n_rows: int = ROWS, n_units: int = UNITS, traces: int = TRACES) -> dict[str, float]:
    """Seconds for all units and of a trace, how many times faster all are, and the largest difference."""
    torch.manual_seed(0)
    x, rows = torch.randn(n_rows, 20), {"target": torch.randint(0, 8, (n_rows,))}
    network = hypotest.Network(Hidden(n_units).eval(), units="units", rows=rows, inputs=x, outcome=per_row)
    every = np.arange(n_rows)
    started = time.process_time()
    arrays = ablation_arrays(route_of(network), network, every, np.zeros(n_units), memory=4.0)
    fast = time.process_time() - started
    units = network.envoy("units")
    largest = 0.0
    started = time.process_time()
    for unit in range(traces):
        with torch.inference_mode(), network.traced.trace(x):
            changed = units.output.clone()
            changed[:, unit] = 0
            units.output = changed
            output = network.traced.output.save()
        loss = per_row(output, rows)
        wanted = loss.numpy() - arrays["loss"]
        largest = max(largest, float(np.abs(arrays["delta_loss"][:, unit] - wanted).max()))
    one = (time.process_time() - started) / traces
    return {"seconds": fast, "trace": one, "times": one * n_units / fast, "difference": largest}


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = measure()
    print(
        f"{UNITS:,} units at {ROWS:,} rows: {result['seconds']:.1f} s; a trace for each would take "
        f"{result['trace'] * UNITS:.0f} s ({1000 * result['trace']:.0f} ms each): {result['times']:.0f} "
        f"times as long. Largest difference {result['difference']:.1e}."
    )
    sys.exit(result["times"] < 20)
