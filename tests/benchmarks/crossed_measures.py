"""One simulation of each measure over new layers, documents and types: its error, and its variances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from hypotest.estimators.attention.routing import crossed_halvings, crossed_routing
from hypotest.estimators.covariances import correlation
from hypotest.estimators.dimension import effective_dimension, effective_dimension_resamples
from hypotest.estimators.graphs.information import gaussian_copula_information
from hypotest.estimators.graphs.modularity import communities, modularity_resamples, segregation
from hypotest.estimators.graphs.shared_partitions import modularity_left_out, search_variance
from hypotest.inference.crossed_means import mean_contrast, permuted_contrasts
from hypotest.inference.left_out import LEFT_OUT, Evaluate, crossed_errors, crossed_left_out, evaluated
from hypotest.measures.routing_similarity import HALVINGS
from hypotest.records.evidence.rows import effective_number

CONTROLS = 6
Rng = np.random.Generator


@dataclass(frozen=True)
class Setting:
    """What is simulated."""

    name: str
    measure: Callable[[Setting, Rng], dict[str, float]]
    n: int = 1000
    """Rows of each condition."""
    documents: int = 200
    types: tuple[int, int] = (400, 1500)
    """Rare and common types in the population, drawn in proportion to 1/r^0.7 and 1/r."""
    cap: int = 8
    """Rows of a type; 0: no cap."""
    type_sd: float = 0.0
    document_sd: float = 0.3
    groups: int = LEFT_OUT
    more: dict[str, Any] = field(default_factory=dict)


def drawn_text(s: Setting, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Documents, types and labels (True: rare) of all rows."""
    parts = []
    for number, exponent in zip(s.types, (0.7, 1.0), strict=True):
        share = np.arange(1, number + 1) ** -exponent
        drawn = rng.choice(number, size=6 * s.n, p=share / share.sum())
        kept = capped(drawn, s.cap, rng) if s.cap else np.arange(s.n)
        parts.append(rng.permutation(drawn[kept])[: s.n])
    rare = np.repeat([True, False], [len(part) for part in parts])
    types = np.concatenate([parts[0], s.types[0] + parts[1]])
    return rng.permutation(rare.size) % s.documents, types, rare


def capped(types: np.ndarray, cap: int, rng: Rng) -> np.ndarray:
    """A random set of rows with at most so many of each type."""
    order = rng.permutation(types.size)
    by_type = order[np.argsort(types[order], kind="stable")]
    starts = np.flatnonzero(np.diff(types[by_type], prepend=-1))
    place = np.arange(types.size) - np.repeat(starts, np.diff(starts, append=types.size))
    return np.asarray(by_type[place < cap])


def effects(s: Setting, rng: Rng, documents: np.ndarray, types: np.ndarray, *shape: int) -> np.ndarray:
    """Of the document and of the type, for each row."""
    by_document = s.document_sd * rng.normal(size=(s.documents, *shape))
    by_type = s.type_sd * rng.normal(size=(sum(s.types), *shape))
    return np.asarray(by_document[documents] + by_type[types])


def record(
    s: Setting,
    rng: Rng,
    truth: float,
    evaluate: Evaluate,
    rows: tuple[np.ndarray, ...],
    estimate: float = np.nan,
) -> dict[str, float]:
    """Error and variances of one simulation."""
    documents, types, rare = rows
    if np.isnan(estimate):
        estimate = float(evaluate(np.zeros(rare.size, dtype=int), np.ones((1, 1), dtype=int))[0])
    left_out = crossed_left_out(documents, types, ~rare, rng, s.groups)
    errors = crossed_errors(evaluated(evaluate, left_out), left_out)
    v = errors.variances
    return {
        "error": estimate - truth,
        "truth": truth,
        "bias": errors.bias,
        "documents": v.documents.variance,
        "types": v.over_types,
        "cells": v.cells,
        "freedom": v.degrees_of_freedom,
        "document_freedom": v.documents.units - 1,
        "effective_documents": effective_number(documents),
        "effective_types": min(effective_number(types[side]) for side in (rare, ~rare) if side.any()),
    }


