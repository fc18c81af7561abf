"""Where stored results and recomputed ones differ, and by how much they may.

On the same machine with the same versions every value must be equal, to the last bit. Elsewhere sums are
taken in another order, and

- numbers may differ by a stated share of the largest number of their prediction,
- a few null draws by more, since searches (communities, breakpoints, the most influential neurons) jump
  where two candidates are as good as equal,
- p-values by what follows from this and from nothing else: a draw counts in b of p = (b + 1)/(B + 1) or not,
  so that with m draws that jumped or lie as near to the observed value as rounding reaches, a two-sided p can
  change by 2 m/(B + 1), and an adjusted one by that many times more as there are tests.

Outcomes, stances, verdicts, neurons and all other words and counts must be equal everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.records.results import PredictionResult
from hypotest.records.verification import Difference

_PROBABILITIES = (
    "p_value", "p_error", "p_adjusted", "p_equivalence", "p_equivalence_adjusted", "p_beyond",
    "p_beyond_adjusted", "equivalence_ceiling",
)  # fmt: skip
_IN_SDS = ("z", "standardized")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
_SHOWN = 48
_LABELS = ("id", "hypothesis", "null", "covariate", "condition")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far recomputed numbers may lie from stored ones."""

    relative: float
    """Of the largest number concerned; 0 where every value must be equal."""
    draws: float
    """Share of a null's draws that may differ by more."""


EXACT = Tolerance(0.0, 0.0)
OTHER_SOFTWARE = Tolerance(1e-6, 0.001)
"""The same evidence on another machine or with other versions: float32 sums in another order, 2^-24 each."""
OTHER_EVIDENCE = Tolerance(1e-3, 0.05)
"""Evidence collected anew elsewhere: whole forward passes in another order."""


@dataclass(frozen=True, slots=True)
class Slack:
    """What the draws of a prediction's nulls allow its numbers."""

    scale: float = 0.0
    """The largest number of the prediction's kind; relative tolerances refer to it."""
    shift: float = 0.0
    """By how much draws that jumped can move a null's mean or SD."""
    probability: float = 0.0
    sd: float = 1.0
    """The smallest SD of a null, which numbers in SDs are divided by."""


def differences(
    stored: Any, found: Any, where: str, tolerance: Tolerance = EXACT, slack: Slack | None = None
) -> Iterator[Difference]:
    """Every leaf in which two trees of plain data differ.

    Args:
        stored: Dicts, lists, numbers, words and None.
        found: The same.
        where: Path of both.
        tolerance: Of numbers.
        slack: Of the prediction that the numbers belong to.
    """
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        for key in [*stored, *(key for key in found if key not in stored)]:
            place = f"{where}.{key}" if where else str(key)
            yield from differences(stored.get(key, _ABSENT), found.get(key, _ABSENT), place, tolerance, slack)
    elif isinstance(stored, list) and isinstance(found, list):
        if len(stored) != len(found):
            yield Difference(where, f"{len(stored)} entries", f"{len(found)} entries")
            return
        for number, (one, two) in enumerate(zip(stored, found, strict=True)):
            yield from differences(one, two, f"{where}[{_label(one, two, number)}]", tolerance, slack)
    elif not _alike(stored, found, where.rpartition(".")[2], tolerance, slack or Slack()):
        yield Difference(where, *_shown(stored, found))


def null_differences(
    stored: pl.DataFrame, found: pl.DataFrame, tolerance: Tolerance = EXACT
) -> Iterator[Difference]:
    """Every draw in which two tables of null draws differ by more than they may.

    Where no more draws than the tolerance allows differ, none is named.

    Args:
        stored: Columns prediction, null, draw, value.
        found: The same.
        tolerance: Of the draws.
    """
    one, two = _by_null(stored), _by_null(found)
    for key in [*one, *(key for key in two if key not in one)]:
        where = f"{key[0]}, {key[1]}"
        if key not in one or key not in two:
            yield Difference(where, *("no draws" if key not in of else "draws" for of in (one, two)))
            continue
        (numbers, values), (same_numbers, same_values) = one[key], two[key]
        if not np.array_equal(numbers, same_numbers):
            yield Difference(where, f"{len(numbers)} draws", f"{len(same_numbers)} draws, or in other order")
            continue
        jumped = _jumped(values, same_values, tolerance)
        if jumped.sum() > tolerance.draws * len(values):
            for place in np.flatnonzero(jumped):
                pair = _shown(_plain(values[place]), _plain(same_values[place]))
                yield Difference(f"{where}, draw {numbers[place]}", *pair)


