"""A text of random tokens whose frequencies fall like 1/rank, and the positions drawn from it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hypotest.corpora.blocks import whole_blocks
from hypotest.pipeline.texts.rows import TextRows
from hypotest.predicates.predicate import Setting
from hypotest.predicates.rows import Rows
from hypotest.records.protocol.protocol import Protocol


def draw_text(plan: Protocol, n_types: int = 150, n_documents: int = 100, seed: int = 0) -> SimpleNamespace:
    """What `find_positions` would find, as far as `check_reach` looks at it."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_types + 1) ** 1.1
    weights /= weights.sum()
    blocks = whole_blocks(
        tokens=rng.choice(n_types, size=(4 * n_documents, 32), p=weights).astype(np.int32),
        document=np.repeat(np.arange(n_documents), 4).astype(np.int32),
        n_documents=n_documents,
        text_tokens=4 * n_documents * 32,
    )
    counts = rng.multinomial(500_000, weights)
    setting = Setting(base=Path(), vocab_size=n_types, texts=tuple, counts=lambda: (counts, 0))
    text = TextRows(Rows.of(blocks), setting)
    return SimpleNamespace(text=text, sampled=text.sample(plan), documents=(), kept_out=())
