"""Rows whose labels belong to documents, spans, pairs, places or types, for simulations in plain numpy.

    python -m tests.reference.exchange [--simulations 600] [--only PATTERN] [--part intervals|shuffles]

Everything is drawn anew in every simulation: documents, types, effects, labels, which mean nothing. Documents
have about sixteen rows of each condition; types follow Zipf's law; with `bursty`, a row takes a type that its
document had before with probability 1/2. Effects of documents and of types belong to single neurons, on log
influence (SD 0.5 each) or on the value (0.3, noise of SD 1).

Intervals: 90 % coverage of the truth, 0, for new documents and types, and level of the t at 5 %, for a
difference of means and for selectivity. Shuffles: rejection at 5 % where selection runs again under every
relabelling, over the labels' own unit and over finer ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[Any]
PER_DOCUMENT = 32


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with labels; each array has shape (n_rows,)."""

    document: Array
    type: Array
    span: Array
    """Numbered over the whole text."""
    pair: Array
    first: Array


def zipf_types(document: Array, n_types: int, bursty: bool, rng: np.random.Generator) -> Array:
    """A type for each row; rows of a document follow each other."""
    shares = 1 / np.arange(1, n_types + 1)
    types = rng.choice(n_types, size=document.size, p=shares / shares.sum())
    if bursty:
        again = rng.random(document.size) < 0.5
        starts = np.searchsorted(document, document)
        for row in np.flatnonzero(again & (np.arange(document.size) > starts)):
            types[row] = types[rng.integers(starts[row], row)]
    return types


