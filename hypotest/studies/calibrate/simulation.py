"""Evidence whose truth is known: layers in which something, or nothing, is planted.

A layer is drawn first: its neurons' scales, correlations, weights and attention heads, and which of them
carry what is planted. Documents are drawn from the layer, so that a layer has a population of documents, and
what is measured on very many of them is the truth behind an interval.

With z_pi the activation of neuron i at position p on the normal scale (correlated over neurons through latent
factors, over positions through the document and its order),

    activation_pi   = sd_i t(z_pi)
    |delta_loss_pi| = influence_i quirk_(i, type of p) (1 + rarity, if i is planted and p rare) exp(noise_pi)

where t leaves a normal value as it is, or gives it the tails of Student's t.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.records.channels import Channel
from hypotest.records.conditions import Conditions
from hypotest.records.evidence import AblationMethod, Evidence, Weights
from hypotest.records.heads import Head, HeadAblation
from hypotest.records.rows import condition_type
from hypotest.records.split import SplitEvidence

Values = NDArray[np.float64]

HEADS = (Head(1, 0), Head(1, 1), Head(2, 0), Head(2, 1))
_HEAD_STRENGTHS = np.array([0.4, 1.6, 0.4, 0.6])  # of squared changes; L1H1 is the top head
_TOP_OF_LAYER = np.array([1, 3])
_D_MODEL = 48
NAMES = Conditions("rare", "common")
"""Of the conditions whose text is simulated."""
_CONTEXT = 16


@dataclass(frozen=True, slots=True)
class Planted:
    """What is true of some neurons and not of the others; the defaults plant nothing."""

    rarity: float = 0.0
    """Rare targets raise these neurons' |delta_loss| by this share."""
    loud: float = 1.0
    """Factor of their |delta_loss| on every target."""
    shared: float = 0.0
    """Loading of their activations on one factor of their own: coordination, 0 to 1."""
    communities: int = 0
    """Blocks into which they fall, each with a factor of its own."""
    cohesion: float = 0.0
    """Loading on the block's factor, 0 to 1."""
    spectrum: float = 0.0
    """Their output weights' variance falls with the direction's rank r as r^(-2 spectrum); 0: isotropic."""
    head_impact: float = 1.0
    """Factor of the squared change that the top attention head makes in them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """How large a simulated layer and its text are, how hard their data, and what is planted."""

    n_neurons: int = 160
    size: int = 16
    """Neurons that carry what is planted; a uniformly random subset of the layer."""
    planted: Planted = field(default_factory=Planted)

    n_documents: int = 40
    """Per split."""
    per_document: int = 6
    """Rare positions of a document, and as many common ones; the mean if lengths are unequal."""
    unequal: bool = False
    """Whether the documents' lengths are lognormal (SD of the logarithm 0.8) and not all the same."""
    n_types: int = 1000
    """Token types of each condition, which both splits share; the r-th is drawn in proportion to 1/r: so many
    that effectively some 30 occur, without which there is no interval over types."""
    quirks: float = 0.0
    """SD of the logarithm of each neuron's factor on each type, the same in both splits."""
    document_share: float = 0.1
    """Share of the variance of z and of the noise of |delta_loss| that belongs to the document."""
    run: int = 0
    """Positions in a row with one label; 0: in random order."""
    autocorrelation: float = 0.0
    """Of z and of the noise, from one position of a document to the next."""

    activation_spread: float = 0.3
    """SD of the logarithm of the neurons' activation SDs."""
    n_factors: int = 4
    """Latent factors of the activations; each neuron loads on a random mixture of them."""
    loading: float = 0.7
    """On that mixture, 0 to 1: two neurons correlate by its square times the cosine between mixtures."""
    degrees_of_freedom: float = np.inf
    """Of Student's t, whose tails activations and noise get."""

    influence_spread: float = 0.3
    """SD of the logarithm of the neurons' influence, unrelated to everything else."""
    influence_of_activation: float = 0.0
    """Slope of log influence on log activation SD, in SDs: influence that follows a covariate."""
    noise: float = 1.0
    """SD of the logarithm of |delta_loss| over positions."""
    noise_of_activation: float = 0.0
    """Share of that variance which is the neuron's own z: correlated neurons have correlated influences."""

    attention_noise: float = 0.2
    """SD over documents of the attention logits."""
    concentration: float = 0.0
    """Factor by which rare targets raise the attention logits, less 1."""
    concentration_spread: float = 0.0
    """SD of that factor over documents."""
    rerouting: float = 0.0
    """Share of the variance of the attention logits in which rare and common targets differ."""
    head_share: float = 0.5
    """Of the top head in the squared change that its whole layer of heads makes."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLayer:
    """One layer, drawn; a source of documents."""

    layer: Layer
    planted: NDArray[np.int64]
    """Neurons that carry what is planted, sorted."""
    mixtures: Values
    """Of latent factors, one column of length 1 per neuron, shape (n_factors, n_neurons)."""
    block: NDArray[np.int64]
    """Community of each planted neuron."""
    activation_sd: Values
    """Shape (n_neurons,)."""
    log_influence: Values
    """Shape (n_neurons,)."""
    quirks: Values
    """Log factors, shape (2 n_types, n_neurons), rare types first."""
    weights: Weights
    attention: Values
    """Mean logits at rare and common targets, shape (2, n_heads, context)."""
    head_effects: Values
    """Mean squared change per head and neuron, shape (n_heads, n_neurons)."""


def simulate(layer: Layer, seed: int | tuple[int, ...]) -> Evidence:
    """Draw a layer, and documents of both splits from it.

    Args:
        layer: What to simulate.
        seed: The same seed gives the same evidence.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_layer(layer, rng)
    return draw_evidence(drawn, rng)


