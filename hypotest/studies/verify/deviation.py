"""How far apart two trees of plain data are, where they agree: the number that a verification prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from hypotest.studies.verify.tolerances import draws_by_null


def largest_deviation(stored: Any, fresh: Any, scale: float = 0.0) -> float:
    """The largest relative difference of two numbers in the same place; 0 where all is equal.

    A difference is relative to the larger of the two numbers, to the largest of the list in which they stand,
    or to ``scale``, whichever is largest: 1e-17 against 2e-17 is no difference of 100 % where the numbers
    around them are of size 1. Words, and what only one tree has, do not count.

    Args:
        stored: Dicts, lists, numbers, words and None.
        fresh: The same.
        scale: The size of the numbers concerned.

    Examples:
        >>> largest_deviation({"a": 2.0, "b": [0.0, 4.0]}, {"a": 2.5, "b": [1.0, 4.0]})
        0.25
    """
    if isinstance(stored, Mapping) and isinstance(fresh, Mapping):
        pairs = [(stored[key], fresh[key]) for key in stored if key in fresh]
    elif isinstance(stored, list) and isinstance(fresh, list):
        numbers = [abs(value) for value in (*stored, *fresh) if _is_number(value)]
        scale = max([scale, *numbers])
        pairs = list(zip(stored, fresh, strict=False))
    elif _is_number(stored) and _is_number(fresh):
        size = max(abs(stored), abs(fresh), scale)
        return abs(stored - fresh) / size if size > 0 else 0.0
    else:
        return 0.0
    return max((largest_deviation(one, two, scale) for one, two in pairs), default=0.0)


def largest_draw_deviation(stored: pl.DataFrame, fresh: pl.DataFrame) -> float:
    """The same over null draws, each relative to the largest of its null."""
    one, two = draws_by_null(stored), draws_by_null(fresh)
    largest = 0.0
    for key, (_, values) in one.items():
        again = two[key][1] if key in two else values
        if len(again) != len(values) or not np.isfinite(values).any():
            continue
        distance, size = np.abs(values - again), float(np.nanmax(np.abs(values)))
        if size > 0 and np.isfinite(distance).any():
            largest = max(largest, float(np.nanmax(distance)) / size)
    return largest


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
