"""Similarity of the influence profiles of both conditions, and what it hangs on."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import spearmanr

from tests.reference.by_hooks.errors import folded
from tests.reference.by_hooks.evidence import Array, Split
from tests.reference.by_hooks.table import SEED, Table


class Pairs:
    """Products of the rows' profiles, of those that share neither document nor type."""

    def __init__(self, sizes: Array, document: Array, kind: Array) -> None:
        x = sizes.astype(np.float64)
        self.apart = ((document[:, None] != document) & (kind[:, None] != kind)).astype(np.float64)
        self.products = x @ x.T
        self.products *= self.apart

    def similarity(self, one: Array, other: Array) -> float:
        """<a, b> / sqrt(<a, a> <b, b>) of the mean profiles of two sets of rows, each from pairs of rows."""
        sides = np.stack([one, other], 1).astype(np.float64)
        m = (sides.T @ self.products @ sides) / (sides.T @ self.apart @ sides)
        return float(m[0, 1] / np.sqrt(m[0, 0] * m[1, 1]))


def halved(sizes: Array, first: Array, document: Array, kind: Array, n: int) -> tuple[float, float]:
    """The same by plain halves of documents and of types, and the SD over halvings."""
    rng = np.random.default_rng(SEED)
    values = []
    for _ in range(n):
        # Quarters: half of the documents with half of the types; two of them share neither.
        d, k = (np.isin(x, rng.permutation(np.unique(x))[: len(np.unique(x)) // 2]) for x in (document, kind))
        a1, a2, b1, b2 = (
            sizes[rows].mean(0, dtype=np.float64)
            for rows in (first & d & k, first & ~d & ~k, ~first & d & k, ~first & ~d & ~k)
        )
        values.append((a1 @ b2 + a2 @ b1) / 2 / np.sqrt((a1 @ a2) * (b1 @ b2)))
    return float(np.mean(values)), float(np.std(values, ddof=1))


def check_similarity(out: Table, result: Any, e: Split, output: Array, group: Array, n: int) -> None:
    out.head("similarity of influence profiles")
    claimed = {p["id"]: p for p in result["predictions"]}["shared-influence"]
    sizes = np.abs(e.delta)
    labels = (e.rare, e.document, e.target)
    pairs = Pairs(sizes, *labels[1:])
    value = pairs.similarity(e.rare, ~e.rare)
    out.row("influence similarity, pairs that share nothing", claimed["observed"], value)
    (error,) = folded(
        e.document, e.target, e.rare, lambda kept: np.array([pairs.similarity(e.rare & kept, ~e.rare & kept)])
    )
    out.row("    SE, two-way", claimed["interval"]["standard_error"], error.floored, error.said())
    by_halves = halved(sizes, *labels, 40)
    out.row(
        "    by 40 halvings of documents and types",
        claimed["observed"],
        by_halves[0],
        f"SD of a halving {by_halves[1]:.4f}",
    )
    rare, common = e.influence(True), e.influence(False)
    lengths = np.linalg.norm(rare) * np.linalg.norm(common)
    out.row("    cosine", claimed["secondary"]["cosine"]["value"], float(rare @ common / lengths))

    # Placebo: what is the same measure where nothing differs? Half of the common types against the other,
    # and labels dealt out over all types.
    rng = np.random.default_rng(SEED)
    common_types = np.unique(e.target[~e.rare])
    placebo = []
    for _ in range(n):
        half = np.isin(e.target, rng.permutation(common_types)[: len(common_types) // 2])
        placebo.append(pairs.similarity(~e.rare & half, ~e.rare & ~half))
    out.say(
        f"placebo, halves of the common types, {n}: mean {np.mean(placebo):.5f}, SD {np.std(placebo):.5f}, "
        f"{np.min(placebo):.5f} to {np.max(placebo):.5f}"
    )
    types = np.unique(e.target)
    is_rare = np.isin(types, e.target[e.rare])
    shuffled = []
    for _ in range(n):
        dealt = rng.permutation(is_rare)[np.searchsorted(types, e.target)]
        shuffled.append(pairs.similarity(dealt, ~dealt))
    out.say(
        f"labels dealt out over types, {n}: mean {np.mean(shuffled):.5f}, SD {np.std(shuffled):.5f}, lowest "
        f"{np.min(shuffled):.5f}; the real one is "
        f"{(value - np.mean(shuffled)) / np.std(shuffled, ddof=1):.1f} SDs off"
    )

    # What the number hangs on.
    outside = np.setdiff1d(np.arange(len(rare)), group)
    without, within = (
        Pairs(sizes[:, columns], *labels[1:]).similarity(e.rare, ~e.rare) for columns in (outside, group)
    )
    out.say(f"without the group's {len(group)} neurons: {without:.4f}; within the group: {within:.4f}")
    share = np.square(rare[group]).sum() / np.square(rare).sum()
    out.say(
        f"the group holds {share:.0%} of the squared length of the rare profile; Spearman of both profiles, "
        f"all neurons {spearmanr(rare, common).statistic:.4f}, in the group "
        f"{spearmanr(rare[group], common[group]).statistic:.4f}"
    )
    loudness = e.activations.astype(np.float64).std(0) * np.linalg.norm(output, axis=1)
    for name, profile in (("rare", rare), ("common", common)):
        cosine = profile @ loudness / np.linalg.norm(profile) / np.linalg.norm(loudness)
        out.say(
            f"cosine of the {name} profile with activation SD x output norm, blind to targets: {cosine:.4f}"
        )
    beyond = np.corrcoef(np.log(rare / loudness), np.log(common / loudness))[0, 1]
    out.say(f"correlation of log influence beyond that loudness, rare with common: {beyond:.4f}")
    permuted = [rare @ rng.permutation(common) / lengths for _ in range(200)]
    out.say(f"cosine with the neurons of one profile permuted: {np.mean(permuted):.3f}")
