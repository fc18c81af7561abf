"""The measures of the group, and groups to compare it with, all drawn here."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations, product
from math import comb
from typing import Any

import leidenalg
import networkx
import numpy as np
from igraph import Graph
from scipy.stats import t as student
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from tests.reference.by_hooks.errors import folded, two_sided
from tests.reference.by_hooks.evidence import Array, Split
from tests.reference.by_hooks.measures import copula_information, dimension, hill, louvain
from tests.reference.by_hooks.table import SEED, Table


def local_bins(s: Split, group: Array, penalty: float = 25.0) -> Array:
    """Neurons by the odds of membership given log SD and log influence on common targets; bins of ten."""
    covariates = np.column_stack(
        [np.log(s.activations.astype(np.float64).std(0)), np.log(s.influence(False))]
    )
    z = (covariates - covariates.mean(0)) / covariates.std(0)
    member = np.isin(np.arange(len(z)), group)
    model = LogisticRegression(C=penalty, tol=1e-12, max_iter=10_000).fit(z, member)  # prior SD 5
    rank = np.argsort(np.argsort(-model.decision_function(z), kind="stable"))
    return np.asarray(np.minimum(rank // 10, len(z) // 10 - 1))


def draws_within(bins: Array, group: Array, n: int, rng: np.random.Generator) -> Array:
    drawn = []
    for b in np.unique(bins[group]):
        members, taken = np.flatnonzero(bins == b), int((bins[group] == b).sum())
        drawn.append(np.array([rng.choice(members, taken, replace=False) for _ in range(n)]))
    return np.concatenate(drawn, 1)


def every_group(bins: Array, group: Array, most: int = 20_000) -> Array | None:
    """All groups with as many neurons in each bin; None where there are too many."""
    inside = [(np.flatnonzero(bins == b), int((bins[group] == b).sum())) for b in np.unique(bins[group])]
    if np.prod([float(comb(len(members), taken)) for members, taken in inside]) > most:
        return None
    parts = [list(combinations(members.tolist(), taken)) for members, taken in inside]
    return np.array([sum(choice, ()) for choice in product(*parts)])


def of(matrix: Array, groups: Array) -> Array:
    return np.asarray(matrix[groups[:, :, None], groups[:, None, :]])


def dimensions(correlation: Array, groups: Array) -> Array:
    parts = np.array_split(groups, max(1, len(groups) // 300))
    return np.concatenate([dimension(of(correlation, part)) for part in parts])


def check_measures(out: Table, result: Any, e: Split, output: Array, group: Array) -> None:
    out.head("the group's measures")
    by_name = {p["id"]: p for p in result["predictions"]}
    x = e.activations[e.rare].astype(np.float64)
    correlation, covariance = np.corrcoef(x.T), np.cov(x.T)
    c = by_name["coordination"]
    z = (x[:, group] - x[:, group].mean(0)) / x[:, group].std(0)
    out.row(
        "effective dimension (correlation)", c["observed"], float(dimension(of(correlation, group[None]))[0])
    )
    out.row(
        "    integer, by scikit-learn's PCA",
        c["secondary"]["dimension"]["value"],
        int(PCA(n_components=0.95).fit(z).n_components_),
    )
    out.row(
        "    of covariance",
        c["secondary"]["of_covariance"]["value"],
        float(dimension(of(covariance, group[None]))[0]),
    )
    values = np.linalg.eigvalsh(correlation[np.ix_(group, group)])
    out.row(
        "    participation ratio",
        c["secondary"]["participation_ratio"]["value"],
        float(values.sum() ** 2 / np.square(values).sum()),
    )
    information = copula_information(x)
    own = information[np.ix_(group, group)]
    graph = networkx.from_numpy_array(own)
    parts = max(
        (networkx.community.louvain_communities(graph, seed=i) for i in range(20)),
        key=lambda parts: networkx.community.modularity(graph, parts),
    )
    c = by_name["clustering"]
    weighted = Graph.Weighted_Adjacency(own, mode="undirected", loops=False)
    leiden = max(
        leidenalg.find_partition(
            weighted, leidenalg.ModularityVertexPartition, weights="weight", n_iterations=-1, seed=i
        ).quality()
        for i in range(20)
    )
    out.row(
        "Q, networkx, best of 20",
        c["observed"],
        networkx.community.modularity(graph, parts),
        f"{len(parts)} communities; Leiden {leiden:.6f}",
    )
    outside = np.setdiff1d(np.arange(len(information)), group)
    inside = own.sum() / (len(group) * (len(group) - 1))
    out.row(
        "    segregation",
        c["secondary"]["segregation"]["value"],
        float(inside / information[np.ix_(group, outside)].mean()),
    )
    alpha, unbiased = hill(output[group])
    c = by_name["spectrum"]
    out.row("Hill alpha", c["observed"], alpha)
    out.row("    unbiased", c["secondary"]["unbiased"]["value"], unbiased)


def check_nulls(
    out: Table, result: Any, splits: dict[str, Split], output: Array, group: Array, n: int
) -> None:
    out.head(f"nulls, {n} own draws ({n // 3} for Q)")
    by_name = {p["id"]: p for p in result["predictions"]}
    s, e = splits["selection"], splits["evaluation"]
    x = e.activations[e.rare].astype(np.float64)
    correlation, information = np.corrcoef(x.T), copula_information(x)
    rare, common = e.influence(True), e.influence(False)
    preference = (rare - common) / (rare + common)
    rng = np.random.default_rng(SEED)
    random.seed(SEED)
    bins = local_bins(s, group)
    inside_bin, whole = np.bincount(bins[group], minlength=bins.max() + 1), np.bincount(bins)
    claimed_draws = result["group"]["draws"]["local_matched"]
    out.row("movable members", claimed_draws["movable"], int(inside_bin[inside_bin < whole].sum()))
    out.row(
        "expected share of members kept",
        claimed_draws["shared"],
        float((inside_bin**2 / whole).sum() / len(group)),
    )
    nulls = {
        "size_matched": np.array([rng.choice(len(x[0]), len(group), replace=False) for _ in range(n)]),
        "local_matched": draws_within(bins, group, n, rng),
    }
    own = {
        "specialization": float(preference[group].mean()),
        "coordination": float(dimension(of(correlation, group[None]))[0]),
        "clustering": float(np.mean([louvain(information[np.ix_(group, group)]) for _ in range(30)])),
        "spectrum": hill(output[group])[0],
    }
    for null, groups in nulls.items():
        measured = {
            "specialization": preference[groups].mean(1),
            "coordination": dimensions(correlation, groups),
            "clustering": np.array([louvain(information[np.ix_(g, g)]) for g in groups[: n // 3]]),
            "spectrum": np.array([hill(output[g])[0] for g in groups]),
        }
        for name, drawn in measured.items():
            claimed = next(row for row in by_name[name]["ladder"] if row["null"] == null)
            out.row(
                f"{null}, {name}: mean",
                claimed["mean"],
                float(drawn.mean()),
                f"SE {drawn.std() / len(drawn) ** 0.5:.1e}",
            )
            out.row("    SD", claimed["sd"], float(drawn.std(ddof=1)))
            out.row("    z", claimed["z"], float((own[name] - drawn.mean()) / drawn.std(ddof=1)))
            out.row(
                "    p",
                claimed["p_value"],
                two_sided(own[name], drawn),
                f"{len(drawn)} draws, claimed {claimed['n_draws']}",
            )
    every = every_group(bins, group)
    if every is not None:
        values = dimensions(correlation, every)
        low, high = (
            np.mean(values <= own["coordination"] + 1e-9),
            np.mean(values >= own["coordination"] - 1e-9),
        )
        margin = by_name["coordination"]["margin"][1]
        beyond = [np.mean(sign * (values - values.mean()) > margin) for sign in (-1, 1)]
        out.say(
            f"all {len(every)} groups that local_matched can draw, of {len(np.unique(every))} neurons: "
            f"dimension {values.mean():.4f} ({values.std():.4f}), {values.min():.3f} to {values.max():.3f}, "
            f"exact p {2 * min(low, high):.4f}; beyond the margin {beyond[0]:.1%} and {beyond[1]:.1%}"
        )
    # How much hangs on the matching: other penalties, other bins, the claim the other way round.
    for name, other in (("no penalty", local_bins(s, group, 1e6)), ("prior SD 1", local_bins(s, group, 1.0))):
        drawn = dimensions(correlation, draws_within(other, group, n // 3, rng))
        out.say(
            f"coordination, local_matched with {name}: mean {drawn.mean():.3f}, SD {drawn.std():.3f}, "
            f"z {(own['coordination'] - drawn.mean()) / drawn.std():.2f}, "
            f"p {two_sided(own['coordination'], drawn):.3f}"
        )
    rank = np.argsort(np.argsort(-s.influence(False)))
    for size in (10, 20, 40):
        other = np.minimum(rank // size, len(rank) // size - 1)
        drawn = dimensions(correlation, draws_within(other, group, n // 3, rng))
        out.say(
            f"coordination against neighbours by influence on common alone, bins of {size}: mean "
            f"{drawn.mean():.3f}, SD {drawn.std():.3f}, p {two_sided(own['coordination'], drawn):.3f}; "
            f"{np.mean([np.isin(group, g).mean() for g in draws_within(other, group, 20, rng)]):.0%} kept"
        )
    k = len(group)
    after = np.argsort(-s.influence(True))[k : 2 * k]
    out.say(
        f"the next {k} by influence on rare: dimension {dimensions(correlation, after[None])[0]:.2f}, "
        f"Q {louvain(information[np.ix_(after, after)], 20):.4f}"
    )
    margins = {name: by_name[name]["margin"][1] for name in ("coordination", "clustering")}
    swaps(out, margins["coordination"], group, bins, lambda g: float(dimensions(correlation, g[None])[0]))
    swaps(out, margins["clustering"], group, bins, lambda g: louvain(information[np.ix_(g, g)], 3))
    c = by_name["coordination"]
    check_interval(out, c, e, x, group, nulls["local_matched"][:20])


def swaps(out: Table, margin: float, group: Array, bins: Array, measure: Callable[[Array], float]) -> None:
    """How far can a group get from this one by exchanges within bins? Greedily, one by one."""
    own = measure(group)
    movable = [m for m in group if not np.isin(np.flatnonzero(bins == bins[m]), group).all()]
    ends = []
    for sign in (-1, 1):
        now = group.copy()
        for member in movable:
            outside = np.setdiff1d(np.flatnonzero(bins == bins[member]), now)
            others = [now, *(np.where(now == member, other, now) for other in outside)]
            now = others[int(np.argmax([sign * measure(g) for g in others]))]
        ends.append(measure(now))
    out.say(
        f"by exchanges within bins, {len(movable)} members in {len(np.unique(bins[movable]))} bins: from "
        f"{own:.4f} down to {ends[0]:.4f}, up to {ends[1]:.4f}; margin of equivalence {margin:.4f}"
    )


def check_interval(out: Table, claimed: Any, e: Split, x: Array, group: Array, controls: Array) -> None:
    """Of the dimension, and of the dimension less the mean of 20 local groups."""
    groups = np.concatenate([group[None], controls])
    columns, place = np.unique(groups, return_inverse=True)
    place, part = place.reshape(groups.shape), x[:, columns]

    def values(kept: Array) -> Array:
        t = dimension(of(np.corrcoef(part[kept].T), place))
        return np.array([t[0], t[0] - t[1:].mean()])

    document, target = e.document[e.rare], e.target[e.rare]
    errors = folded(document, target, np.ones(len(part), dtype=bool), values)
    low, high = claimed["own_intervals"]["observed"]
    half = (high - low) / 2 / student.ppf(0.975, claimed["interval"]["degrees_of_freedom"])
    stated = (half, claimed["interval"]["standard_error"])
    for name, se, error in zip(("T alone", "the effect"), stated, errors, strict=True):
        out.row(f"dimension: SE of {name}, two-way", se, error.floored, error.said())
