"""How alike two conditions are in what could explain a difference between them: the balance table.

Numbers are compared by their standardised difference, (mean_1 - mean_2) / sqrt((s_1^2 + s_2^2) / 2) [1]. What
has no order (block, document, current token, target) is compared by the share that both conditions have in
common, the sum over values of the smaller of both shares, which is 1 - the total variation distance; beside
it stands what positions of one distribution would share, so few as they are, from random divisions of all of
them.

References:
    [1] Austin (2009), doi:10.1002/sim.3697; a quarter of an SD after Rubin (2001),
        doi:10.1023/A:1020363010465.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.pairing import values_of
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.protocol.design import Covariate, MatchFactor
from hypotest.records.results.row_balance import RowBalance

_DIVISIONS = 20
"""Random ones, for what is shared by chance."""
_CATEGORIES: tuple[Covariate, ...] = ("block", "document", "token", "target")
_NUMBERS: tuple[Covariate, ...] = ("index", "target_frequency", "length")


def covariates_of(
    blocks: Blocks, block: NDArray[np.int64], index: NDArray[np.int64], counts: IntArray | None
) -> dict[Covariate, NDArray[np.float64]]:
    """What pairs of positions can be matched on, at some of them, and the target itself.

    Frequency and length are binary logarithms, of 1 more than the count: a quarter of an SD is a ratio.

    Args:
        blocks: The text.
        block: Of each position, shape (n_positions,).
        index: Its place there.
        counts: Occurrences of each token id in the protocol's frequency table; None: they are counted in this
            text.
    """
    if counts is None:
        counts = np.bincount(blocks.tokens[blocks.is_text])
    covariates: dict[Covariate, NDArray[np.float64]] = {}
    for name in get_args(MatchFactor):
        values = values_of(blocks, block, index, name, np.asarray(counts)).astype(np.float64)
        covariates[name] = np.log2(values + 1) if name in ("target_frequency", "length") else values
    covariates["target"] = blocks.tokens[block, index + 1].astype(np.float64)
    return covariates


def balance_of(
    covariates: Mapping[Covariate, FloatArray], first: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[RowBalance, ...]:
    """Compare two conditions in every covariate.

    Args:
        covariates: From `covariates_of`, each of shape (n_positions,).
        first: Which positions are of the first condition; the others are of the second.
        rng: Of the divisions that say what is shared by chance.
    """
    return tuple(
        shared_balance(name, np.asarray(covariates[name]), first, rng)
        if name in _CATEGORIES
        else number_balance(name, covariates[name], first)
        for name in (*_NUMBERS, *_CATEGORIES)
        if name in covariates
    )


def number_balance(name: str, values: FloatArray, first: NDArray[np.bool_]) -> RowBalance:
    """The standardised difference of a number.

    Examples:
        >>> values, first = np.array([1.0, 3.0, 2.0, 4.0]), np.array([True, True, False, False])
        >>> both = number_balance("index", values, first)
        >>> both.first, both.second, round(both.difference, 3)  # SDs of sqrt(2)
        ((2.0, 1.4142135623730951), (3.0, 1.4142135623730951), -0.707)
    """
    one, other = (np.asarray(values, dtype=np.float64)[rows] for rows in (first, ~first))
    means, spreads = (one.mean(), other.mean()), [_sd(one), _sd(other)]
    pooled = np.sqrt((spreads[0] ** 2 + spreads[1] ** 2) / 2)
    apart = means[0] - means[1]
    difference = 0.0 if apart == 0 else None if pooled == 0 else float(apart / pooled)
    return RowBalance(
        covariate=name,
        first=(float(means[0]), spreads[0]),
        second=(float(means[1]), spreads[1]),
        difference=difference,
        shared=None,
        by_chance=None,
    )


def shared_balance(
    name: str, values: NDArray[np.float64], first: NDArray[np.bool_], rng: np.random.Generator
) -> RowBalance:
    """The share that both conditions have in common of what has no order.

    Examples:
        >>> values, first = np.array([1.0, 1.0, 1.0, 2.0]), np.array([True, True, False, False])
        >>> shared_balance("token", values, first, np.random.default_rng(0)).shared
        0.5
    """
    _, codes = np.unique(values, return_inverse=True)
    by_chance = [_shared(codes, rng.permutation(first)) for _ in range(_DIVISIONS)]
    return RowBalance(
        covariate=name,
        first=None,
        second=None,
        difference=None,
        shared=_shared(codes, first),
        by_chance=float(np.mean(by_chance)),
    )


def _shared(codes: NDArray[np.int64], first: NDArray[np.bool_]) -> float:
    n_codes = int(codes.max()) + 1
    one, other = (
        np.bincount(codes[rows], minlength=n_codes) / max(1, rows.sum()) for rows in (first, ~first)
    )
    return float(np.minimum(one, other).sum())


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else 0.0
