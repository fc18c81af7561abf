"""Errors over documents and token types, each cluster left out in turn, and tests that rest on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from tests.reference.by_hooks.evidence import Array
from tests.reference.by_hooks.table import SEED

Statistic = Callable[[Array], Array]
"""Of means with a first axis of those without each cluster."""


@dataclass
class TwoWay:
    """Variances of a statistic over documents, over types summed over conditions, and over cells."""

    documents: float
    types: float
    cells: float
    freedom: float

    @property
    def floored(self) -> float:
        """SE from max(V_d, V_t, V_d + V_t - V_cells)."""
        return float(np.sqrt(max(self.documents, self.types, self.documents + self.types - self.cells)))

    @property
    def added(self) -> float:
        """SE from V_d + V_t."""
        return float(np.sqrt(self.documents + self.types))

    def said(self) -> str:
        parts = (self.documents, self.types, self.cells)
        d, t, c = (v**0.5 for v in parts)
        return f"V_d + V_t {self.added:.5f}; documents {d:.5f}, types {t:.5f}, cells {c:.5f}"


def effective(labels: Array) -> float:
    share = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(1 / np.square(share).sum())


def variance(values: Array, counts: Array, key: Array, statistic: Statistic) -> float:
    """Of a statistic of the means sum(values) / sum(counts), rows with a negative key staying throughout."""
    places = np.unique(key[key >= 0], return_inverse=True)[1]
    n = int(places.max()) + 1
    totals = []
    for each in (values, counts):
        of_clusters = np.zeros((n, *each.shape[1:]))
        np.add.at(of_clusters, places, each[key >= 0])
        totals.append(each.sum(0) - of_clusters)
    without = statistic(totals[0] / totals[1])
    return float((n - 1) / n * np.square(without - without.mean()).sum())


def one_way(values: Array, document: Array, target: Array, statistic: Statistic) -> TwoWay:
    """Of a statistic of means over rows of one condition, values (n_rows, ...)."""
    ones = np.ones((len(values), *(1,) * (values.ndim - 1)))
    d, k, c = (
        variance(values, ones, key, statistic) for key in (document, target, cells_of(document, target))
    )
    return TwoWay(d, k, c, min(effective(document), effective(target)) - 1)


def two_way(values: Array, rare: Array, document: Array, target: Array, statistic: Statistic) -> TwoWay:
    """Of a statistic of both conditions' means, which come to it as (n, 2, ...), rare first."""
    sides = np.stack([rare, ~rare], 1).astype(float).reshape(len(rare), 2, *(1,) * (values.ndim - 1))
    split = values[:, None] * sides
    kinds = [np.where(rows, target, -1) for rows in (rare, ~rare)]
    of_types = [variance(split, sides, key, statistic) for key in kinds]
    of_cells = [variance(split, sides, np.where(k < 0, -1, cells_of(document, k)), statistic) for k in kinds]
    numbers = [effective(target[rows]) for rows in (rare, ~rare)]
    total = sum(of_types)
    shares = sum((v / total) ** 2 / (n - 1) for v, n in zip(of_types, numbers, strict=True))
    freedom = min(effective(document) - 1, 1 / shares)
    return TwoWay(variance(split, sides, document, statistic), total, sum(of_cells), freedom)


def folded(
    document: Array, target: Array, rare: Array, statistic: Callable[[Array], Array], folds: int = 64
) -> list[TwoWay]:
    """Of statistics of the rows that are kept, without a random share of the clusters at a time.

    For what costs too much, or searches too much, to be computed without every cluster.
    """
    rng = np.random.default_rng(SEED)

    def variance(key: Array) -> Array:
        names, number = np.unique(key[key >= 0], return_inverse=True)
        fold = np.full(len(key), -1)
        fold[key >= 0] = rng.permutation(np.arange(len(names)) % folds)[number]
        return np.asarray((folds - 1) * np.var([statistic(fold != i) for i in range(folds)], axis=0))

    sides = [rows for rows in (rare, ~rare) if rows.any()]
    types = [np.where(rows, target, -1) for rows in sides]
    cells = [np.where(rows, cells_of(document, target), -1) for rows in sides]
    d, k, c = variance(document), sum(map(variance, types)), sum(map(variance, cells))
    return [TwoWay(*map(float, parts), folds - 1) for parts in zip(d, k, c, strict=True)]


def cells_of(document: Array, target: Array) -> Array:
    return document.astype(np.int64) * 1_000_000 + target


def two_sided(value: float, draws: Array) -> float:
    """(b + 1) / (B + 1), twice the smaller tail."""
    low, high = (np.sum(draws <= value) + 1, np.sum(draws >= value) + 1)
    return float(min(1.0, 2 * min(low, high) / (len(draws) + 1)))


def p_of_t(effect: float, error: float, freedom: float) -> float:
    return float(2 * t.sf(abs(effect) / error, freedom))
