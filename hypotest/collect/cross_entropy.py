"""How well a network predicts text: its cross-entropy over whole blocks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.precision import full_precision

_LOGITS = 2**27
"""Entries of the logits of a block, at most; a longer block is cut."""


def mean_cross_entropy(
    subject: LanguageModel, tokens: NDArray[np.int32], first: int, lengths: NDArray[np.int32] | None = None
) -> tuple[float, int]:
    """Mean cross-entropy of the next token.

    Args:
        subject: The network.
        tokens: Blocks of text, shape (n_blocks, context).
        first: The first target within a block: 1, or 2 where blocks begin with a token of their own.
        lengths: Tokens of each block that are text, shape (n_blocks,); all by default. Padding is no target.

    Returns:
        Nats, and the number of targets; not finite where the logits are not.
    """
    most = min(tokens.shape[1], max(first + 1, _LOGITS // subject.vocab_size))
    total, count = 0.0, 0
    for number, row in enumerate(tokens):
        length = most if lengths is None else min(most, int(lengths[number]))
        ids = torch.from_numpy(row[:length].astype(np.int64))[None].to(subject.device)
        with full_precision():
            logits = subject.model(ids, use_cache=False).logits[0, first - 1 : -1]
            targets = ids[0, first:].to(logits.device)
            total += float(torch.nn.functional.cross_entropy(logits.double(), targets, reduction="sum"))
        count += length - first
    return total / count, count
