"""Attention at rare and at common targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.reference.by_hooks.errors import p_of_t, two_way
from tests.reference.by_hooks.evidence import Array, Split, head_numbers
from tests.reference.by_hooks.measures import gini, routing
from tests.reference.by_hooks.network import Network
from tests.reference.by_hooks.table import SEED, Table


def difference(means: Array) -> Array:
    return np.asarray(means[:, 0] - means[:, 1])


def check_attention(
    out: Table, net: Network, result: Any, selection: Split, e: Split, tokens: Array, n: int
) -> None:
    out.head("attention")
    by_name = {p["id"]: p for p in result["predictions"]}
    layers = np.unique(head_numbers(selection)[:, 0]).tolist()
    worst = 0.0
    for block in np.random.default_rng(SEED).choice(np.unique(e.block), n, replace=False):
        net(torch.from_numpy(tokens[block].astype(np.int64))[None], last=True)
        seen = torch.cat([net.blocks[i].attention.seen[0] for i in layers]).numpy()
        for row in np.flatnonzero(e.block == block):
            worst = max(worst, float(np.abs(seen[:, e.index[row]] - e.attention[row]).max()))
    out.row(f"attention in {n} blocks: largest difference", 0, worst)
    each = gini(e.attention, e.index + 1)
    values = each.mean(1)
    ok = np.isfinite(values)
    claimed = by_name["attention"]
    rare, common = (float(values[ok & rows].mean()) for rows in (e.rare, ~e.rare))
    out.row("Gini, rare", claimed["observed"], rare, "mean over positions")
    out.row("Gini, common", claimed["reference_value"], common)
    error = two_way(values[ok], e.rare[ok], e.document[ok], e.target[ok], difference)
    out.row(
        "    SE of the difference, two-way",
        claimed["interval"]["standard_error"],
        error.floored,
        error.said(),
    )
    out.row("    degrees of freedom", claimed["interval"]["degrees_of_freedom"], error.freedom)
    out.row(
        "    t", claimed["effect"] / claimed["interval"]["standard_error"], (rare - common) / error.floored
    )
    out.row("    p", claimed["p_value"], p_of_t(rare - common, error.floored, error.freedom))
    placed = np.isin(e.index, np.intersect1d(e.index[e.rare], e.index[~e.rare])) & ok
    by_place = [
        values[placed & e.rare & (e.index == i)].mean() - values[placed & ~e.rare & (e.index == i)].mean()
        for i in np.unique(e.index[placed])
    ]
    out.say(f"difference at equal place in the block, each place alike: {np.nanmean(by_place):.5f}")
    heads = np.stack([each[rows & ok].mean(0) for rows in (e.rare, ~e.rare)])
    labels = (e.rare[ok], e.document[ok], e.target[ok])
    tests = [two_way(each[ok, h], *labels, difference) for h in range(each.shape[1])]
    apart = (heads[0] - heads[1]) / np.array([test.floored for test in tests])
    out.say(
        f"by head: differences {np.min(heads[0] - heads[1]):+.4f} to {np.max(heads[0] - heads[1]):+.4f}, "
        f"{np.sum(heads[0] > heads[1])} of {len(apart)} above 0; t {apart.min():.1f} to {apart.max():.1f}, "
        f"{np.sum(np.abs(apart) > 3)} beyond 3"
    )
    for number, head in enumerate(sorted(result["figures"]["heads"], key=lambda h: (h["layer"], h["head"]))):
        for name, key, rows in (("rare", "gini_first", e.rare), ("common", "gini_second", ~e.rare)):
            mine = float(np.nanmean(each[rows, number]))
            if abs(mine - head[key]) > 1e-6:
                out.row(f"L{head['layer']}H{head['head']} Gini, {name}", head[key], mine)
    claimed = by_name["routing"]
    value, plain, ceiling = routing(e, 60)
    out.row("routing similarity, 60 halvings", claimed["observed"], value)
    out.row("    Spearman, mean of heads", claimed["secondary"]["spearman"]["value"], float(np.mean(plain)))
    out.row("    lowest head", claimed["secondary"]["spearman_lowest_head"]["value"], float(np.min(plain)))
    out.row("    noise ceiling", claimed["secondary"]["noise_ceiling"]["value"], ceiling)
    some = [routing(e, 5, seed)[0] for seed in range(8)]
    out.say(f"of 5 halvings, as claimed, 8 times: {np.min(some):.3f} to {np.max(some):.3f}")
