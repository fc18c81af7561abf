"""Every leading number of one registered run, derived anew and written beside the claimed one."""

from __future__ import annotations

import random

import numpy as np

from tests.reference.by_hooks.attention import difference
from tests.reference.by_hooks.errors import p_of_t, two_sided
from tests.reference.by_hooks.evidence import Array, Rows
from tests.reference.by_hooks.group import dimensions, draws_within, local_bins
from tests.reference.by_hooks.lesions import means_index
from tests.reference.by_hooks.measures import copula_information, dimension, gini
from tests.reference.by_hooks.profiles import Pairs
from tests.reference.by_hooks.registered import sceptic
from tests.reference.by_hooks.registered.claims import Ledger, claimed
from tests.reference.by_hooks.registered.judging import Test
from tests.reference.by_hooks.registered.measured import (
    error_of,
    error_of_folds,
    modularity,
    preference,
    top,
)
from tests.reference.by_hooks.registered.shuffles import deals, selected_again
from tests.reference.by_hooks.table import SEED

NULLS = ("size_matched", "local_matched")


def premise(out: Ledger, s: Rows, e: Rows, group: Array, n: int) -> Test:
    """Selectivity among labels that were dealt out anew."""
    rng = np.random.default_rng(SEED)
    at = "predictions/specialization"
    each = preference(e)
    own = float(each[group].mean())
    out.claim(f"{at}/observed", own, 2e-4)
    out.claim(f"{at}/ladder/label_shuffled/log10_relabellings", deals(out.run, [s, e])[1], 1e-3)
    groups, values, layers = [], [], []
    for chosen, preferences, _ in selected_again(out.run, s, e, len(group), n, rng):
        groups.append(chosen)
        values.append(preferences[chosen].mean())
        layers.append(preferences)
    drawn = np.array(values)
    null(out, f"{at}/ladder/label_shuffled", own, drawn)
    sizes = np.abs(e.delta[:, group].astype(np.float64))

    def selectivity(means: Array) -> Array:
        return np.asarray(((means[:, 0] - means[:, 1]) / (means[:, 0] + means[:, 1])).mean(-1))

    error = error_of(out.run, e, sizes, selectivity)
    out.claim(f"{at}/interval/standard_error", error.added, 0.5 * error.added, "folds", error.said())
    sceptic.premise_of_others(out, each, np.array(layers), drawn, len(group))
    out.fact("share of a shuffled group's members in the group", float(np.mean(np.isin(groups, group))))
    return Test(own - float(drawn.mean()), error.added, error.freedom, two_sided(own, drawn))


def null(out: Ledger, at: str, own: float, drawn: Array, noise: float = 0.0) -> None:
    """Mean, SD, z and p among draws, each within four of its Monte Carlo errors (both sides draw)."""
    said = {key: claimed(out.claims, f"{at}/{key}") for key in ("mean", "sd", "z", "p_value", "n_draws")}
    both = 1 / len(drawn) + 1 / said["n_draws"]
    sd = float(drawn.std(ddof=1))
    out.claim(f"{at}/mean", float(drawn.mean()), 4 * sd * both**0.5 + noise, "draws")
    kurtosis = float(np.mean((drawn - drawn.mean()) ** 4) / sd**4)
    spread = sd * (max(kurtosis - 1, 0.5) / 4 * both) ** 0.5
    out.claim(f"{at}/sd", sd, 4 * spread + noise / 3, "draws")
    z = (own - float(drawn.mean())) / sd
    out.claim(
        f"{at}/z", z, 4 * ((1 + z**2 * (max(kurtosis - 1, 0.5) / 4)) * both) ** 0.5 + 2 * noise / sd, "draws"
    )
    p = two_sided(own, drawn)
    half = max(p, said["p_value"]) / 2
    # `noise` moves the group's place among the draws: by the density of draws there, at most 0.4 / SD.
    moved = 2 * 0.4 * noise / sd
    within = 2 * (4 * (half * (1 - half) * both) ** 0.5 + 1 / len(drawn)) + moved
    out.claim(f"{at}/p_value", p, within, "draws", f"{len(drawn)} draws")


def null_groups(s: Rows, group: Array, n: int) -> dict[str, Array]:
    rng = np.random.default_rng(SEED)
    width = s.activations.shape[1]
    return {
        "size_matched": np.array([rng.choice(width, len(group), replace=False) for _ in range(n)]),
        "local_matched": draws_within(local_bins(s, group), group, n, rng),
    }