def mean(s: Setting, rng: Rng) -> dict[str, float]:
    """Difference of means, with permuted labels of types beside it; one unit at a time."""
    documents, types, rare = drawn_text(s, rng)
    values = effects(s, rng, documents, types) + s.more.get("noise", 0.15) * rng.normal(size=rare.size)
    if s.more.get("skewed"):
        values += s.more["skewed"] * (rng.exponential(size=sum(s.types))[types] - 1)
    contrast = mean_contrast(values, rare, documents, types)
    v = contrast.variances
    result = {
        "error": contrast.estimate,
        "truth": 0.0,
        "bias": 0.0,
        "documents": v.documents.variance,
        "types": v.over_types,
        "cells": v.cells,
        "freedom": v.degrees_of_freedom,
        "document_freedom": v.documents.units - 1,
        "effective_documents": v.documents.units,
        "effective_types": min(item.units for item in v.types),
    }
    if s.more.get("permute"):
        draws = permuted_contrasts(values, rare, documents, types, 199, rng)
        extreme = int(np.sum(np.abs(draws) >= abs(contrast.statistic)))
        result["permutation"] = (extreme + 1) / 200
    return result


def selectivity(s: Setting, rng: Rng) -> dict[str, float]:
    """Rare targets raise |delta_loss| by half; type effects of each neuron and shared by all."""
    rows = documents, types, rare = drawn_text(s, rng)
    k = 20
    log = 0.3 * rng.normal(size=k) + rng.normal(size=(rare.size, k)) + effects(s, rng, documents, types, k)
    log += s.more.get("shared", 0.0) * rng.normal(size=sum(s.types))[types][:, None]
    size = np.exp(log) * np.where(rare, 1.5, 1.0)[:, None]

    def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        kept = weights[:, units].astype(float)
        one, other = (
            (kept[:, side] @ size[side]) / kept[:, side].sum(axis=1)[:, None] for side in (rare, ~rare)
        )
        return ((one - other) / (one + other)).mean(axis=1)

    return record(s, rng, 0.5 / 2.5, evaluate, rows)


def top_head(s: Setting, rng: Rng) -> dict[str, float]:
    """Ratio of sums over the rare rows, of squared changes with skewed noise; or its root."""
    documents, types, rare = (part[: s.n] for part in drawn_text(s, rng))
    noise = s.more.get("noise", 0.5)
    base = np.exp(noise * rng.normal(size=s.n) - noise**2 / 2)
    log = effects(s, rng, documents, types) + noise * rng.normal(size=s.n)
    spread = s.document_sd**2 + s.type_sd**2 + noise**2
    change = 0.25 * base * np.exp(log - spread / 2)
    power = 0.5 if s.more.get("root") else 1.0

    def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        kept = weights[:, units].astype(float)
        return ((kept @ change) / (kept @ base)) ** power

    return record(s, rng, 0.25**power, evaluate, (documents, types, rare))