def draw_rows(labels: str, n_documents: int, bursty: bool, rng: np.random.Generator) -> Rows:
    """Rows with labels constant within documents, spans, pairs (one of each label), ...

    Args:
        labels: ``document``; ``topic`` (documents, half of whose types belong to their label; ``topic 0.1``:
            a tenth); ``span`` (runs of rows of
            one label); ``pair``, ``sides`` (all pairs of a document differ alike); ``seen`` (whether the
            type occurred before in the document); ``index`` (first or second half of the document); ``type``.
    """
    sizes = rng.integers(PER_DOCUMENT // 2, PER_DOCUMENT * 3 // 2 + 1, n_documents)
    document = np.repeat(np.arange(n_documents), sizes)
    n_rows = document.size
    types = zipf_types(document, 400, bursty, rng)
    span = np.cumsum(np.r_[0, (rng.random(n_rows - 1) < 0.25) | (np.diff(document) > 0)])
    place = np.arange(n_rows) - np.searchsorted(document, document)
    pair = document * 1000 + place // 2
    if labels == "document" or labels.startswith("topic"):
        first = (rng.permutation(n_documents) < n_documents // 2)[document]
        if labels != "document":  # a share of the types is peculiar to a label
            share = labels.removeprefix("topic")
            own = rng.random(400) < float(share) if share else np.arange(400) % 2 == 1
            types = np.where(own[types], types + 1000 * first, types)
    elif labels == "span":
        tilt = rng.beta(2, 2, n_documents)  # documents differ in how many spans they have of each label
        n_spans = int(span[-1]) + 1
        owner = document[np.searchsorted(span, np.arange(n_spans))]
        first = (rng.random(n_spans) < tilt[owner])[span]
    elif labels in ("pair", "sides"):
        whole = np.bincount(pair)[pair] == 2
        document, types, span, pair, place = (x[whole] for x in (document, types, span, pair, place))
        first = (rng.random(pair.max() + 1) < 0.5)[pair] ^ (place % 2 == 0)
    elif labels == "index":
        first = place >= sizes[document] // 2
    elif labels == "seen":
        _, at = np.unique(document * 10_000 + types, return_index=True)
        first = np.ones(n_rows, dtype=bool)
        first[at] = False
    else:
        first = (rng.random(400) < 0.5)[types]
    keep = np.ones(document.size, dtype=bool)
    if labels == "seen":  # as many of both labels in a document, as matching gives
        order = rng.random(document.size)
        for number in range(n_documents):
            mine = np.flatnonzero(document == number)
            for side in (True, False):
                own = mine[first[mine] == side]
                least = min(first[mine].sum(), (~first[mine]).sum())
                keep[own[np.argsort(order[own])[least:]]] = False
    _, span = np.unique(span[keep], return_inverse=True)
    return Rows(document[keep], types[keep], span, pair[keep], first[keep])


def effects(
    rows: Rows, n: int, of_documents: float, of_types: float, rng: np.random.Generator, runs: float = 0.0
) -> Array:
    """Sum of document effects, type effects and noise for each of n neurons, shape (n_rows, n).

    Noise of a row has the correlation `runs` with that of the row before.
    """
    documents = np.unique(rows.document, return_inverse=True)[1]
    types = np.unique(rows.type, return_inverse=True)[1]
    values = rng.standard_normal((rows.document.size, n))
    for row in range(1, len(values) if runs else 0):
        values[row] = runs * values[row - 1] + np.sqrt(1 - runs**2) * values[row]
    values += of_documents * rng.standard_normal((documents.max() + 1, n))[documents]
    values += of_types * rng.standard_normal((types.max() + 1, n))[types]
    return values


def without_each(y: Array, first: Array, units: Array, statistic: Callable[[Array, Array], Array]) -> Array:
    """The statistic of both conditions' means without each unit in turn; units with rows of either."""
    codes = np.unique(units, return_inverse=True)[1]
    means = []
    for side in (first, ~first):
        sums = np.zeros((codes.max() + 1, y.shape[1]))
        np.add.at(sums, codes[side], y[side])
        counts = np.bincount(codes[side], minlength=codes.max() + 1)[:, None]
        means.append((sums.sum(axis=0) - sums) / (counts.sum() - counts))
    return statistic(means[0], means[1])


def spread(values: Array) -> float:
    """Jackknife variance."""
    return float((values.size - 1) * values.var())


def effective(units: Array) -> float:
    """1 / sum p^2."""
    counts = np.unique(units, return_counts=True)[1]
    return float(counts.sum() ** 2 / (counts.astype(float) ** 2).sum())


def difference(one: Array, other: Array) -> Array:
    """Of means, of the first neuron."""
    return one[..., 0] - other[..., 0]


def selectivity(one: Array, other: Array) -> Array:
    """Mean over neurons."""
    return ((one - other) / (one + other)).mean(axis=-1)


def sided(y: Array, rows: Rows, units: Array, statistic: Callable[[Array, Array], Array]) -> float:
    """V of the first condition's units plus V of the second's: as if no unit belonged to both."""
    total = 0.0
    for side in (True, False):
        mine = rows.first == side
        without = without_each(y, rows.first, np.where(mine, units, -1), statistic)
        total += spread(without[1:] if (~mine).any() else without)
    return total


def one_interval(
    labels: str, n_documents: int, sds: tuple[float, float], bursty: bool, nonlinear: bool, seed: Any
) -> dict[str, tuple[float, float, float]]:
    """Way to combine variances -> (estimate, variance, degrees of freedom)."""
    rng = np.random.default_rng(seed)
    rows = draw_rows(labels, n_documents, bursty, rng)
    y = effects(rows, 10 if nonlinear else 1, *sds, rng)
    statistic = difference
    if nonlinear:
        y, statistic = np.exp(0.7 * y), selectivity
    estimate = float(statistic(y[rows.first].mean(axis=0), y[~rows.first].mean(axis=0)))
    cells = rows.document.astype(np.int64) * 10_000 + rows.type
    d, t, c = (
        spread(without_each(y, rows.first, units, statistic)) for units in (rows.document, rows.type, cells)
    )
    ts, cs = sided(y, rows, rows.type, statistic), sided(y, rows, cells, statistic)
    n_d = effective(rows.document)
    if labels in ("document", "topic"):
        parts = [rows.first, ~rows.first]
        v = [sided_one(y, rows, rows.document, statistic, side) for side in (True, False)]
        n = [effective(rows.document[part]) for part in parts]
        n_d = sum(v) ** 2 / sum(x**2 / (k - 1) for x, k in zip(v, n, strict=True)) + 1
    n_t = min(effective(rows.type[part]) for part in (rows.first, ~rows.first))
    both = min(n_d, n_t) - 1
    return {
        "documents": (estimate, d, n_d - 1),
        "apart": (estimate, max(d, ts, d + ts - cs), both),
        "floored": (estimate, max(d, t, d + t - c), both),
        "difference": (estimate, max(d + t - c, 1e-12), both),
        "sum": (estimate, d + t, both),
    }


def sided_one(y: Array, rows: Rows, units: Array, statistic: Any, side: bool) -> float:
    """V over the units of one condition."""
    mine = rows.first == side
    return spread(without_each(y, rows.first, np.where(mine, units, -1), statistic)[1:])


def interval_settings() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Name -> arguments of `one_interval` but the seed."""
    for labels in ("document", "topic", "span", "index", "seen", "pair"):
        for n_documents in (40, 160):
            for sds in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
                for bursty in (False, True):
                    for nonlinear in (False, True):
                        what = "selectivity" if nonlinear else "mean"
                        name = (
                            f"{labels} {n_documents} {what} d{sds[0]} t{sds[1]} {'bursty' if bursty else ''}"
                        )
                        yield name, (labels, n_documents, sds, bursty, nonlinear)


def coverage(arguments: tuple[Any, ...], simulations: int) -> dict[str, tuple[float, float, float]]:
    """Way -> coverage of the 90 % interval, level of t at 5 %, SE / SD."""
    by_way: dict[str, list[tuple[float, float, float]]] = {}
    for number in range(simulations):
        for way, item in one_interval(*arguments, (2026, number)).items():
            by_way.setdefault(way, []).append(item)
    result = {}
    for way, items in by_way.items():
        estimate, variance, freedom = np.array(items).T
        t = np.abs(estimate) / np.sqrt(variance)
        result[way] = (
            float(np.mean(t <= stats.t.ppf(0.95, freedom))),
            float(np.mean(t > stats.t.ppf(0.975, freedom))),
            float(np.sqrt(variance.mean()) / estimate.std()),
        )
    return result


def division(scheme: str, rows: Rows, split: Array) -> tuple[Array, Array]:
    """Unit of each row, and stratum of each row, within which labels of units change places.

    Args:
        scheme: ``unit within strata``: row, document, span, type, half (of a document, by label); split,
            document, pair, type, count (log2 of the unit's rows), joined by `+`.
        rows: With labels.
        split: Whether each row is in the evaluation split.
    """
    unit, _, within = scheme.partition(" within ")
    every = {
        "row": np.arange(split.size),
        "document": rows.document,
        "span": rows.span,
        "type": rows.type,
        "half": rows.document * 2 + rows.first,
        "pair": rows.pair,
        "split": split.astype(int),
    }
    units = np.unique(every[unit], return_inverse=True)[1]
    every["count"] = np.frexp(np.bincount(units)[units])[1]
    strata = np.zeros(split.size, dtype=np.int64)
    for name in filter(None, within.split("+")):
        strata = np.unique(strata * 1_000_000 + every[name], return_inverse=True)[1]
    return units, strata


def permuted(first: Array, units: Array, strata: Array, n_draws: int, rng: np.random.Generator) -> Array:
    """Labels of units, permuted within strata, shape (n_draws, n_units)."""
    at = np.unique(units, return_index=True)[1]
    labels = np.repeat(first[at][None], n_draws, axis=0)
    for stratum in np.unique(strata[at]):
        members = np.flatnonzero(strata[at] == stratum)
        labels[:, members] = rng.permuted(labels[:, members], axis=1)
    return labels


def shuffled_p(y: Array, first: Array, split: Array, units: Array, drawn: Array, k: int) -> float:
    """Two-sided p of the selectivity of the k neurons that matter most to the first condition.

    Args:
        y: Influence, shape (n_rows, n_neurons).
        first: Label of each row.
        split: Whether each row is in the evaluation split; the k neurons are those of the other one.
        units: Of each row, from 0.
        drawn: Labels of units, shuffled, shape (n_draws, n_units).
        k: Neurons.
    """
    at = np.unique(units, return_index=True)[1]
    labels = np.concatenate([first[at][None], drawn]).astype(float)
    means = []
    for part in (~split, split):
        sums = np.zeros((labels.shape[1], y.shape[1]))
        np.add.at(sums, units[part], y[part])
        counts = np.bincount(units[part], minlength=labels.shape[1])
        means += [(side @ sums) / (side @ counts)[:, None] for side in (labels, 1 - labels)]
    group = np.argsort(-means[0], axis=1)[:, :k]
    preference = (means[2] - means[3]) / (means[2] + means[3])
    t = np.take_along_axis(preference, group, axis=1).mean(axis=1)
    above, below = ((np.sum(side) + 1) / len(t) for side in (t[1:] >= t[0], t[1:] <= t[0]))
    return float(min(1.0, 2 * min(above, below)))


def one_shuffle(
    labels: str,
    schemes: tuple[str, ...],
    n_documents: int,
    sds: tuple[float, float],
    bursty: bool,
    runs: float,
    seed: Any,
) -> dict[str, float]:
    """p by scheme."""
    rng = np.random.default_rng(seed)
    rows = draw_rows(labels, n_documents, bursty, rng)
    split = (rng.permutation(n_documents) % 2 == 0)[rows.document]
    y = np.exp(0.7 * effects(rows, 48, *sds, rng, runs))
    if labels == "sides":
        y *= np.exp(0.5 * rng.standard_normal((n_documents, 2, 48))[rows.document, rows.first.astype(int)])
    p_values = {}
    for scheme in schemes:
        units, strata = division(scheme, rows, split)
        drawn = permuted(rows.first, units, strata, 99, rng)
        p_values[scheme] = shuffled_p(y, rows.first, split, units, drawn, 5)
    return p_values


SCHEMES = {
    "document": ("document within split+count", "span within split", "row within split"),
    "topic": ("document within split+count", "row within split"),
    "span": (
        "span within document",
        "span within document+count",
        "span within split+count",
        "row within document",
    ),
    "pair": ("half within document", "row within pair", "row within document"),
    "sides": ("half within document", "row within pair", "row within document"),
    "index": ("half within document", "row within document", "row within split"),
    "seen": ("row within split+type", "row within type", "row within document", "row within document+type"),
    "type": ("type within count", "row within document"),
}
"""Labels -> what is tried, the labels' own unit first."""


def shuffle_settings() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Name -> arguments of `one_shuffle` but the seed."""
    topics = {f"topic {share}": SCHEMES["document"][:1] for share in (0.1, 0.2, 0.5, 1.0)}
    for labels, schemes in (SCHEMES | topics).items():
        for n_documents in (40, 160):
            for sds, bursty, runs in (
                ((0.0, 0.0), False, 0.0),
                ((0.7, 0.0), False, 0.0),
                ((0.0, 0.7), False, 0.0),
                ((0.5, 0.5), False, 0.0),
                ((0.5, 0.25), False, 0.0),
                ((0.7, 0.7), True, 0.0),
                ((0.7, 0.7), True, 0.7),
            ):
                name = f"{labels} {n_documents} d{sds[0]} t{sds[1]} {'bursty' if bursty else ''} r{runs}"
                yield name, (labels, schemes, n_documents, sds, bursty, runs)


def rejection(arguments: tuple[Any, ...], simulations: int, level: float = 0.05) -> dict[str, float]:
    """Scheme -> share of simulations with p at most the level."""
    shuffles = [one_shuffle(*arguments, (2027, number)) for number in range(simulations)]
    return {scheme: float(np.mean([item[scheme] <= level for item in shuffles])) for scheme in shuffles[0]}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--simulations", type=int, default=600)
    parser.add_argument("--only", default="*")
    parser.add_argument("--part", choices=("intervals", "shuffles"), default="intervals")
    options = parser.parse_args()
    for name, settings in shuffle_settings() if options.part == "shuffles" else ():
        if fnmatchcase(name, options.only):
            cells = "  ".join(f"{x} {y:.3f}" for x, y in rejection(settings, options.simulations).items())
            print(f"{name:40s} {cells}", flush=True)
    for name, arguments in interval_settings() if options.part == "intervals" else ():
        if fnmatchcase(name, options.only):
            cells = " ".join(
                f"{way} {c:.3f}/{level:.3f}/{ratio:.2f}"
                for way, (c, level, ratio) in coverage(arguments, options.simulations).items()
            )
            print(f"{name:45s} {cells}", flush=True)


if __name__ == "__main__":
    main()
