"""The selection of the group, and the premise: does it prefer rare targets?"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.by_hooks.errors import two_way
from tests.reference.by_hooks.evidence import Array, Split
from tests.reference.by_hooks.table import SEED, Table


def regimes(influence: Array, order: Array) -> tuple[float, float, float]:
    """Rank of the first of two breakpoints; flatness left of it, against the middle slope and the right one.

    Least squares over all pairs of breakpoints; mean log influence in 60 bins that are even in log rank.
    """
    n, logs = len(influence), np.log(influence[order])
    ranks = np.geomspace(1, n, 60)
    bins = np.searchsorted(np.sqrt(ranks[1:] * ranks[:-1]), np.arange(1, n + 1))
    inside = [bins == b for b in np.unique(bins)]
    x, y = (np.array([v[rows].mean() for rows in inside]) for v in (np.log(np.arange(1, n + 1)), logs))
    best = (np.inf, 0.0, np.zeros(4))
    for i in range(3, len(x) - 6):
        for j in range(i + 3, len(x) - 3):
            design = np.column_stack([np.ones_like(x), x, np.maximum(x - x[i], 0), np.maximum(x - x[j], 0)])
            coefficients, squares, *_ = np.linalg.lstsq(design, y, rcond=None)
            if squares[0] < best[0]:
                best = (float(squares[0]), float(np.exp(x[i])), coefficients)
    left, middle, right = np.abs(np.cumsum(best[2][1:]))
    return best[1], float(1 - left / middle), float(1 - left / right)


def check_selection(out: Table, result: Any, splits: dict[str, Split], group: Array, halvings: int) -> None:
    out.head("selection")
    s, e = splits["selection"], splits["evaluation"]
    common = np.array(result["group"]["control_neurons"])
    orders = {rare: np.argsort(-s.influence(rare), kind="stable") for rare in (True, False)}
    for rare, members, name in ((True, group, "rare"), (False, common, "common")):
        edge = s.influence(rare)[orders[rare]][len(members) - 1 : len(members) + 1]
        out.row(
            f"members among the {len(members)} most influential on {name}",
            len(members),
            len(np.intersect1d(orders[rare][: len(members)], members)),
            f"last in {edge[0]:.5f}, first out {edge[1]:.5f}",
        )
    out.row(
        "selected on rare and on common",
        np.isin(group, common).sum(),
        np.isin(orders[True][: len(group)], orders[False][: len(common)]).sum(),
    )
    rng = np.random.default_rng(SEED)
    documents = np.unique(s.document)
    for rare, name in ((True, "rare"), (False, "common")):
        fits = []
        for _ in range(halvings):
            half = np.isin(s.document, rng.permutation(documents)[: len(documents) // 2])
            ranked, read = (
                np.abs(s.delta[rows & (s.rare == rare)].astype(np.float64)).mean(0) for rows in (half, ~half)
            )
            fits.append(regimes(read, np.argsort(-ranked)))
        places, flatness, by_tail = np.array(fits).T
        claimed = next(f for f in result["figures"]["regimes"] if f["condition"] == name)
        check_regimes(out, claimed, name, halvings, places, flatness, by_tail)
        ranked = np.sort(s.influence(rare))[::-1]
        k = len(group)
        values = ", ".join(f"{r}: {ranked[r - 1]:.4f}" for r in (1, k, k + 1, round(1.5 * k), 4 * k))
        out.say(f"influence by rank: {values}")
        again = np.argsort(-e.influence(rare))[: len(group)]
        out.say(
            f"as many selected on the evaluation split, {name}: {np.isin(again, group).sum()} are the group's"
        )


def check_regimes(
    out: Table, claimed: Any, name: str, halvings: int, places: Array, flatness: Array, by_tail: Array
) -> None:
    """A plateau's end and how flat it is, where the report found one to speak of."""
    if not claimed["breakpoints"]:
        out.say(f"no regimes claimed of {name}; derived flatness {flatness.mean():.3f}")
        return
    out.row(
        f"end of the plateau, {name}, {halvings} halvings: median",
        claimed["breakpoints"][0],
        float(np.median(places)),
        f"{places.min():.0f} to {places.max():.0f}; claimed on the evaluation split",
    )
    out.row(
        "    flatness against the middle slope, the cliff",
        claimed["plateau_flatness"],
        float(flatness.mean()),
        f"{flatness.min():.3f} to {flatness.max():.3f}; a plateau from 0.85 on",
    )
    slopes = np.abs(claimed["slopes"])
    out.row(
        "    against the right slope, the power law",
        float(1 - slopes[0] / slopes[-1]),
        float(by_tail.mean()),
        "claimed: from the report's slopes",
    )