def slacks(
    predictions: Sequence[PredictionResult],
    stored: pl.DataFrame,
    found: pl.DataFrame,
    n_tests: int,
    tolerance: Tolerance,
) -> dict[str, Slack]:
    """What each prediction's draws allow its numbers.

    Args:
        predictions: As stored.
        stored: Their null draws.
        found: The same, recomputed.
        n_tests: By which adjusted p-values are multiplied.
        tolerance: Of the draws.
    """
    one, two = _by_null(stored), _by_null(found)
    return {item.id: _slack(item, one, two, n_tests, tolerance) for item in predictions}


_ABSENT = object()
_Draws = tuple[NDArray[np.int64], NDArray[np.float64]]


def _slack(
    item: PredictionResult,
    stored: Mapping[tuple[str, str], _Draws],
    found: Mapping[tuple[str, str], _Draws],
    n_tests: int,
    tolerance: Tolerance,
) -> Slack:
    numbers = [abs(value) for value in (item.observed, item.reference_value) if value is not None]
    shift = probability = 0.0
    sds = [rung.sd for rung in item.ladder if rung.sd > 0]
    for rung in item.ladder:
        key = (item.id, rung.null)
        if key not in stored or key not in found or len(stored[key][1]) != len(found[key][1]):
            continue
        values, again = stored[key][1], found[key][1]
        both = np.concatenate([values, again])
        both = both[np.isfinite(both)]
        if not both.size:
            continue
        scale = max(float(np.abs(both).max()), abs(rung.observed))
        jumped = int(_jumped(values, again, tolerance).sum())
        near = int((np.abs(values - rung.observed) <= 2 * tolerance.relative * scale).sum())
        numbers.append(scale)
        shift = max(shift, jumped / len(values) * float(np.ptp(both)))
        probability = max(probability, 2 * (jumped + near) / (len(values) + 1))
    return Slack(max(numbers), shift, max(1, n_tests) * probability, min(sds, default=1.0))


def _jumped(
    values: NDArray[np.float64], again: NDArray[np.float64], tolerance: Tolerance
) -> NDArray[np.bool_]:
    undefined = np.isnan(values)
    if not tolerance.relative:
        return np.asarray(~((values == again) | (undefined & np.isnan(again))))
    scale = float(np.nanmax(np.abs(values))) if not undefined.all() else 0.0
    near = np.abs(values - again) <= tolerance.relative * scale
    return np.asarray(~(near | (undefined & np.isnan(again))))


def _alike(stored: Any, found: Any, key: str, tolerance: Tolerance, slack: Slack) -> bool:
    words = isinstance(stored, str) and isinstance(found, str)
    if words and tolerance.relative:  # sentences quote numbers, which are compared where they stand alone
        return _NUMBER.sub("#", stored) == _NUMBER.sub("#", found)
    floats = all(isinstance(value, float | int) and not isinstance(value, bool) for value in (stored, found))
    if not (floats and tolerance.relative) or (isinstance(stored, int) and isinstance(found, int)):
        return bool(type(stored) is type(found) or floats) and bool(stored == found)
    distance = abs(stored - found)
    if key in _PROBABILITIES:
        return bool(distance <= tolerance.relative + slack.probability)
    if key == "percentile":
        return bool(distance <= 100 * (tolerance.relative + slack.probability))
    largest = max(abs(stored), abs(found))
    if key in _IN_SDS:
        allowed = tolerance.relative * max(1.0, largest) + _moved(slack, tolerance) / slack.sd
        return bool(distance <= allowed)
    return bool(distance <= tolerance.relative * largest + _moved(slack, tolerance))


def _moved(slack: Slack, tolerance: Tolerance) -> float:
    return tolerance.relative * slack.scale + slack.shift


def _label(stored: Any, found: Any, number: int) -> str:
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        for name in _LABELS:
            if name in stored and stored[name] == found.get(name):
                return str(stored[name])
        if "head" in stored and "layer" in stored:
            return f"L{stored['layer']}H{stored['head']}"
    return str(number)


def _by_null(frame: pl.DataFrame) -> dict[tuple[str, str], _Draws]:
    return {
        (str(prediction), str(null)): (
            part["draw"].to_numpy().astype(np.int64),
            part["value"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        )
        for (prediction, null), part in frame.group_by(["prediction", "null"], maintain_order=True)
    }


def _plain(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _shown(stored: Any, found: Any) -> tuple[str, str]:
    """Both as text, of long ones the piece around the first difference."""
    one, two = (_text(value) for value in (stored, found))
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
