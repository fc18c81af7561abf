"""The simulations behind the choice of intervals: they run, go on where they stopped, and sum up rightly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.benchmarks.crossed import all_settings, row, simulated
from tests.benchmarks.crossed_measures import Setting, mean

SMALL = {"n": 160, "documents": 40, "types": (60, 60), "cap": 8}
ONE_OF_EACH = {setting.measure: setting for setting in reversed(all_settings())}


def test_names_are_files_of_their_own() -> None:
    names = [setting.name.replace(" ", "_") for setting in all_settings()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("setting", ONE_OF_EACH.values(), ids=lambda setting: setting.measure.__name__)
def test_each_measure_is_simulated(setting: Setting) -> None:
    more = {**setting.more, **({"k": 6} if "k" in setting.more else {})}
    small = replace(setting, **SMALL, more=more)
    numbers, again = (setting.measure(small, np.random.default_rng(3)) for _ in range(2))
    assert numbers == again
    assert all(np.isfinite(value) for value in numbers.values())
    assert min(numbers["documents"], numbers["types"]) > 0
    assert max(numbers["documents"], numbers["types"]) < 4 * min(numbers["documents"], numbers["types"])
    assert numbers["error"] ** 2 < 100 * (numbers["documents"] + numbers["types"])


def test_simulations_go_on_where_they_stopped(tmp_path: Path) -> None:
    setting = Setting("means of before", mean, **SMALL)
    some = simulated(setting, 2, tmp_path)
    assert simulated(setting, 4, tmp_path)[:2] == some
    (file,) = tmp_path.iterdir()
    assert len(file.read_text().splitlines()) == 4


def test_the_row_by_hand() -> None:
    # Errors of SD 1, documents with the right variance and types with none: z = 1.645 and 1.96.
    errors = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    simulations = [
        {
            "error": float(error),
            "truth": 0.0,
            "bias": 0.0,
            "documents": 1.0,
            "types": 0.0,
            "cells": 0.0,
            "freedom": 1e9,
            "document_freedom": 1e9,
            "effective_documents": 30.0,
            "effective_types": 20.0,
        }
        for error in errors
    ]
    written = row(Setting("by hand", mean), simulations)
    assert written.startswith("| by hand | 1000 | 30 | 20 | 0.000 | ")
    assert written.count("1.00 / 0.900 / 0.900 / 0.050") == 3
