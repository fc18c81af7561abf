"""The benchmark of networks measures what it says, on a network a tenth as large."""

from __future__ import annotations

import pytest

from tests.benchmarks.network import measure


@pytest.mark.slow
def test_all_units_change_as_a_trace_each_says() -> None:
    found = measure(n_rows=500, n_units=2000, traces=8)
    assert found["difference"] < 1e-5
    assert found["times"] > 0  # how often as fast: for `make bench-network` to say, not for a test
