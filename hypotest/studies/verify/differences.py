"""Where stored results and recomputed ones differ by more than `tolerances` allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from hypotest.studies.verify.record import Difference
from hypotest.studies.verify.sentences import same_sentence
from hypotest.studies.verify.tolerances import EXACT, Slack, Tolerance, draws_by_null, jumped_draws

_PROBABILITIES = (
    "p_value", "p_error", "p_adjusted", "p_equivalence", "p_equivalence_adjusted", "p_beyond",
    "p_beyond_adjusted", "p_values", "p_by_loss",
)  # fmt: skip
_IN_SDS = ("z", "standardized")
_PARTITION = "communities"
"""Of the group: where numbers may differ, partitions that are as good as equal may change places."""
_SHOWN = 48
_LABELS = ("id", "hypothesis", "null", "covariate", "condition")


def differences(
    stored: Any, fresh: Any, where: str, tolerance: Tolerance = EXACT, slack: Slack | None = None
) -> Iterator[Difference]:
    """Every leaf in which two trees of plain data differ.

    Args:
        stored: Dicts, lists, numbers, words and None.
        fresh: The same.
        where: Path of both.
        tolerance: Of numbers.
        slack: Of the prediction that the numbers belong to.
    """
    if isinstance(stored, Mapping) and isinstance(fresh, Mapping):
        for key in [*stored, *(key for key in fresh if key not in stored)]:
            place = f"{where}.{key}" if where else str(key)
            if key == _PARTITION and tolerance.relative:
                yield from differences(_members(stored.get(key)), _members(fresh.get(key)), place)
                continue
            yield from differences(stored.get(key, _ABSENT), fresh.get(key, _ABSENT), place, tolerance, slack)
    elif isinstance(stored, list) and isinstance(fresh, list):
        if len(stored) != len(fresh):
            yield Difference(where, f"{len(stored)} entries", f"{len(fresh)} entries")
            return
        slack = _of_list(stored, slack or Slack())
        for number, (one, two) in enumerate(zip(stored, fresh, strict=True)):
            yield from differences(one, two, f"{where}[{_label(one, two, number)}]", tolerance, slack)
    elif not _alike(stored, fresh, _key(where), tolerance, slack or Slack()):
        yield Difference(where, *_shown(stored, fresh))


def _members(communities: Any) -> list[Any]:
    """All neurons of a partition, whichever community they are in."""
    return sorted(neuron for neurons in communities or () for neuron in neurons)


def _key(where: str) -> str:
    """The last key of a path, without the place in a list."""
    return where.rpartition(".")[2].partition("[")[0]


def null_differences(
    stored: pl.DataFrame, fresh: pl.DataFrame, tolerance: Tolerance = EXACT
) -> Iterator[Difference]:
    """Every draw in which two tables of null draws differ by more than they may.

    Where no more draws than the tolerance allows differ, none is named.

    Args:
        stored: Columns prediction, null, draw, value.
        fresh: The same.
        tolerance: Of the draws.
    """
    one, two = draws_by_null(stored), draws_by_null(fresh)
    for key in [*one, *(key for key in two if key not in one)]:
        where = f"{key[0]}, {key[1]}"
        if key not in one or key not in two:
            yield Difference(where, *("no draws" if key not in of else "draws" for of in (one, two)))
            continue
        (numbers, values), (same_numbers, same_values) = one[key], two[key]
        if not np.array_equal(numbers, same_numbers):
            yield Difference(where, f"{len(numbers)} draws", f"{len(same_numbers)} draws, or in other order")
            continue
        jumped = jumped_draws(values, same_values, tolerance)
        if jumped.sum() > tolerance.jumps(len(values)):
            for place in np.flatnonzero(jumped):
                pair = _shown(_plain(values[place]), _plain(same_values[place]))
                yield Difference(f"{where}, draw {numbers[place]}", *pair)


_ABSENT = object()


def _of_list(values: list[Any], slack: Slack) -> Slack:
    """Of numbers in a row, such as a curve, the largest gives the size of all."""
    floats = [abs(value) for value in values if isinstance(value, float)]
    return replace(slack, scale=max([slack.scale, *floats])) if floats else slack


def _alike(stored: Any, fresh: Any, key: str, tolerance: Tolerance, slack: Slack) -> bool:
    words = isinstance(stored, str) and isinstance(fresh, str)
    if words and tolerance.relative:
        return same_sentence(
            stored, fresh, tolerance.relative, slack.probability + _moved(slack, tolerance), tolerance.counts
        )
    floats = all(isinstance(value, float | int) and not isinstance(value, bool) for value in (stored, fresh))
    if not (floats and tolerance.relative) or (isinstance(stored, int) and isinstance(fresh, int)):
        return bool(type(stored) is type(fresh) or floats) and bool(stored == fresh)
    distance = abs(stored - fresh)
    if key in _PROBABILITIES:
        return bool(distance <= tolerance.relative + slack.probability)
    if key == "percentile":
        return bool(distance <= 100 * (tolerance.relative + slack.probability))
    if key == "equivalence_ceiling":
        return bool(distance <= tolerance.relative + slack.ceiling)
    largest = max(abs(stored), abs(fresh))
    if key == "smallest_effect":
        return bool(distance <= tolerance.relative * slack.scale + slack.farthest + slack.shift)
    if key in _IN_SDS:
        allowed = tolerance.relative * max(1.0, largest) + _moved(slack, tolerance) / slack.sd
        return bool(distance <= allowed)
    return bool(distance <= tolerance.relative * largest + _moved(slack, tolerance))


def _moved(slack: Slack, tolerance: Tolerance) -> float:
    return tolerance.relative * slack.scale + slack.shift


def _label(stored: Any, fresh: Any, number: int) -> str:
    if isinstance(stored, Mapping) and isinstance(fresh, Mapping):
        for name in _LABELS:
            if name in stored and stored[name] == fresh.get(name):
                return str(stored[name])
        if "head" in stored and "layer" in stored:
            return f"L{stored['layer']}H{stored['head']}"
    return str(number)


def _plain(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _shown(stored: Any, fresh: Any) -> tuple[str, str]:
    """Both as text, of long ones the piece around the first difference."""
    one, two = (_text(value) for value in (stored, fresh))
    start = next((place for place, pair in enumerate(zip(one, two, strict=False)) if len(set(pair)) > 1), 0)
    start = max(0, start - _SHOWN // 2) if max(len(one), len(two)) > _SHOWN else 0
    return _cut(one, start), _cut(two, start)


def _cut(text: str, start: int) -> str:
    return (
        f"{'...' if start else ''}{text[start : start + _SHOWN]}{'...' if len(text) > start + _SHOWN else ''}"
    )


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    if value is None:
        return "null"
    return value if isinstance(value, str) else repr(value)
