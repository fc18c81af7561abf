"""Attention of a simulated layer, and what its heads do to the neurons."""

from __future__ import annotations

import numpy as np

from hypotest.records.evidence.heads import HeadAblation
from hypotest.studies.calibration.layers import (
    HEADS,
    TOP_OF_LAYER,
    DrawnLayer,
    DrawnTypes,
    Values,
    normal,
)
from hypotest.studies.calibration.rows import SimulatedRows


def draw_attention(
    drawn: DrawnLayer, types: DrawnTypes, rows: SimulatedRows, rng: np.random.Generator
) -> Values:
    """Softmax of mean logits and of noise, of the document and of the position; stronger on some types.

    Returns:
        Shape (n_rows, n_heads, context).
    """
    layer, shape = drawn.layer, drawn.attention.shape[1:]
    documents, rare = rows.documents, rows.rare
    logits = layer.attention_noise * normal(rng, rows.n_documents, *shape)[documents] + 0.5 * normal(
        rng, rare.size, *shape
    )
    factor = layer.concentration + layer.concentration_spread * rng.normal(size=rows.n_documents)
    strength = np.where(rare, 1 + factor[documents], 1.0) + types.attention[rows.types]
    logits += strength[:, None, None] * drawn.attention[np.where(rare, 0, 1)]
    weights = np.exp(logits)
    return np.asarray((weights / weights.sum(axis=2, keepdims=True)).astype(np.float32))


def draw_head_ablation(drawn: DrawnLayer, rows: SimulatedRows, rng: np.random.Generator) -> HeadAblation:
    """At rare positions, all of them where no text says which; heads differ between documents."""
    used = np.flatnonzero(rows.rare if rows.for_heads is None else rows.rare & rows.for_heads)
    documents, owner = np.unique(rows.documents[used], return_inverse=True)
    scale = np.broadcast_to(drawn.activation_sd**2, (used.size, drawn.activation_sd.size))

    def varied(sd: float, *shape: int) -> Values:
        """Lognormal factors of mean 1."""
        return np.exp(sd * rng.normal(size=shape) - sd**2 / 2)

    by_document = (documents.size, len(HEADS))
    effects = scale[:, None, :] * drawn.head_effects
    single = effects * varied(0.15, *by_document)[owner][:, :, None] * varied(0.2, *effects.shape)
    whole = effects / drawn.layer.head_share * varied(0.15, *by_document)[owner][:, :, None]
    base = 10 * scale * np.exp(0.1 * rng.normal(size=scale.shape))
    changes = [array.astype(np.float32) for array in (base, single, whole[:, TOP_OF_LAYER])]
    for array in changes:
        array[..., drawn.dead] = 0.0
    return HeadAblation(rows.documents[used], rows.types[used], *changes)