def check_selectivity(out: Table, result: Any, splits: dict[str, Split], group: Array, n: int) -> None:
    out.head("selectivity, the premise")
    claimed = {p["id"]: p for p in result["predictions"]}["specialization"]
    e = splits["evaluation"]
    rare, common = e.influence(True), e.influence(False)
    preference = (rare - common) / (rare + common)
    for name, influence in (("rare", rare), ("common", common)):
        out.row(
            f"influence of the group, {name}",
            claimed["secondary"][f"influence_{name}"]["value"],
            float(influence[group].mean()),
        )
    out.row("selectivity", claimed["observed"], float(preference[group].mean()))
    sizes = np.abs(e.delta[:, group].astype(np.float64))

    def selectivity(means: Array) -> Array:
        return np.asarray(((means[:, 0] - means[:, 1]) / (means[:, 0] + means[:, 1])).mean(-1))

    error = two_way(sizes, e.rare, e.document, e.target, selectivity)
    out.row("    SE, two-way", claimed["interval"]["standard_error"], error.floored, error.said())
    whole = rare.sum(), common.sum()
    out.say(
        f"of the whole layer: mean of neurons {preference.mean():.4f} ({preference.std():.4f}); of summed "
        f"influence {(whole[0] - whole[1]) / sum(whole):.4f}; loss {e.loss[e.rare].mean():.3f} on rare, "
        f"{e.loss[~e.rare].mean():.3f} on common"
    )
    at_equal_loss(out, e, group)

    # Labels dealt out over types within strata of log2 of their count, in both splits; selected again.
    rng = np.random.default_rng(SEED)
    target = np.concatenate([s.target for s in splits.values()])
    label_of = np.concatenate([s.rare for s in splits.values()])
    types, number = np.unique(target, return_counts=True)
    label = np.isin(types, target[label_of])
    stratum = np.floor(np.log2(number)).astype(int)
    sums = {k: np.zeros((len(types), s.delta.shape[1])) for k, s in splits.items()}
    tally = {}
    for k, s in splits.items():
        place = np.searchsorted(types, s.target)
        tally[k] = np.bincount(place, minlength=len(types))
        np.add.at(sums[k], place, np.abs(s.delta.astype(np.float64)))
    values = []
    for _ in range(n):
        drawn = label.copy()
        for level in np.unique(stratum):
            rows = np.flatnonzero(stratum == level)
            drawn[rows] = label[rng.permutation(rows)]
        chosen = np.argsort(-(drawn @ sums["selection"]) / (drawn @ tally["selection"]))[: len(group)]
        one, two = ((d @ sums["evaluation"]) / (d @ tally["evaluation"]) for d in (drawn, ~drawn))
        each = (one - two) / (one + two)
        values.append((each[chosen].mean(), each.mean()))
    of_group, of_layer = np.array(values).T
    out.row(
        "label_shuffled (type): mean",
        claimed["reference_value"],
        float(of_group.mean()),
        f"SE {of_group.std() / n**0.5:.1e}; top {len(group)}, no plateau fitted",
    )
    out.row("    SD", claimed["reference_sd"], float(of_group.std(ddof=1)))
    z = (preference[group].mean() - of_group.mean()) / of_group.std(ddof=1)
    out.row("    z", claimed["standardized"], float(z))
    out.say(
        f"z of the whole layer's mean preference among the same shuffles: "
        f"{(preference.mean() - of_layer.mean()) / of_layer.std(ddof=1):.1f}"
    )
    random_groups = np.array([rng.choice(len(rare), len(group), replace=False) for _ in range(2000)])
    beyond = float(np.mean(preference[random_groups].mean(1) > of_group.max()))
    out.say(f"random groups of as many neurons that lie above every shuffled draw: {beyond:.1%}")


def at_equal_loss(out: Table, e: Split, group: Array) -> None:
    """Both conditions weighted alike within 20 bins of the loss."""
    sizes = np.abs(e.delta.astype(np.float64))
    bins = np.searchsorted(np.quantile(e.loss[e.rare], np.linspace(0, 1, 21))[1:-1], e.loss)
    sides = [np.mean([sizes[rows & (bins == b)].mean(0) for b in range(20)], 0) for rows in (e.rare, ~e.rare)]
    each = (sides[0] - sides[1]) / (sides[0] + sides[1])
    least = min(int(np.sum(~e.rare & (bins == b))) for b in range(20))
    out.say(
        f"at equal loss (20 bins, at least {least} common positions in each): selectivity of the group "
        f"{each[group].mean():+.4f}, of the whole layer {each.mean():+.4f}"
    )
