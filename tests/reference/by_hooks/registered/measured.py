"""A split's measures of a group, and how exact they are over documents and types."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.reference.by_hooks.errors import TwoWay, effective, folded, two_way, variance
from tests.reference.by_hooks.evidence import Array, Rows
from tests.reference.by_hooks.measures import louvain

RESTARTS = 30


def preference(at: Rows) -> Array:
    a, b = at.influence(True), at.influence(False)
    return np.asarray((a - b) / (a + b))


def top(at: Rows, first: bool, k: int) -> Array:
    """The k neurons whose ablation changes the outcome most."""
    return np.sort(np.argsort(-at.influence(first), kind="stable")[:k])


def modularity(information: Array, group: Array, restarts: int = RESTARTS) -> float:
    return louvain(information[np.ix_(group, group)], restarts)


def error_of(run: str, at: Rows, values: Array, statistic: Callable[[Array], Array]) -> TwoWay:
    """Over documents and types. Types belong to one condition where it is about tokens (numbers), and to both
    elsewhere; of examples, nouns alone are drawn."""
    if run == "numbers":
        return two_way(values, at.rare, at.document, at.target, statistic)
    sides = np.stack([at.rare, ~at.rare], 1).astype(float).reshape(len(at.rare), 2, *(1,) * (values.ndim - 1))
    split = values[:, None] * sides
    of_documents = variance(split, sides, at.document, statistic)
    if run == "agreement":
        return TwoWay(of_documents, 0.0, 0.0, effective(at.document) - 1)
    cells = at.document.astype(np.int64) * 1_000_000 + at.target
    of_types, of_cells = (variance(split, sides, key, statistic) for key in (at.target, cells))
    # Where documents belong to one condition, the condition that has fewer of them says how many there are.
    each = (at.rare, ~at.rare) if run in ("code", "language") else (np.ones(len(at.rare), bool),)
    number = min(effective(at.document[rows]) for rows in each)
    return TwoWay(of_documents, of_types, of_cells, min(number, effective(at.target)) - 1)


def error_of_folds(run: str, at: Rows, kept: Array, statistic: Callable[[Array], Array]) -> list[TwoWay]:
    """Of what costs too much to compute without every cluster: without a random share of them at a time.

    Over the rows `kept`, of one or both conditions; where types belong to both, they are left out in both.
    """
    folds = 64 if run == "agreement" else 32  # more than it has nouns: each of them in turn
    rows = np.flatnonzero(kept)
    first = at.rare[rows] if run == "numbers" else np.ones(len(rows), bool)
    target = at.document[rows] if run == "agreement" else at.target[rows]
    errors = folded(at.document[rows], target, first, lambda inside: statistic(rows[inside]), folds)
    if run == "agreement":
        return [TwoWay(e.documents, 0.0, 0.0, e.freedom) for e in errors]
    return errors
