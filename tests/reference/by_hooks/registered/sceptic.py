"""Could it have come out otherwise? What the same layer, positions and neurons could have shown."""

from __future__ import annotations

import numpy as np

from tests.reference.by_hooks.errors import two_sided
from tests.reference.by_hooks.evidence import Array, Rows
from tests.reference.by_hooks.profiles import Pairs
from tests.reference.by_hooks.registered.claims import Ledger
from tests.reference.by_hooks.registered.measured import preference
from tests.reference.by_hooks.registered.whole import FromStream, index
from tests.reference.by_hooks.table import SEED


def premise_of_others(out: Ledger, each: Array, layers: Array, drawn: Array, k: int) -> None:
    """How often do random groups pass for selective by shuffled labels?

    `each` is every neuron's preference, `layers` the same under shuffled labels, shape (n_draws, n_neurons).
    """
    rng = np.random.default_rng(SEED)
    groups = np.array([rng.choice(len(each), k, replace=False) for _ in range(1000)])
    values = each[groups].mean(1)
    out.fact("random groups above every shuffled draw", float(np.mean(values > drawn.max())))
    out.fact("random groups with p <= 0.05", float(np.mean([two_sided(v, drawn) <= 0.05 for v in values])))
    alone = [two_sided(float(v), layers[:, g].mean(1)) for v, g in zip(values, groups, strict=True)]
    out.fact(
        "random groups with p <= 0.05 that are not selected again", float(np.mean(np.array(alone) <= 0.05))
    )
    layer = layers.mean(1)
    out.fact("mean preference of the whole layer", float(each.mean()))
    out.fact("    its z under shuffled labels", float((each.mean() - layer.mean()) / layer.std(ddof=1)))


def reachable_index(out: Ledger, lesion: FromStream, s: Rows, e: Rows, group: Array) -> None:
    """Dissociation by groups as large that were chosen for their preference, not for their influence."""
    k, each = len(group), preference(s)
    loud = np.argsort(-(s.influence(True) + s.influence(False)))[: 4 * k]
    rng = np.random.default_rng(SEED)
    chosen = {
        "most selective": np.argsort(-each)[:k],
        "most selective of the loud": loud[np.argsort(-each[loud])[:k]],
        "most selective for the second": np.argsort(each)[:k],
        "most selective for the second of the loud": loud[np.argsort(each[loud])[:k]],
        "most selective on the evaluation split itself": np.argsort(-preference(e))[:k],
        "the most selective neuron of the loud": loud[np.argsort(-each[loud])[:1]],
    }
    for name, members in chosen.items():
        out.fact(f"index for the first condition, {name}", index(lesion(np.sort(members)), e.rare))
    random = [index(lesion(rng.choice(len(each), k, replace=False)), e.rare) for _ in range(20)]
    out.fact(
        "index for the first condition, 20 random groups", float(np.mean(random)), f"SD {np.std(random):.3f}"
    )


def reachable_similarity(out: Ledger, s: Rows, e: Rows) -> None:
    """Similarity of the profiles of the most unlike rows that the layer has, chosen on the selection split.

    Rows are labelled by the sign of the profile's largest component, found on the selection split: the
    outer quarters of the evaluation split's documents along it are the two conditions.
    """
    sizes = [np.abs(at.delta).astype(np.float64) for at in (s, e)]
    kind = np.arange(len(e.target)) + 10**6 if out.run == "agreement" else e.target

    def units(at: Rows) -> Array:
        return at.document if out.run == "agreement" else at.target

    shares = [x / x.sum(1, keepdims=True) for x in sizes]
    names, place = np.unique(units(s), return_inverse=True)
    means = np.array([shares[0][place == i].mean(0) for i in range(len(names))])
    axis = np.linalg.svd(means - means.mean(0), full_matrices=False)[2][0]
    names, place = np.unique(units(e), return_inverse=True)
    score = np.bincount(place, weights=shares[1] @ axis) / np.bincount(place)
    low, high = np.quantile(score, [0.25, 0.75])
    pairs = Pairs(np.abs(e.delta), e.document, kind)
    value = pairs.similarity((score >= high)[place], (score <= low)[place])
    out.fact("similarity of the two quarters of units with the most unlike profiles", value)