def draw_layer(layer: Layer, rng: np.random.Generator) -> DrawnLayer:
    """Draw what all documents have in common."""
    n, planted = layer.n_neurons, layer.planted
    members = np.sort(rng.permutation(n)[: layer.size])
    spread = rng.normal(size=n)
    influence = layer.influence_spread * rng.normal(size=n) + layer.influence_of_activation * spread
    influence[members] += np.log(planted.loud)
    output = rng.normal(size=(n, _D_MODEL))
    falling = np.arange(1, _D_MODEL + 1) ** -planted.spectrum
    output[members] *= falling / np.sqrt(np.mean(falling**2))
    logits = rng.normal(size=(2, len(HEADS), _CONTEXT))
    share = layer.rerouting
    rare = np.sqrt(1 - share) * logits[1] + np.sqrt(share) * logits[0]
    effects = _HEAD_STRENGTHS[:, None] * np.exp(0.3 * rng.normal(size=(len(HEADS), n)))
    effects[_TOP_OF_LAYER[0], members] *= planted.head_impact
    mixtures = rng.normal(size=(layer.n_factors, n))
    return DrawnLayer(
        layer=layer,
        planted=members,
        mixtures=(mixtures / np.linalg.norm(mixtures, axis=0)).astype(np.float32),
        block=rng.permutation(np.arange(layer.size) % max(1, planted.communities)),
        activation_sd=np.exp(layer.activation_spread * spread),
        log_influence=influence,
        quirks=layer.quirks * rng.normal(size=(2 * layer.n_types, n)),
        weights=Weights(output=output, input=rng.normal(size=(n, _D_MODEL))),
        attention=np.stack([rare, logits[1]]),
        head_effects=effects,
    )


def draw_evidence(drawn: DrawnLayer, rng: np.random.Generator) -> Evidence:
    """Draw the documents of both splits."""
    selection = draw_documents(drawn, "selection", drawn.layer.n_documents, rng)
    return Evidence(
        selection=selection,
        evaluation=draw_documents(drawn, "evaluation", drawn.layer.n_documents, rng),
        weights=drawn.weights,
        heads=HEADS,
        mean_activation=selection.activations.mean(axis=0),
        ablation=AblationMethod("mean", 1e-4, 0, "identity", "simulated"),
        decomposition=None,
    )


