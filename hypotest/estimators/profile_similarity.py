"""How alike two conditions' influence profiles over units are, with what finite rows allow taken off.

With a and b the mean influences of all units on two conditions, the cosine a.b / (|a| |b|) of finite rows lies
below that of the truth, since noise adds to both lengths and not to the product. Two halves of one condition
show by how much. Here no halves are drawn: every pair of rows that shares neither document nor token type is
one, and the mean over all of them is

    <p, q> = (S_p.S_q - sum over documents - sum over types + sum over cells) / (number of such pairs)

with S the sums of rows, and each sum that of S_p.S_q over the rows of one document, type, or cell of both.
Similarity is <a, b> / sqrt(<a, a> <b, b>): 1 for one profile, 0 for units apart. What documents or types bring
of their own is in none of the three (with halves of documents alone, both halves of a condition share its
types, and two conditions do not).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hypotest.records.evidence.arrays import FloatArray, IntArray

_AT_ONCE = 2048
"""Pairs of a unit and of what is left out, whose sums are held at once."""
_SIDES = ((0, 0), (0, 1), (1, 1))


@dataclass(frozen=True, slots=True, eq=False)
class ProfileSimilarity:
    """With all rows first, then without each group of rows in turn; NaN where nothing is left to compare."""

    similarity: NDArray[np.float64]
    """Shape (1 + n_groups,)."""
    cosine: float
    """Of the mean profiles as they are."""
    ceiling: float
    """What the cosine of one profile would be on so many rows."""


def profile_similarity(
    influence: FloatArray,
    first: NDArray[np.bool_],
    documents: IntArray,
    types: IntArray | None,
    left_out: IntArray | None = None,
    n_left_out: int = 0,
) -> ProfileSimilarity:
    """Similarity of the mean rows of two conditions.

    Args:
        influence: Not negative, shape (n_rows, n_units).
        first: Rows of one condition; the others are of the other, shape (n_rows,).
        documents: Document of each row.
        types: Token type of each; None where rows pair that differ in documents.
        left_out: Group of each row, 0 to n_left_out - 1, left out in turn; others stay. None: nothing is.
        n_left_out: How many groups.

    Raises:
        ValueError: If a condition has no row, or a value is not finite.
    """
    if not first.any() or first.all():
        raise ValueError("both conditions need a row")
    if not np.isfinite(influence).all():
        raise ValueError("influence is not finite")
    owner = np.unique(documents, return_inverse=True)[1]
    factors: list[tuple[int, IntArray]] = [(1, np.zeros(owner.size, dtype=np.int64)), (-1, owner)]
    if types is not None:
        kinds = np.unique(types, return_inverse=True)[1]
        cells = np.unique(owner * (int(kinds.max()) + 1) + kinds, return_inverse=True)[1]
        factors += [(-1, kinds), (1, cells)]
    groups = np.full(owner.size, n_left_out) if left_out is None else np.asarray(left_out)
    masks = (np.asarray(first), ~np.asarray(first))
    ones = np.ones((owner.size, 1), dtype=np.float32)
    total = sum(sign * _products(influence, masks, codes, groups, n_left_out) for sign, codes in factors)
    pairs = sum(sign * _products(ones, masks, codes, groups, n_left_out) for sign, codes in factors)
    with np.errstate(divide="ignore", invalid="ignore"):
        own, between, other = np.where(pairs > 0.5, total / pairs, np.nan)
        similarity = np.where((own > 0) & (other > 0), between / np.sqrt(own * other), np.nan)
    means = [influence[mask].mean(axis=0, dtype=np.float64) for mask in masks]
    lengths = [float(mean @ mean) for mean in means]
    if not min(lengths) > 0:
        return ProfileSimilarity(np.full(1 + n_left_out, np.nan), np.nan, np.nan)
    return ProfileSimilarity(
        similarity,
        cosine=float(means[0] @ means[1] / np.sqrt(lengths[0] * lengths[1])),
        ceiling=float(np.sqrt(max(0.0, own[0] / lengths[0]) * max(0.0, other[0] / lengths[1]))),
    )


def _products(
    rows: FloatArray, masks: Sequence[NDArray[np.bool_]], codes: IntArray, groups: IntArray, n_groups: int
) -> NDArray[np.float64]:
    """Sum over codes of S_p.S_q for each pair of sides, with all rows and without each group, (3, 1 + G).

    Without a group's rows R, (S_p - R_p).(S_q - R_q) = S_p.S_q - S_p.R_q - R_p.S_q + R_p.R_q; only codes of
    which some rows are in the group change.
    """
    n_codes = int(codes.max()) + 1
    sums = [_indicator(codes, mask, n_codes) @ rows for mask in masks]
    whole = np.array([_dots(sums[p], sums[q]).sum() for p, q in _SIDES])
    found = np.repeat(whole[:, None], 1 + n_groups, axis=1)
    leaving = groups < n_groups
    if not leaving.any():
        return found
    both, places = np.unique(codes[leaving] * n_groups + groups[leaving], return_inverse=True)
    where = np.full(groups.size, -1)
    where[leaving] = places
    for start in range(0, both.size, _AT_ONCE):
        part = both[start : start + _AT_ONCE]
        inside = (where >= start) & (where < start + part.size)
        local = np.where(inside, where - start, 0)
        removed = [_indicator(local, mask & inside, part.size) @ rows for mask in masks]
        of_code = [side[part // n_groups] for side in sums]
        for place, (p, q) in enumerate(_SIDES):
            change = _dots(removed[p], removed[q]) - _dots(of_code[p], removed[q]) - _dots(removed[p], of_code[q])
            np.add.at(found[place], 1 + part % n_groups, change)
    return found


def _indicator(codes: IntArray, rows: NDArray[np.bool_], n_codes: int) -> sparse.csr_array:
    chosen = np.flatnonzero(rows)
    ones = np.ones(chosen.size, dtype=np.float64)
    return sparse.csr_array((ones, (codes[chosen], chosen)), shape=(n_codes, codes.size))


def _dots(one: FloatArray, two: FloatArray) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", one, two))
