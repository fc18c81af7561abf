"""The benchmark of networks measures what it says, on a network a tenth as large."""

from __future__ import annotations

import pytest

from tests.benchmarks.network import measure


@pytest.mark.slow
def test_all_units_are_faster_than_a_trace_each() -> None:
    found = measure(n_rows=500, n_units=2000, traces=8)
    assert found["difference"] < 1e-5
    assert found["times"] > 10  # 20 and more at full size, where less of it is overhead