def with_population(evidence: Evidence, drawn: DrawnLayer, factor: int, rng: np.random.Generator) -> Evidence:
    """The same selection split, measured on `factor` times as many documents."""
    population = draw_documents(drawn, "evaluation", factor * drawn.layer.n_documents, rng)
    return replace(evidence, evaluation=population)


def draw_documents(
    drawn: DrawnLayer, split: str, n_documents: int, rng: np.random.Generator
) -> SplitEvidence:
    """Draw documents of one split from a layer."""
    layer = drawn.layer
    documents, rare = _positions(layer, n_documents, rng)
    shares = 1 / np.arange(1, layer.n_types + 1)
    targets = rng.choice(layer.n_types, size=rare.size, p=shares / shares.sum()) + layer.n_types * ~rare
    z = _serial(layer, documents, lambda rows: _correlated(drawn, rows, rng), n_documents)
    activations = z * _tails(layer, z.shape, rng) * drawn.activation_sd
    frame = pl.DataFrame(
        {
            "document": documents,
            "block": documents,
            "index": np.full(rare.size, _CONTEXT - 1),
            "target": targets,
            "condition": pl.Series(np.where(rare, *NAMES), dtype=condition_type(NAMES)),
            "split": np.full(rare.size, split),
        }
    )
    return SplitEvidence(
        positions=frame,
        channels={
            Channel.ACTIVATIONS: activations,
            Channel.INFLUENCE: _delta_loss(drawn, z, documents, rare, targets, rng),
            Channel.LOSS: rng.exponential(size=rare.size),
            Channel.ATTENTION: _attention(drawn, documents, rare, rng),
        },
        heads=_head_ablation(drawn, documents, rare, rng),
    )


