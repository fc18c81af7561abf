"""How well a network predicts text: its cross-entropy over whole blocks, or some places of them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.collect.extent import batches
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.precision import full_precision

_LOGITS = 2**27
"""Entries of the logits of a block, at most; a longer block is cut."""
_MASKED = 16
"""Places of a block that are masked."""
_PASSES = 16
"""At once."""


def mean_cross_entropy(
    subject: LanguageModel, tokens: NDArray[np.int32], first: int, lengths: NDArray[np.int32] | None = None
) -> tuple[float, int]:
    """Mean cross-entropy of the next token.

    Of an encoder, the masked token, at some places of each block: each is a pass of its own.

    Args:
        subject: The network.
        tokens: Blocks of text, shape (n_blocks, context).
        first: The first target within a block: 1, or 2 where blocks begin with a token of their own.
        lengths: Tokens of each block that are text, shape (n_blocks,); all by default. Padding is no target.

    Returns:
        Nats, and the number of targets; not finite where the logits are not.
    """
    if subject.masking is not None:
        return _of_masked(subject, tokens, first, lengths)
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


def _of_masked(
    subject: LanguageModel, tokens: NDArray[np.int32], first: int, lengths: NDArray[np.int32] | None
) -> tuple[float, int]:
    n_blocks, context = tokens.shape
    ends = np.full(n_blocks, context) if lengths is None else lengths
    targets = [np.linspace(first, end - 1, min(_MASKED, end - first)).astype(np.int64) for end in ends]
    block, index = (
        np.repeat(np.arange(n_blocks), [item.size for item in targets]),
        np.concatenate(targets) - 1,
    )
    total = 0.0
    for batch in batches(subject, tokens, block, index, _PASSES):
        with full_precision():
            logits = subject.model(batch.ids.to(subject.device)).logits[batch.rows, batch.columns]
            own = tokens[block[batch.places], index[batch.places] + 1].astype(np.int64)
            target = torch.from_numpy(own).to(logits.device)
            total += float(torch.nn.functional.cross_entropy(logits.double(), target, reduction="sum"))
    return total / index.size, index.size