def activations(s: Setting, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Normal activations at rare rows, their covariance, groups (the tested one first), and the rows."""
    k, n_neurons = s.more["k"], s.more.get("neurons", 40 * s.more["k"])
    groups = np.stack([np.arange(k), *(rng.permutation(n_neurons)[:k] for _ in range(CONTROLS))])
    used, places = np.unique(groups, return_inverse=True)
    mixtures = rng.normal(size=(4, used.size))
    mixtures /= np.linalg.norm(mixtures, axis=0)
    related = 0.49 * mixtures.T @ mixtures
    np.fill_diagonal(related, 1.0)
    share = s.more.get("planted", 0.0) ** 2
    if share:
        block = rng.permutation(np.arange(k) % s.more.get("blocks", 1))
        keep = np.ones(used.size)
        keep[:k] = np.sqrt(1 - share)
        related *= np.outer(keep, keep)
        related[:k, :k] += share * (block[:, None] == block)
        np.fill_diagonal(related, 1.0)
    scale = np.exp(0.3 * rng.normal(size=used.size))
    documents, types, rare = (part[: s.n] for part in drawn_text(s, rng))
    own = np.sqrt(1 - s.document_sd**2 - s.type_sd**2)
    z = own * rng.normal(size=(s.n, used.size)) + effects(s, rng, documents, types, used.size)
    root = np.linalg.cholesky(related)
    return (
        z @ root.T * scale,
        related * np.outer(scale, scale),
        places.reshape(groups.shape),
        (documents, types, rare),
    )


def contrast(values: np.ndarray) -> np.ndarray:
    """Of the tested group, first, with the mean of the others."""
    return np.asarray(values[0] - values[1:].mean(axis=0))


def dimension(s: Setting, rng: Rng) -> dict[str, float]:
    """Interpolated effective dimension."""
    x, moments, groups, rows = activations(s, rng)
    scale = s.more["scale"]

    def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return contrast(
            np.stack(
                [effective_dimension_resamples(x[:, group], units, weights, 0.95, scale) for group in groups]
            )
        )

    truth = effective_dimension(moments if scale == "covariance" else correlation(moments), groups, 0.95)
    return record(s, rng, float(contrast(truth)), evaluate, rows)


def participation(s: Setting, rng: Rng) -> dict[str, float]:
    """Participation ratio of the correlation."""
    x, moments, groups, rows = activations(s, rng)

    def ratios(matrix: np.ndarray) -> float:
        return float(contrast(np.array([len(g) ** 2 / np.sum(matrix[np.ix_(g, g)] ** 2) for g in groups])))

    def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.array([ratios(np.corrcoef(x[row[units] > 0].T)) for row in weights])

    return record(s, rng, ratios(correlation(moments)), evaluate, rows)


def segregated(s: Setting, rng: Rng) -> dict[str, float]:
    """Segregation, in a layer of the groups' neurons alone."""
    x, moments, groups, rows = activations(s, rng)

    def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        matrices = [gaussian_copula_information(x[row[units] > 0]) for row in weights]
        return np.array([float(contrast(segregation(item, groups))) for item in matrices])

    truth = contrast(segregation(population_information(moments), groups))
    return record(s, rng, float(truth), evaluate, rows)


def population_information(moments: np.ndarray) -> np.ndarray:
    """Mutual information of normal variables, in nats."""
    r = correlation(moments)
    np.fill_diagonal(r, 0.0)
    return np.asarray(-0.5 * np.log1p(-(r**2)))


def modularity(s: Setting, rng: Rng) -> dict[str, float]:
    """Q, best of 3 restarts; ``shared`` partitions, or each resample's own search."""
    x, moments, groups, rows = activations(s, rng)
    left_out = modularity_left_out if s.more.get("shared", True) else modularity_resamples

    def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return contrast(
            np.stack([left_out(x[:, group], units, weights, restarts=3, rng=rng) for group in groups])
        )

    observed = gaussian_copula_information(x)
    truth, estimate = (
        communities(information, groups, restarts=restarts, rng=rng).modularity
        for information, restarts in ((population_information(moments), 100), (observed, 3))
    )
    result = record(s, rng, float(contrast(truth)), evaluate, rows, float(contrast(estimate)))
    luck = [search_variance(observed, group, restarts=3, rng=rng) for group in groups]
    return {**result, "search": luck[0] + float(np.sum(luck[1:])) / CONTROLS**2}


def routing(s: Setting, rng: Rng) -> dict[str, float]:
    """Routing similarity less its value in the population."""
    rows = documents, types, rare = drawn_text(s, rng)
    heads, context, differ = 4, s.more.get("context", 16), s.more.get("rerouting", 0.0)
    logits = rng.normal(size=(2, heads, context))
    logits[0] = np.sqrt(1 - differ) * logits[1] + np.sqrt(differ) * logits[0]
    at_rows = effects(s, rng, documents, types, heads, context) + 0.5 * rng.normal(
        size=(rare.size, heads, context)
    )
    attention = softmax(at_rows + logits[np.where(rare, 0, 1)])
    truth = 1.0
    if differ:
        sd = np.sqrt(0.25 + s.document_sd**2 + s.type_sd**2)
        profiles = np.zeros((2, heads, context))
        for _ in range(8):
            profiles += softmax(logits + sd * rng.normal(size=(2000, 1, heads, context))).mean(axis=0)
        truth = float(np.mean([stats.spearmanr(*profiles[:, head]).statistic for head in range(heads)]))
    indices = np.full(rare.size, context - 1)
    halves = crossed_halvings(documents, types, HALVINGS, rng)

    def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return crossed_routing(attention, indices, rare, [(units, weights)], halves)[0].similarity

    return record(s, rng, truth, evaluate, rows)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Attention of logits, over the last axis."""
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
