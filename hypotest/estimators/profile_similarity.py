"""How alike two conditions' influence profiles over units are, with what finite rows allow taken off.

With a and b the mean influences of all units on two conditions, the cosine a.b / (|a| |b|) of finite rows
lies below that of the truth, since noise adds to both lengths and not to the product. Two halves of one
condition show by how much. Here no halves are drawn: every pair of rows that shares neither document nor
token type is one, and the mean over all of them is

    <p, q> = (S_p.S_q - sum over documents - sum over types + sum over cells) / (number of such pairs)

with S the sums of rows, and each sum that of S_p.S_q over the rows of one document, type, or cell of both.

Similarity is <a, b> / sqrt(<a, a> <b, b>): 1 for one profile, 0 for units apart. What documents or types
bring of their own is in none of the three. (With halves of documents alone, both halves of a condition share
its types, and two conditions do not.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hypotest.records.evidence.arrays import FloatArray, IntArray

_CODES_AT_ONCE = 1024
"""Documents, types or cells whose sums are held at once."""
_SIDES = ((0, 0), (0, 1), (1, 1))


@dataclass(frozen=True, slots=True, eq=False)
class ProfileSimilarity:
    """How alike two profiles are."""

    similarity: float
    """Cosine as a share of its ceiling; NaN where there is nothing to compare."""
    without: tuple[NDArray[np.float64], ...]
    """For each way to leave rows out: the similarity with all rows, then without each group, (1 + G,)."""
    cosine: float
    """Of the mean profiles as they are."""
    ceiling: float
    """What the cosine of one profile would be on so many rows."""


def profile_similarity(
    influence: FloatArray,
    first: NDArray[np.bool_],
    documents: IntArray,
    types: IntArray | None,
    left_out: Sequence[tuple[IntArray, int]] = (),
) -> ProfileSimilarity:
    """Similarity of the mean rows of two conditions.

    Args:
        influence: Not negative, shape (n_rows, n_units).
        first: Rows of one condition; the others are of the other, shape (n_rows,).
        documents: Document of each row.
        types: Token type of each row; None where rows pair that differ in documents.
        left_out: Ways to leave rows out: the group of each row, 0 to G - 1, left out in turn, or G, which
            stays; and G.

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
    ways = [(np.zeros(owner.size, dtype=np.int64), 0), *left_out]
    ones = np.ones((owner.size, 1))
    total, pairs = (
        [
            sum(
                sign * product
                for sign, product in zip((sign for sign, _ in factors), of_factors, strict=True)
            )
            for of_factors in zip(*(_products(rows, first, codes, ways) for _, codes in factors), strict=True)
        ]
        for rows in (influence, ones)
    )
    similarities = []
    for products, number in zip(total, pairs, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            own, between, other = np.where(number > 0.5, products / number, np.nan)
            known = (own > 0) & (other > 0)
            similarities.append(np.where(known, between / np.sqrt(own * other), np.nan))
    sides = [influence[rows].mean(axis=0, dtype=np.float64) for rows in (first, ~first)]
    lengths = [float(side @ side) for side in sides]
    cosine = ceiling = np.nan
    if min(lengths) > 0:
        own, _, other = total[0][:, 0] / pairs[0][:, 0]
        cosine = float(sides[0] @ sides[1] / np.sqrt(lengths[0] * lengths[1]))
        ceiling = float(np.sqrt(max(0.0, own / lengths[0]) * max(0.0, other / lengths[1])))
    return ProfileSimilarity(float(similarities[0][0]), tuple(similarities[1:]), cosine, ceiling)


def _products(
    rows: FloatArray, first: NDArray[np.bool_], codes: IntArray, ways: Sequence[tuple[IntArray, int]]
) -> list[NDArray[np.float64]]:
    """Sum over codes of S_p.S_q for each pair of sides, with all rows and without each group, (3, 1 + G).

    Without the rows R of a group, (S_p - R_p).(S_q - R_q) = S_p.S_q - S_p.R_q - R_p.S_q + R_p.R_q; only codes
    of which some rows are in the group change. Codes are taken some at a time, so that sums of cells, of
    which there are nearly as many as rows, are not all held at once.
    """
    of_ways = [np.zeros((3, 1 + n_groups)) for _, n_groups in ways]
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(0, int(codes.max()) + 1, _CODES_AT_ONCE))
    for here in np.split(order, starts[1:]):
        values, mine = np.asarray(rows[here], dtype=np.float64), np.asarray(first)[here]
        local = codes[here] - codes[here[0]] // _CODES_AT_ONCE * _CODES_AT_ONCE
        n_codes = int(local.max()) + 1
        sums = [_summed(values, local, side, n_codes) for side in (mine, ~mine)]
        whole = np.array([_dots(sums[p], sums[q]).sum() for p, q in _SIDES])
        for (groups, n_groups), products in zip(ways, of_ways, strict=True):
            products += whole[:, None]
            leaving = np.flatnonzero(groups[here] < n_groups)
            if not leaving.size:
                continue
            both = local[leaving] * n_groups + groups[here[leaving]]
            pairs, places = np.unique(both, return_inverse=True)
            moved, side = values[leaving], mine[leaving]
            removed = [_summed(moved, places, rows_of, pairs.size) for rows_of in (side, ~side)]
            of_code = [item[pairs // n_groups] for item in sums]
            for place, (p, q) in enumerate(_SIDES):
                change = _dots(removed[p], removed[q]) - _dots(of_code[p], removed[q])
                np.add.at(products[place], 1 + pairs % n_groups, change - _dots(removed[p], of_code[q]))
    return of_ways


def _summed(
    values: NDArray[np.float64], codes: IntArray, rows: NDArray[np.bool_], n_codes: int
) -> NDArray[np.float64]:
    """Sum of some of the rows of each code, shape (n_codes, n_units)."""
    chosen = np.flatnonzero(rows)
    ones = np.ones(chosen.size)
    return np.asarray(sparse.csr_array((ones, (codes[chosen], chosen)), shape=(n_codes, codes.size)) @ values)


def _dots(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", one, two))
