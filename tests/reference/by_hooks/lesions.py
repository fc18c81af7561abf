"""Whole groups at once: what their lesion costs each condition, and what any lesion could."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.reference.by_hooks.errors import p_of_t, two_way
from tests.reference.by_hooks.evidence import Array, Lesions, Split
from tests.reference.by_hooks.network import Network, losses
from tests.reference.by_hooks.table import Table


def index(changes: Array, first: Array) -> float:
    a, b = changes[first].mean(), changes[~first].mean()
    return float((a - b) / (a + b))


def means_index(means: Array) -> Array:
    return np.asarray((means[:, 0] - means[:, 1]) / (means[:, 0] + means[:, 1]))


class Lesioner:
    """Changes of loss with groups ablated, from the residual stream, in float64."""

    def __init__(self, net: Network, selection: Split, e: Split, rows: Array) -> None:
        self.net, self.rows = net, rows
        self.residual = torch.from_numpy(e.residual[rows]).double()
        self.target = torch.from_numpy(e.target[rows].astype(np.int64))
        self.mean = selection.activations.astype(np.float64).mean(0)
        self.activations = e.activations[rows].astype(np.float64)
        self.before = losses(net, self.residual, self.target)

    def __call__(self, group: Array, zero: bool = False) -> Array:
        """At their means over the selection split, or at zero."""
        write = self.net.tested.down.weight.T[torch.from_numpy(group)]
        away = -self.activations[:, group] if zero else (self.mean - self.activations)[:, group]
        changed = self.residual + torch.from_numpy(away) @ write
        return (losses(self.net, changed, self.target) - self.before).numpy()


def groups_of(result: Any) -> dict[str, Array]:
    """Prediction -> the group that it ablates at once."""
    return {
        "dissociation": np.sort(np.array(result["group"]["neurons"])),
        "other-direction": np.sort(np.array(result["group"]["control_neurons"])),
    }


def check_stored_lesions(out: Table, result: Any, e: Split, lesions: Lesions) -> None:
    """The same from stored changes, of a layer behind which other blocks stand."""
    out.head("whole groups at once: dissociation, from stored changes")
    by_name = {p["id"]: p for p in result["predictions"]}
    for (name, group), sign in zip(groups_of(result).items(), (1, -1), strict=True):
        size = np.abs(lesions.evaluation[lesions.column(group)].astype(np.float64))
        check_index(out, name, by_name[name], size, sign, e, np.arange(len(e.rare)))


def check_index(out: Table, name: str, claimed: Any, size: Array, sign: int, e: Split, rows: Array) -> None:
    """The dissociation index of sizes of changes at some rows, its error and p."""
    first, document, target = e.rare[rows], e.document[rows], e.target[rows]
    out.row(f"{name}: index, by sizes", claimed["observed"], sign * index(size, first))
    error = two_way(size, first, document, target, means_index)
    out.row("    SE, two-way", claimed["interval"]["standard_error"], error.floored, error.said())
    out.row("    degrees of freedom", claimed["interval"]["degrees_of_freedom"], error.freedom)
    out.row(
        "    p against 0.5",
        claimed["p_value"],
        p_of_t(sign * index(size, first) - 0.5, error.floored, error.freedom),
    )
    for condition, part in (("rare", first), ("common", ~first)):
        out.row(
            f"    size, {condition}",
            claimed["secondary"][f"size_{condition}"]["value"],
            float(size[part].mean()),
        )


def check_lesions(
    out: Table, net: Network, result: Any, splits: dict[str, Split], lesions: Lesions, few: int
) -> None:
    out.head("whole groups at once: dissociation")
    by_name = {p["id"]: p for p in result["predictions"]}
    s, e = splits["selection"], splits["evaluation"]
    rows = np.arange(0, len(e.rare), few)
    lesion = Lesioner(net, s, e, rows)
    first = e.rare[rows]
    out.row(
        "loss: largest difference from the stored",
        0,
        float(np.abs(lesion.before.numpy() - e.loss[rows]).max()),
    )
    groups = groups_of(result)
    changes = {}
    for (name, group), sign in zip(groups.items(), (1, -1), strict=True):
        claimed, column = by_name[name], lesions.column(group)
        change = changes[name] = lesion(group)
        size = np.abs(change)
        out.row(
            f"{name}: largest change apart from the stored",
            0,
            float(np.abs(change - lesions.evaluation[column, rows]).max()),
            f"largest change {np.abs(change).max():.2f}",
        )
        check_index(out, "    at once", claimed, size, sign, e, rows)
        out.row(
            "    size, rows of neither condition, as stored",
            claimed["secondary"]["off_target_size"]["value"],
            float(np.abs(lesions.neither[column].astype(np.float64)).mean()),
        )
        out.say(
            f"index by damages {sign * index(change, first):.3f}: {change[first].mean():.3f} nats on rare, "
            f"{change[~first].mean():.3f} on common; helped {np.mean(change[first] < 0):.0%} and "
            f"{np.mean(change[~first] < 0):.0%}"
        )
        zero = np.abs(lesion(group, zero=True))
        medians = [float(np.median(size[part])) for part in (first, ~first)]
        out.say(
            f"index with the neurons at zero {sign * index(zero, first):.3f}; of median sizes "
            f"{sign * (medians[0] - medians[1]) / sum(medians):.3f}; in shares of the loss before "
            f"{sign * index(size / np.maximum(lesion.before.numpy(), 0.1), first):.3f}"
        )
    together = result["ablation"]["group"]
    out.row(
        "mean change of the rare group at once",
        together["together"],
        float(changes["dissociation"][first].mean()),
        "claimed over half of the rare positions",
    )
    one = by_name["dissociation"]["secondary"]
    alike = lesions.random & np.array([len(g) == len(groups["dissociation"]) for g in lesions.groups])
    stored = np.abs(lesions.evaluation[alike].astype(np.float64))
    random = np.array([index(group, e.rare) for group in stored])
    out.row("random groups, stored changes: index", one["random_groups_index"]["value"], float(random.mean()))
    out.row("    SD", one["random_groups_index_sd"]["value"], float(random.std(ddof=1)))
    own = np.abs(lesion(lesions.groups[int(np.flatnonzero(alike)[0])]))
    out.row("    the first of them, derived", float(index(stored[0][rows], first)), index(own, first))
    what_could_be(out, lesion, splits, groups["dissociation"], first)
    at_equal_loss(out, np.abs(changes["dissociation"]), lesion.before.numpy(), first)


def most_selective(s: Split, k: int) -> Array:
    rare, common = s.influence(True), s.influence(False)
    return np.argsort(-(rare - common) / (rare + common))[:k]


def what_could_be(out: Table, lesion: Lesioner, splits: dict[str, Split], group: Array, first: Array) -> None:
    """Could any group of that size reach 0.5? Groups chosen for selectivity instead of influence."""
    s = splits["selection"]
    rare, common = s.influence(True), s.influence(False)
    preference = (rare - common) / (rare + common)
    k = len(group)
    loud = np.argsort(-rare)[: 4 * k]
    scale = rare.sum() / common.sum()
    chosen = {
        "most selective of all": np.argsort(-preference)[:k],
        f"most selective of the {4 * k} most influential": loud[np.argsort(-preference[loud])[:k]],
        f"the next {k} by influence on rare": np.argsort(-rare)[k : 2 * k],
        "least selective of all": np.argsort(preference)[:k],
        "most beyond the common profile, scaled": np.argsort(-(rare - scale * common))[:k],
        "least beyond it": np.argsort(rare - scale * common)[:k],
        "the whole layer": np.arange(len(rare)),
        "most selective on the evaluation split itself": most_selective(splits["evaluation"], k),
    }
    for name, members in chosen.items():
        change = lesion(np.sort(members))
        size = np.abs(change)
        out.say(
            f"{name}: index for rare {index(size, first):+.3f} (sizes {size[first].mean():.3f}, "
            f"{size[~first].mean():.3f}); by damages {index(change, first):+.3f}; "
            f"{np.isin(members, group).sum()} of the group"
        )


def at_equal_loss(out: Table, size: Array, loss: Array, first: Array) -> None:
    """Within bins of loss before the lesion, equal weight for both conditions."""
    edges = np.quantile(loss[first], np.linspace(0, 1, 21))[1:-1]
    bins = np.searchsorted(edges, loss)
    pairs = [
        (size[first & (bins == b)].mean(), size[~first & (bins == b)].mean())
        for b in range(20)
        if (first & (bins == b)).any() and (~first & (bins == b)).any()
    ]
    a, b = np.mean(pairs, axis=0)
    out.say(
        f"dissociation at equal loss ({len(pairs)} bins): index {(a - b) / (a + b):.3f} "
        f"(sizes {a:.3f}, {b:.3f})"
    )
