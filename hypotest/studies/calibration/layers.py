"""A simulated layer, drawn: what all of its documents have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.evidence import Weights
from hypotest.records.evidence.heads import Head
from hypotest.studies.calibration.settings import Layer

Values = NDArray[np.float64]

HEADS = (Head(1, 0), Head(1, 1), Head(2, 0), Head(2, 1))
CONTEXT = 16
"""Keys that each query sees."""
TOP_OF_LAYER = np.array([1, 3])
"""Each layer's strongest head."""
_HEAD_STRENGTHS = np.array([0.4, 1.6, 0.4, 0.6])  # of squared changes; L1H1 is the top head
_D_MODEL = 48
_STEEPNESS = 2.0  # of who carries how much, where all do


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLayer:
    """One layer, drawn; a source of documents."""

    layer: Layer
    planted: NDArray[np.int64]
    """Specialists for rare targets, sorted."""
    carries: Values
    """How much of the planted property each neuron has, 0 to 1, shape (n_neurons,)."""
    dead: NDArray[np.int64]
    """Neurons that are constant."""
    mixtures: Values
    """Of latent factors, one column of length 1 per neuron, shape (n_factors, n_neurons)."""
    block: NDArray[np.int64]
    """Community of each neuron that carries the property, shape (n_neurons,)."""
    activation_sd: Values
    """Shape (n_neurons,)."""
    log_influence: Values
    """On every target, shape (n_neurons,)."""
    on_rare: Values
    """What is added to it at rare targets, shape (n_neurons,)."""
    on_common: Values
    """And at common ones, shape (n_neurons,)."""
    weights: Weights
    attention: Values
    """Mean logits at rare and common targets, shape (2, n_heads, context)."""
    head_effects: Values
    """Mean squared change per head and neuron, shape (n_heads, n_neurons)."""


def draw_layer(layer: Layer, rng: np.random.Generator) -> DrawnLayer:
    """Draw what all documents have in common."""
    n, planted = layer.n_neurons, layer.planted
    order = rng.permutation(n)
    members, commoners = np.sort(order[: layer.size]), np.sort(order[layer.size : 2 * layer.size])
    n_dead = min(round(layer.dead * n), n - 2 * layer.size)
    spread = rng.normal(size=n)
    influence = layer.influence_spread * rng.normal(size=n) + layer.influence_of_activation * spread
    carries = _carried(layer, members, spread, influence, rng)
    influence[members] += np.log(planted.loud)
    on_rare, on_common = (
        sd * rng.normal(size=n) for sd in (layer.preference_spread, layer.commonness_spread)
    )
    on_rare[members] += np.log1p(planted.rarity)
    on_common[commoners] += np.log1p(planted.commonness)
    output = rng.normal(size=(n, _D_MODEL))
    falling = np.arange(1, _D_MODEL + 1) ** (-planted.spectrum * carries[:, None])
    output *= falling / np.sqrt(np.mean(falling**2, axis=1, keepdims=True))
    logits = rng.normal(size=(2, len(HEADS), CONTEXT))
    share = layer.rerouting
    rare = np.sqrt(1 - share) * logits[1] + np.sqrt(share) * logits[0]
    effects = _HEAD_STRENGTHS[:, None] * np.exp(0.3 * rng.normal(size=(len(HEADS), n)))
    effects[TOP_OF_LAYER[0]] *= planted.head_impact**carries
    mixtures = rng.normal(size=(layer.n_factors, n))
    block = np.zeros(n, dtype=np.int64)
    carriers = np.flatnonzero(carries)
    block[carriers] = rng.permutation(np.arange(carriers.size) % max(1, planted.communities))
    return DrawnLayer(
        layer=layer,
        planted=members,
        carries=carries,
        dead=np.sort(order[n - n_dead :]),
        mixtures=(mixtures / np.linalg.norm(mixtures, axis=0)).astype(np.float32),
        block=block,
        activation_sd=np.exp(layer.activation_spread * spread),
        log_influence=influence,
        on_rare=on_rare,
        on_common=on_common,
        weights=Weights(output=output, input=rng.normal(size=(n, _D_MODEL))),
        attention=np.stack([rare, logits[1]]),
        head_effects=effects,
    )


def _carried(
    layer: Layer, members: NDArray[np.int64], spread: Values, influence: Values, rng: np.random.Generator
) -> Values:
    """How much of the property each neuron has."""
    who = layer.planted.carriers
    if who in ("loud", "influential"):
        of = spread if who == "loud" else influence
        standard = (of - of.mean()) / max(of.std(), np.finfo(float).tiny)
        return np.asarray(1 / (1 + np.exp(-_STEEPNESS * standard)))
    chosen = members if who == "specialists" else rng.permutation(layer.n_neurons)[: layer.size]
    carries = np.zeros(layer.n_neurons)
    carries[chosen] = 1.0
    return carries


@dataclass(frozen=True, slots=True, eq=False)
class DrawnTypes:
    """What the token types do, drawn: a sample of types as documents are one of documents."""

    n_types: int
    """Targets are numbered below it."""
    activation: Values | None
    """Mean of z on each type, shape (n_types, n_neurons)."""
    quirks: Values | None
    """Log factor of each neuron's |delta_loss|, shape (n_types, n_neurons)."""
    influence: Values
    """Log factor of all of them, shape (n_types,)."""
    attention: Values
    """Added to the factor of the logits, shape (n_types,)."""


def draw_types(drawn: DrawnLayer, n_types: int, rng: np.random.Generator) -> DrawnTypes:
    """Draw the effects of so many token types.

    Args:
        drawn: The layer.
        n_types: Of both conditions together.
        rng: Random numbers.
    """
    layer = drawn.layer
    wide = (n_types, layer.n_neurons)
    return DrawnTypes(
        n_types=n_types,
        activation=layer.type_activation * correlated(drawn, n_types, rng) if layer.type_activation else None,
        quirks=layer.quirks * normal(rng, *wide) if layer.quirks else None,
        influence=layer.type_influence * rng.normal(size=n_types),
        attention=layer.type_attention * rng.normal(size=n_types),
    )


def correlated(drawn: DrawnLayer, n_rows: int, rng: np.random.Generator) -> Values:
    """Independent rows, correlated over neurons; every entry is standard normal."""
    layer, planted, carries = drawn.layer, drawn.layer.planted, drawn.carries
    common = normal(rng, n_rows, layer.n_factors) @ drawn.mixtures
    z = _mixed(normal(rng, n_rows, layer.n_neurons), np.float32(layer.loading), common)
    who = np.flatnonzero(carries)
    strength = carries[who].astype(np.float32)
    if planted.communities:
        blocks = normal(rng, n_rows, planted.communities)
        z[:, who] = _mixed(z[:, who], planted.cohesion * strength, blocks[:, drawn.block[who]])
    if planted.shared:
        z[:, who] = _mixed(z[:, who], planted.shared * strength, normal(rng, n_rows, 1))
    return z


def normal(rng: np.random.Generator, *shape: int) -> Values:
    """Standard normal numbers of single precision, which are faster."""
    return rng.standard_normal(shape, dtype=np.float32)  # type: ignore[return-value]  # float32 is one of them


def _mixed(own: Values, loading: NDArray[np.float32] | np.float32, common: Values) -> Values:
    return np.asarray(np.sqrt(1 - loading**2) * own + loading * common)