def structure(out: Ledger, s: Rows, e: Rows, group: Array, n: int) -> tuple[dict[str, Test], dict[str, Test]]:
    """Communities and dimensions; as declared, and by margins as narrow as what neighbours can show."""
    random.seed(SEED)
    x = e.activations[e.rare].astype(np.float64)
    correlation, information = np.corrcoef(x.T), copula_information(x)
    bins = local_bins(s, group)
    inside, whole = (np.bincount(b, minlength=bins.max() + 1) for b in (bins[group], bins))
    out.claim("group/draws/local_matched/movable", int(inside[inside < whole].sum()))
    kept = float((inside**2 / whole).sum() / len(group))
    out.claim("group/draws/local_matched/shared", kept, 1e-7)
    groups = null_groups(s, group, n)
    qs = [modularity(information, group, 3) for _ in range(100)]
    own = {
        "clustering": max(qs),
        "coordination": float(dimensions(correlation, group[None])[0]),
    }
    out.say(f"Q of 3 restarts, 100 times: {min(qs):.4f} to {max(qs):.4f}")
    out.claim("predictions/coordination/observed", own["coordination"], 1e-4)
    out.claim("predictions/clustering/observed", own["clustering"], 1e-3, "search")
    drawn: dict[str, dict[str, Array]] = {}
    for kind, members in groups.items():
        drawn[kind] = {
            "clustering": np.array([modularity(information, g) for g in members[: n // 3]]),
            "coordination": dimensions(correlation, members),
        }
        for name, values in drawn[kind].items():
            null(
                out,
                f"predictions/{name}/ladder/{kind}",
                own[name],
                values,
                1e-3 if name == "clustering" else 1e-4,
            )
    controls = groups["local_matched"][:20]

    def effects(rows: Array) -> Array:
        part = x_of(e, rows)
        every = np.concatenate([group[None], controls])
        columns, place = np.unique(every, return_inverse=True)
        place = place.reshape(every.shape)
        seen = part[:, columns]
        i = copula_information(seen)
        q = np.array([modularity(i, g, 8) for g in place])
        d = dimension(np.corrcoef(seen.T)[place[:, :, None], place[:, None, :]])
        return np.array([q[0] - q[1:].mean(), d[0] - d[1:].mean()])

    errors = error_of_folds(out.run, e, e.rare, effects)
    declared, today = {}, {}
    for name, error in zip(("clustering", "coordination"), errors, strict=True):
        values = drawn["local_matched"][name]
        effect = own[name] - float(values.mean())
        at = f"predictions/{name}"
        se = (error.added**2 + values.var() / len(values)) ** 0.5
        out.claim(f"{at}/interval/standard_error", se, 0.5 * se, "folds", error.said())
        scale = float(drawn["size_matched"][name].std(ddof=1))
        (declaration,) = [
            p["margin"]["null_sd"] for p in out.claims["protocol"]["predictions"] if p["id"] == name
        ]
        margin = declaration * scale
        p = two_sided(own[name], values)
        narrow = margin * min(1.0, (1 - kept) / (1 - len(group) / len(x[0])))
        for width, tests in ((margin, declared), (narrow, today)):
            held = float(np.mean(np.abs(values - values.mean()) <= width))
            tests[name] = Test(effect, se, 31, p, width, held)
        out.fact(f"{name}: largest local draw / margin", float(np.abs(values - values.mean()).max() / margin))
        out.fact(f"{name}: p of equivalence", declared[name].p_equivalence)
        out.fact(f"{name}: share of local draws inside the margin", declared[name].inside)
        out.fact(f"{name}: share inside the narrowed margin", today[name].inside)
    shuffled = shuffled_structure(out, s, e, group, correlation)
    out.fact(
        "coordination: mean dimension of groups selected under shuffled labels, at the true positions",
        float(shuffled.mean()),
    )
    out.fact(
        "coordination: z of the group among them",
        float((own["coordination"] - shuffled.mean()) / shuffled.std(ddof=1)),
    )
    return declared, today


def x_of(e: Rows, rows: Array) -> Array:
    return e.activations[rows].astype(np.float64)


def shuffled_structure(out: Ledger, s: Rows, e: Rows, group: Array, correlation: Array) -> Array:
    rng = np.random.default_rng(SEED + 1)
    chosen = np.array([g for g, *_ in selected_again(out.run, s, e, len(group), 300, rng)])
    return dimensions(correlation, chosen)


def similarity(out: Ledger, e: Rows, group: Array, output: Array) -> Test:
    """One profile for both conditions, or two? From pairs of rows that share neither document nor type."""
    at = "predictions/shared-influence"
    sizes = np.abs(e.delta)
    kind = np.arange(len(e.target)) + 10**6 if out.run == "agreement" else e.target
    pairs = Pairs(sizes, e.document, kind)
    value = pairs.similarity(e.rare, ~e.rare)
    spread = claimed(out.claims, f"{at}/interval/standard_error")
    out.claim(f"{at}/observed", value, 2e-4)
    rare, common = e.influence(True), e.influence(False)
    out.claim(
        f"{at}/secondary/cosine", float(rare @ common / np.linalg.norm(rare) / np.linalg.norm(common)), 1e-4
    )

    def again(rows: Array) -> Array:
        kept = np.zeros(len(e.rare), bool)
        kept[rows] = True
        return np.array([pairs.similarity(e.rare & kept, ~e.rare & kept)])

    (error,) = error_of_folds(out.run, e, np.ones(len(e.rare), bool), again)
    out.claim(
        f"{at}/interval/standard_error", error.added, 0.6 * max(error.added, spread), "folds", error.said()
    )
    loudness = e.activations.astype(np.float64).std(0) * np.linalg.norm(output, axis=1)
    for name, profile in (("first", rare), ("second", common)):
        cosine = float(profile @ loudness / np.linalg.norm(profile) / np.linalg.norm(loudness))
        out.fact(f"cosine of the {name} profile with loudness, blind to targets", cosine)
    outside = np.setdiff1d(np.arange(len(rare)), group)
    out.fact(
        "similarity without the group's neurons",
        Pairs(sizes[:, outside], e.document, kind).similarity(e.rare, ~e.rare),
    )
    return Test(value - 0.5, error.added, 31, p_of_t(value - 0.5, error.added, 31))


def concentration(out: Ledger, e: Rows) -> Test:
    """Attention of the heads of layers 1 and 2, as a Gini coefficient."""
    at = "predictions/attention"
    values = gini(e.attention, e.index + 1).mean(1)
    ok = np.isfinite(values)
    first, second = (float(values[ok & rows].mean()) for rows in (e.rare, ~e.rare))
    out.claim(f"{at}/observed", first, 1e-4)
    out.claim(f"{at}/reference_value", second, 1e-4)
    error = error_of(out.run, _part(e, ok), values[ok], difference)
    out.claim(f"{at}/interval/standard_error", error.floored, 0.02 * error.floored, "exact")
    out.claim(f"{at}/interval/degrees_of_freedom", error.freedom, 1.0)
    p = p_of_t(first - second, error.floored, error.freedom)
    out.claim(f"{at}/p_value", p, 0.01)
    return Test(first - second, error.floored, error.freedom, p, 0.05)


def _part(e: Rows, rows: Array) -> Rows:
    part = Rows()
    for name in ("rare", "document", "target"):
        setattr(part, name, getattr(e, name)[rows])
    return part


def dissociation(out: Ledger, e: Rows, name: str, change: Array, sign: int, words: tuple[str, str]) -> Test:
    """(own - other) / (own + other) of mean sizes of change, against 0.5."""
    at = f"predictions/{name}"
    size = np.abs(change)
    value = float(sign * means_index(np.array([[size[e.rare].mean(), size[~e.rare].mean()]]))[0])
    out.claim(f"{at}/observed", value, 2e-4)
    for word, rows in zip(words, (e.rare, ~e.rare), strict=True):
        out.claim(f"{at}/secondary/size_{word}", float(size[rows].mean()), 1e-4)
    error = error_of(out.run, e, size, means_index)
    out.claim(f"{at}/interval/standard_error", error.floored, 0.02 * error.floored, "exact", error.said())
    out.claim(f"{at}/interval/degrees_of_freedom", error.freedom, 1.0)
    return Test(value - 0.5, error.floored, error.freedom, p_of_t(value - 0.5, error.floored, error.freedom))


def groups_of(out: Ledger, s: Rows) -> tuple[Array, Array]:
    """The most influential on each condition, and whether they are the run's."""
    k = round(0.02 * s.activations.shape[1])
    group, control = top(s, True, k), top(s, False, k)
    for key, members, first in (("neurons", group, True), ("control_neurons", control, False)):
        influence = np.sort(s.influence(first))[::-1][k - 1 : k + 1]
        out.claim(
            f"group/{key}", members.tolist(), note=f"last in {influence[0]:.6f}, first out {influence[1]:.6f}"
        )
    out.claim("overlap", int(np.isin(group, control).sum()))
    return group, control