def _positions(
    layer: Layer, n_documents: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Document and label of each position, in the order of the text."""
    lengths = np.full(n_documents, layer.per_document)
    if layer.unequal:
        # exp(0.8 g - 0.32) has mean 1
        lengths = np.ceil(layer.per_document * np.exp(0.8 * rng.normal(size=n_documents) - 0.32)).astype(int)
    documents = np.repeat(np.arange(n_documents), 2 * lengths)
    place = np.arange(documents.size) - np.repeat(np.cumsum(2 * lengths) - 2 * lengths, 2 * lengths)
    if layer.run:
        first = rng.integers(2, size=n_documents)
        return documents, (place // layer.run + first[documents]) % 2 == 0
    order = np.lexsort((rng.random(documents.size), documents))
    rare = np.empty(documents.size, dtype=bool)
    rare[order] = place % 2 == 0
    return documents, rare


def _serial(
    layer: Layer,
    documents: NDArray[np.int64],
    standard: Callable[[int], Values],
    n_documents: int,
) -> Values:
    """Standard normal rows that hang together within a document, and from one position to the next."""
    own = standard(documents.size)
    if layer.autocorrelation:
        starts = np.r_[True, documents[1:] != documents[:-1]]
        place = np.arange(documents.size) - np.maximum.accumulate(
            np.where(starts, np.arange(documents.size), 0)
        )
        fresh = np.sqrt(1 - layer.autocorrelation**2)
        for step in range(1, int(place.max()) + 1):
            rows = np.flatnonzero(place == step)
            own[rows] = layer.autocorrelation * own[rows - 1] + fresh * own[rows]
    share = layer.document_share
    return np.asarray(np.sqrt(1 - share) * own + np.sqrt(share) * standard(n_documents)[documents])


def _correlated(drawn: DrawnLayer, n_rows: int, rng: np.random.Generator) -> Values:
    """Independent rows, correlated over neurons; every entry is standard normal."""
    layer, planted, members = drawn.layer, drawn.layer.planted, drawn.planted
    common = _normal(rng, n_rows, layer.n_factors) @ drawn.mixtures
    z = _mixed(_normal(rng, n_rows, layer.n_neurons), layer.loading, common)
    if planted.communities:
        blocks = _normal(rng, n_rows, planted.communities)
        z[:, members] = _mixed(z[:, members], planted.cohesion, blocks[:, drawn.block])
    if planted.shared:
        z[:, members] = _mixed(z[:, members], planted.shared, _normal(rng, n_rows, 1))
    return z


def _mixed(own: Values, loading: float, common: Values) -> Values:
    return np.asarray(np.sqrt(1 - loading**2) * own + loading * common)


def _normal(rng: np.random.Generator, *shape: int) -> Values:
    return rng.standard_normal(shape, dtype=np.float32)  # type: ignore[return-value]  # float32 is one of them


def _tails(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> Values | float:
    """What turns a normal value into one of Student's t; 1 for infinite degrees of freedom."""
    degrees = layer.degrees_of_freedom
    return 1.0 if np.isinf(degrees) else np.sqrt(degrees / rng.chisquare(degrees, size=shape))


def _delta_loss(
    drawn: DrawnLayer,
    z: Values,
    documents: NDArray[np.int64],
    rare: NDArray[np.bool_],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
) -> Values:
    layer, n_documents = drawn.layer, int(documents[-1]) + 1
    noise = _serial(layer, documents, lambda rows: _normal(rng, rows, layer.n_neurons), n_documents)
    share = layer.noise_of_activation
    noise = np.sqrt(1 - share) * noise + np.sqrt(share) * z
    log_effect = drawn.log_influence.astype(np.float32) + layer.noise * noise
    if layer.quirks:
        log_effect += drawn.quirks[targets]
    size = np.exp(log_effect) * _tails(layer, z.shape, rng)
    size[np.ix_(rare, drawn.planted)] *= 1 + layer.planted.rarity
    return np.asarray(np.where(rng.random(size.shape, dtype=np.float32) < 0.5, size, -size))


def _attention(
    drawn: DrawnLayer, documents: NDArray[np.int64], rare: NDArray[np.bool_], rng: np.random.Generator
) -> Values:
    """Softmax of mean logits and of noise, of the document and of the position."""
    layer, n_documents, shape = drawn.layer, int(documents[-1]) + 1, drawn.attention.shape[1:]
    logits = layer.attention_noise * _normal(rng, n_documents, *shape)[documents] + 0.5 * _normal(
        rng, rare.size, *shape
    )
    factor = layer.concentration + layer.concentration_spread * rng.normal(size=n_documents)
    strength = np.where(rare, 1 + factor[documents], 1.0)
    logits += strength[:, None, None] * drawn.attention[np.where(rare, 0, 1)]
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum(axis=2, keepdims=True))


def _head_ablation(
    drawn: DrawnLayer, documents: NDArray[np.int64], rare: NDArray[np.bool_], rng: np.random.Generator
) -> HeadAblation:
    """Sums over a document's rare positions; heads differ in effect from document to document."""
    n_documents = int(documents[-1]) + 1
    counts = np.bincount(documents[rare], minlength=n_documents)
    scale = counts[:, None] * drawn.activation_sd**2
    shape = (n_documents, len(HEADS))

    def varied(sd: float, *extra: int) -> Values:
        """Lognormal factors of mean 1."""
        return np.exp(sd * rng.normal(size=(*shape, *extra)) - sd**2 / 2)

    single = scale[:, None, :] * drawn.head_effects * varied(0.15)[:, :, None] * varied(0.2, scale.shape[1])
    whole = scale[:, None, :] * drawn.head_effects / drawn.layer.head_share * varied(0.15)[:, :, None]
    base = 10 * scale * np.exp(0.1 * rng.normal(size=scale.shape))
    return HeadAblation(
        documents=np.arange(n_documents),
        n_positions=counts,
        base=base,
        single=single,
        layer=whole[:, _TOP_OF_LAYER],
    )
