"""The measures, by numpy, scipy and igraph."""

from __future__ import annotations

import random

import igraph
import numpy as np
from scipy.stats import norm, rankdata, spearmanr

from tests.reference.by_hooks.evidence import Array, Split
from tests.reference.by_hooks.table import SEED


def dimension(correlation: Array, tau: float = 0.95) -> Array:
    """Interpolated, of a stack of matrices."""
    values = np.linalg.eigvalsh(correlation)[..., ::-1]
    share = np.cumsum(values, -1) / values.sum(-1, keepdims=True)
    share = np.concatenate([np.zeros((*share.shape[:-1], 1)), share], -1)
    j = (share <= tau).sum(-1) - 1
    low, high = (np.take_along_axis(share, (j + d)[..., None], -1)[..., 0] for d in (0, 1))
    return np.asarray(j + (tau - low) / (high - low))


def copula_information(activations: Array) -> Array:
    scores = norm.ppf((rankdata(activations, axis=0) - 0.5) / len(activations))
    r = np.corrcoef(scores.T)
    np.fill_diagonal(r, 0.0)
    r = (r + r.T) / 2
    return np.asarray(-0.5 * np.log1p(-np.minimum(r**2, 1 - len(activations) ** -2.0)))


def hill(rows: Array) -> tuple[float, float]:
    values = np.sort(np.linalg.eigvalsh(rows @ rows.T / rows.shape[1]))[::-1]
    k = len(values) - len(values) // 2
    total = np.log(values[:k] / values[k - 1]).sum()
    return k / total, (k - 2) / total


def louvain(weights: Array, restarts: int = 3) -> float:
    """Best of some, by igraph, from shuffled orders of the nodes."""
    best = -1.0
    for _ in range(restarts):
        order = np.random.default_rng(random.getrandbits(32)).permutation(len(weights))
        graph = igraph.Graph.Weighted_Adjacency(weights[np.ix_(order, order)], mode="undirected", loops=False)
        best = max(best, graph.community_multilevel(weights="weight").modularity)
    return best


def gini(rows: Array, visible: Array) -> Array:
    """By pairs: sum |a_i - a_j| / (2 n^2 mean), times n / (n - 1)."""
    result = np.full(rows.shape[:-1], np.nan)
    for n in np.unique(visible[visible > 1]):
        part = rows[visible == n][..., :n].astype(np.float64)
        a = np.sort(part, -1)
        pairs = 2 * (a * (2 * np.arange(1, n + 1) - n - 1)).sum(-1)  # the sum over all ordered pairs
        result[visible == n] = pairs / (2 * n * a.sum(-1)) * n / (n - 1)
    return result


def routing(e: Split, halvings: int, seed: int = SEED) -> tuple[float, Array, float]:
    """Similarity of mean attention by distance, as a share of the ceiling; by head without it; the ceiling.

    Halves have half of the documents and of the types each, so that they share neither.
    """

    def profile(rows: Array) -> tuple[Array, Array]:
        heads, context = e.attention.shape[1:]
        sums, counts = np.zeros((heads, context)), np.zeros(context)
        for row in np.flatnonzero(rows):
            last = e.index[row]
            sums[:, : last + 1] += e.attention[row, :, last::-1]
            counts[: last + 1] += 1
        return sums / np.maximum(counts, 1), counts > 0

    def spearman(one: Array, two: Array, seen: Array) -> Array:
        return np.array([spearmanr(a[seen], b[seen]).statistic for a, b in zip(one, two, strict=True)])

    (r, seen_r), (c, seen_c) = profile(e.rare), profile(~e.rare)
    plain = spearman(r, c, seen_r & seen_c)
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(halvings):
        d, k = (
            np.isin(x, rng.permutation(np.unique(x))[: len(np.unique(x)) // 2])
            for x in (e.document, e.target)
        )
        halves = (d & k, ~d & ~k)
        four = [profile(rows & half) for rows in (e.rare, ~e.rare) for half in halves]
        seen = np.all([s for _, s in four], axis=0)
        r1, r2, c1, c2 = (p for p, _ in four)
        across = (spearman(r1, c2, seen) + spearman(r2, c1, seen)) / 2
        parts.append([spearman(r1, r2, seen), spearman(c1, c2, seen), across])
    a, b, across = np.mean(parts, axis=0)
    ceiling = np.sqrt(np.maximum(a, 0) * np.maximum(b, 0)).mean()
    return float(across.mean() / ceiling), plain, float(ceiling)
