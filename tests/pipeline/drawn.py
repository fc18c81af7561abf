"""A text of random tokens whose frequencies fall like 1/rank, and the positions drawn from it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from hypotest.corpora.blocks import whole_blocks
from hypotest.corpora.sampling import sample_positions
from hypotest.corpora.frequencies import cut_frequencies
from hypotest.engine.streams import Streams
from hypotest.records.protocol import Protocol


def draw_text(plan: Protocol, n_types: int = 150, n_documents: int = 100, seed: int = 0) -> SimpleNamespace:
    """What `hypotest.pipeline.positions.find_positions` would find, as far as `check_reach` looks at it."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_types + 1) ** 1.1
    weights /= weights.sum()
    blocks = whole_blocks(
        tokens=rng.choice(n_types, size=(4 * n_documents, 32), p=weights).astype(np.int32),
        document=np.repeat(np.arange(n_documents), 4).astype(np.int32),
        n_documents=n_documents,
        text_tokens=4 * n_documents * 32,
    )
    cuts = cut_frequencies(rng.multinomial(500_000, weights), plan.conditions)
    sampled = sample_positions(
        blocks,
        cuts,
        n_positions=plan.conditions.positions,
        max_per_document=plan.conditions.max_per_document,
        selection_share=plan.split.selection,
        rng=Streams(plan.seed)("positions"),
    )
    return SimpleNamespace(blocks=blocks, cuts=cuts, sampled=sampled, documents=(), kept_out=())
