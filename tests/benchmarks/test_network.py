"""What the benchmark of networks compares is the same; how much faster it is, `make bench-network` says."""

from __future__ import annotations

import pytest

from tests.benchmarks.network import measure


@pytest.mark.slow
def test_all_units_change_as_a_trace_each_says() -> None:
    figures = measure(n_rows=500, n_units=2000, traces=8)
    assert figures["difference"] < 1e-5
