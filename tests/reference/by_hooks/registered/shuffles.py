"""Labels dealt out anew, in both splits at once, and what the same selection then finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import lgamma, log

import numpy as np

from tests.reference.by_hooks.evidence import Array, Rows

Deal = Callable[[np.random.Generator], Array]


def log10_ways(groups: list[tuple[int, int]]) -> float:
    """log10 of the product of binomials of (size, chosen)."""
    return sum(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for n, k in groups) / log(10)


def permuted_within(stratum: Array, label: Array) -> tuple[Deal, float]:
    """Labels of units permuted among those of one stratum; and log10 of the number of ways."""
    places = [np.flatnonzero(stratum == level) for level in np.unique(stratum)]

    def deal(rng: np.random.Generator) -> Array:
        dealt = label.copy()
        for rows in places:
            dealt[rows] = label[rng.permutation(rows)]
        return dealt

    return deal, log10_ways([(len(rows), int(label[rows].sum())) for rows in places])


def of_units(unit: Array, first: Array) -> tuple[Array, Array, Array]:
    """Each unit's place per row, its label (constant within it), and its number of rows."""
    names, place, number = np.unique(unit, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=first) / number
    assert np.isin(share, (0, 1)).all(), "labels are not constant within units"
    del names
    return place, share > 0.5, number


def deals(run: str, splits: list[Rows]) -> tuple[Deal, float]:
    """How labels can be dealt out for a run's conditions, over rows of both splits joined.

    numbers: token types within strata of log2 of their sampled count; code and language: documents, likewise,
    of one split; induction: positions of one split with the same target; agreement: all pairs of a noun swap,
    or none. (That splits do not mix is not in the protocols; the runs' numbers of ways say so.)
    """
    first = np.concatenate([s.rare for s in splits])
    if run == "agreement":
        noun = np.unique(np.concatenate([s.document for s in splits]), return_inverse=True)[1]
        n = int(noun.max()) + 1
        return lambda rng: np.asarray(first ^ (rng.random(n) < 0.5)[noun]), n * np.log10(2)
    target = np.concatenate([s.target for s in splits])
    split = np.repeat(np.arange(len(splits)), [len(s.rare) for s in splits])
    if run == "induction":
        return permuted_within(target * len(splits) + split, first)
    if run == "numbers":
        place, label, number = of_units(target, first)
        stratum = np.floor(np.log2(number)).astype(int)
    else:
        place, label, number = of_units(np.concatenate([s.document * 2 + s.rare for s in splits]), first)
        of_split = np.zeros(len(number), int)
        of_split[place] = split
        stratum = np.floor(np.log2(number)).astype(int) * len(splits) + of_split
    deal, ways = permuted_within(stratum, label)
    return lambda rng: deal(rng)[place], ways


def preferences(first: Array, sizes: Array) -> tuple[Array, Array]:
    """Influence on the rows labelled first, and (first - second) / (first + second), for each deal."""
    label = first.astype(np.float32)
    one = (label @ sizes) / label.sum(1, keepdims=True)
    two = ((1 - label) @ sizes) / (1 - label).sum(1, keepdims=True)
    return one, (one - two) / (one + two)


def selected_again(
    run: str, selection: Rows, evaluation: Rows, k: int, n: int, rng: np.random.Generator
) -> Iterator[tuple[Array, Array, Array]]:
    """Of each deal: the k neurons most influential on `first`, every neuron's preference, and its labels.

    Selected on the selection split, read on the evaluation split.
    """
    deal, _ = deals(run, [selection, evaluation])
    sizes = [np.abs(s.delta).astype(np.float32) for s in (selection, evaluation)]
    cut = len(sizes[0])
    for start in range(0, n, 100):
        dealt = np.array([deal(rng) for _ in range(min(100, n - start))])
        one, _ = preferences(dealt[:, :cut], sizes[0])
        _, preference = preferences(dealt[:, cut:], sizes[1])
        for row in range(len(dealt)):
            yield np.argpartition(-one[row], k)[:k], preference[row], dealt[row, cut:]
