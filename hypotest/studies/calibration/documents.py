"""Evidence whose truth is known: documents of a simulated layer in which something, or nothing, is planted.

A layer is drawn first (`hypotest.studies.calibration.layers`), then the effects of token types, then
documents. So a layer has a population of documents and types, and what is measured on many other ones is the
truth behind an interval.

With z_pi the activation of neuron i at position p on the normal scale (correlated over neurons through latent
factors, over positions through the document, its order, and the type),

    activation_pi   = sd_i t(z_pi)
    |delta_loss_pi| = influence_i preference_(i, label of p) quirk_(i, type of p) exp(type + noise_pi)

where t leaves a normal value as it is, or gives it the tails of Student's t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import AblationMethod, Evidence
from hypotest.records.evidence.partition import Partition
from hypotest.records.evidence.rows import condition_type
from hypotest.records.evidence.split import SplitEvidence
from hypotest.studies.calibration.attention import draw_attention, draw_head_ablation
from hypotest.studies.calibration.layers import (
    CONTEXT,
    HEADS,
    DrawnLayer,
    DrawnTypes,
    Values,
    correlated,
    draw_layer,
    draw_types,
    normal,
)
from hypotest.studies.calibration.rows import SimulatedRows, draw_rows
from hypotest.studies.calibration.settings import Layer

PARTS = ("a", "b", "c", "d")
"""Declared parts of the neurons, which have nothing to do with anything that is drawn."""
Texts = Mapping[str, SimulatedRows]
"""Split -> the rows of a text at hand."""


def simulate(layer: Layer, seed: int | tuple[int, ...]) -> Evidence:
    """Draw a layer, and documents of both splits from it.

    Args:
        layer: What to simulate.
        seed: The same seed gives the same evidence.
    """
    rng = np.random.default_rng(seed)
    return draw_evidence(draw_layer(layer, rng), rng)


def draw_evidence(drawn: DrawnLayer, rng: np.random.Generator, texts: Texts | None = None) -> Evidence:
    """Draw types, and the documents of both splits.

    Args:
        drawn: The layer.
        rng: Random numbers.
        texts: Rows to fill; None: drawn as the layer says.
    """
    layer = drawn.layer
    types = draw_types(drawn, _n_types(layer, texts), rng)
    splits = {}
    for split in ("selection", "evaluation"):
        rows = draw_rows(layer, layer.n_documents, rng) if texts is None else texts[split]
        splits[split] = draw_documents(drawn, types, rows, split, rng)
    return Evidence(
        selection=splits["selection"],
        evaluation=splits["evaluation"],
        weights=drawn.weights,
        heads=HEADS,
        mean_activation=splits["selection"].activations.mean(axis=0),
        ablation=AblationMethod("mean", 1e-4, 0, "identity", "simulated"),
        decomposition=None,
        partition=Partition(PARTS, np.arange(layer.n_neurons) % len(PARTS)),
    )


def other_texts(
    evidence: Evidence, drawn: DrawnLayer, number: int, rng: np.random.Generator, texts: Texts | None = None
) -> list[Evidence]:
    """The same layer and selection split, measured on other documents with other types, as many each time."""
    layer, others = drawn.layer, []
    for text in range(number):
        n_types = _n_types(layer, texts)
        rows = draw_rows(layer, layer.n_documents, rng) if texts is None else texts["evaluation"]
        types = draw_types(drawn, n_types, rng)
        split = draw_documents(
            drawn, types, rows, "evaluation", rng, numbered_from=(text * rows.n_documents, text * n_types)
        )
        others.append(replace(evidence, evaluation=split))
    return others


def joined(parts: list[Evidence]) -> Evidence:
    """One text of all of them."""
    first, *others = (item.evaluation for item in parts)
    return replace(parts[0], evaluation=first.joined_with(*others))


def _n_types(layer: Layer, texts: Texts | None) -> int:
    if texts is None:
        return 2 * layer.n_types
    return 1 + max(int(rows.types.max()) for rows in texts.values())


def draw_documents(
    drawn: DrawnLayer,
    types: DrawnTypes,
    rows: SimulatedRows,
    split: str,
    rng: np.random.Generator,
    numbered_from: tuple[int, int] = (0, 0),
) -> SplitEvidence:
    """Draw what is found at the rows of one split.

    Args:
        drawn: The layer.
        types: What its token types do.
        rows: Of the text.
        split: Its name.
        rng: Random numbers.
        numbered_from: First document and first type, so that texts can be joined.
    """
    layer, rare = drawn.layer, rows.rare
    z = _serial(layer, rows, lambda number: correlated(drawn, number, rng), types.activation)
    activations = (z * _tails(layer, z.shape, rng) * drawn.activation_sd).astype(np.float32)
    delta_loss = _delta_loss(drawn, types, z, rows, rng)
    activations[:, drawn.dead] = 0.0
    delta_loss[:, drawn.dead] = 0.0
    named = rows.numbered_from(*numbered_from)
    frame = pl.DataFrame(
        {
            "document": named.documents,
            "block": named.documents,
            "index": np.full(rare.size, CONTEXT - 1),
            "target": named.types,
            "condition": pl.Series(np.where(rare, *rows.names), dtype=condition_type(rows.names)),
            "split": np.full(rare.size, split),
        }
    )
    heads = draw_head_ablation(drawn, rows, rng)
    return SplitEvidence(
        positions=frame,
        channels={
            Channel.ACTIVATIONS: activations,
            Channel.INFLUENCE: delta_loss,
            Channel.LOSS: rng.exponential(size=rare.size) * np.where(rare, layer.rare_loss, 1.0),
            Channel.ATTENTION: draw_attention(drawn, types, rows, rng),
        },
        heads=replace(heads, documents=heads.documents + numbered_from[0]),
    )


def _serial(
    layer: Layer, rows: SimulatedRows, standard: Callable[[int], Values], of_types: Values | None = None
) -> Values:
    """Standard normal rows that hang together in a document, a type, and from one position to the next."""
    documents = rows.documents
    own = standard(documents.size)
    if layer.autocorrelation:
        starts = np.r_[True, documents[1:] != documents[:-1]]
        place = np.arange(documents.size) - np.maximum.accumulate(
            np.where(starts, np.arange(documents.size), 0)
        )
        fresh = np.sqrt(1 - layer.autocorrelation**2)
        for step in range(1, int(place.max()) + 1):
            here = np.flatnonzero(place == step)
            own[here] = layer.autocorrelation * own[here - 1] + fresh * own[here]
    share = layer.document_share
    left = 1 - share - (0.0 if of_types is None else layer.type_activation**2)
    own *= np.float32(np.sqrt(left))
    if share:
        own += np.float32(np.sqrt(share)) * standard(rows.n_documents)[documents]
    if of_types is not None:
        own += of_types[rows.types]
    return own


def _tails(layer: Layer, shape: tuple[int, ...], rng: np.random.Generator) -> Values | float:
    """What turns a normal value into one of Student's t; 1 for infinite degrees of freedom."""
    degrees = layer.degrees_of_freedom
    return 1.0 if np.isinf(degrees) else np.sqrt(degrees / rng.chisquare(degrees, size=shape))


def _delta_loss(
    drawn: DrawnLayer, types: DrawnTypes, z: Values, rows: SimulatedRows, rng: np.random.Generator
) -> Values:
    layer, rare = drawn.layer, rows.rare
    size = _serial(layer, rows, lambda number: normal(rng, number, layer.n_neurons))
    share = layer.noise_of_activation
    if share:
        size = np.float32(np.sqrt(1 - share)) * size + np.float32(np.sqrt(share)) * z
    size *= np.float32(layer.noise)
    size += drawn.log_influence.astype(np.float32)
    size += types.influence[rows.types, None].astype(np.float32)
    if types.quirks is not None:
        size += types.quirks[rows.types]
    size[rare] += (drawn.on_rare + np.log(layer.rare_loss)).astype(np.float32)
    size[~rare] += drawn.on_common.astype(np.float32)
    np.exp(size, out=size)
    size *= np.float32(1.0) - 2 * (rng.random(size.shape, dtype=np.float32) < 0.5)
    return np.asarray(size * _tails(layer, size.shape, rng))
