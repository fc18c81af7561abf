"""Relabellings: what moves together when labels are shuffled, and how many distinct ways there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import IntArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Relabellings:
    """Labels, shuffled many times; ``of_positions`` reads them per position."""

    labels: BoolArray
    """Label of each unit, shape (n_draws, n_units)."""
    units: NDArray[np.intp]
    """Column of ``labels`` to which each position belongs, shape (n_positions,)."""
    log10_distinct: float
    """log10 of the number of distinct relabellings."""
    n_informative: int
    """Strata in which both labels occur; the others contribute nothing."""

    def of_positions(self, draws: int | slice) -> BoolArray:
        """Labels of the positions in one draw, shape (n_positions,); in several, one row each."""
        return np.asarray(self.labels[draws][..., self.units])


def permute_labels(
    labels: BoolArray, units: IntArray, strata: IntArray, n_draws: int, rng: np.random.Generator
) -> Relabellings:
    """Shuffle labels of whole units within strata.

    A label moves with all positions of its unit; each draw is a uniform permutation of the units' labels
    within every stratum. Distinct relabellings: product over strata of (n choose m), with n units of which m
    are labelled.

    Args:
        labels: Label of each position, shape ``(n_positions,)``; equal for all positions of a unit.
        units: What keeps its label: unit of each position, any integers.
        strata: Within what labels change places: stratum of each position, equal within a unit.
        n_draws: Number of draws.
        rng: Source of the permutations.

    Returns:
        Relabellings whose units are in the order of ``np.unique(units)``.

    Raises:
        ValueError: If shapes differ or are empty, a unit has both labels, or lies in several strata.
    """
    labels, units = _vectors(labels, units)
    labels, strata = _vectors(labels, strata)
    distinct, first, codes = np.unique(units, return_index=True, return_inverse=True)
    of_unit, stratum = labels[first], strata[first]
    mixed = np.unique(codes[labels != of_unit[codes]])
    if mixed.size:
        raise ValueError(
            f"{mixed.size} of {distinct.size} units have both labels (such as {distinct[mixed[0]]}); a label "
            "that is shuffled over units must be the same at every position of a unit"
        )
    if (strata != stratum[codes]).any():
        raise ValueError("a unit must lie in one stratum")
    shuffled, log10_distinct, n_informative = _permute_within(of_unit, stratum, n_draws, rng)
    return Relabellings(shuffled, codes, log10_distinct, n_informative)


def permute_types(labels: BoolArray, types: IntArray, n_draws: int, rng: np.random.Generator) -> Relabellings:
    """Shuffle a label that belongs to token types, such as rare or not.

    Types change labels with those of like count (`type_strata`), so that a draw has about as many positions
    per label as the data.

    Args:
        labels: As in `permute_labels`.
        types: Token type of each position.
        n_draws: Number of draws.
        rng: Source of the permutations.

    Raises:
        ValueError: As `permute_labels`.
    """
    codes = np.unique(types, return_inverse=True)[1]
    return permute_labels(labels, types, type_strata(np.bincount(codes))[codes], n_draws, rng)


def type_strata(counts: IntArray) -> NDArray[np.intc]:
    """Stratum of each type, within which labels of types are dealt out: exactly floor(log2(count)).

    Examples:
        >>> type_strata(np.array([1, 2, 3, 4])).tolist()
        [0, 1, 1, 2]
    """
    return np.asarray(np.frexp(counts)[1] - 1)


def _permute_within(
    labels: BoolArray, strata: NDArray[Any], n_draws: int, rng: np.random.Generator
) -> tuple[BoolArray, float, int]:
    from scipy.special import gammaln  # a protocol is checked without it

    shuffled = np.repeat(labels[np.newaxis], n_draws, axis=0)
    order = np.argsort(strata, kind="stable")
    borders = np.flatnonzero(np.diff(strata[order])) + 1
    log_distinct, n_informative = 0.0, 0
    for members in np.split(order, borders):
        n, m = members.size, int(np.count_nonzero(labels[members]))
        if m in (0, n):
            continue
        shuffled[:, members] = rng.permuted(shuffled[:, members], axis=1)
        log_distinct += float(gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1))
        n_informative += 1
    return shuffled, log_distinct / float(np.log(10)), n_informative


def _vectors(labels: BoolArray, keys: IntArray) -> tuple[BoolArray, NDArray[Any]]:
    labels, keys = np.asarray(labels), np.asarray(keys)
    if labels.dtype != np.bool_:
        raise ValueError(f"labels must be boolean, found {labels.dtype}")
    if labels.ndim != 1 or labels.size == 0 or labels.shape != keys.shape:
        raise ValueError(
            f"labels and their units must be non-empty vectors of one length, "
            f"found shapes {labels.shape} and {keys.shape}"
        )
    return labels, keys
