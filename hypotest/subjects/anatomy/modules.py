"""What torch modules of different families call differently."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.pytorch_utils import Conv1D

PLAIN_EPSILON = 1e-5
"""Of norms that do not say theirs (OLMo)."""


def by_input(projection: Any) -> Tensor:
    """Weights of a Linear or of GPT-2's Conv1D, one row per input feature, shape (n_inputs, n_outputs)."""
    weight: Tensor = projection.weight.detach()
    return weight if isinstance(projection, Conv1D) else weight.T


def norm_epsilon(norm: Any) -> float:
    """What a norm adds to the variance."""
    names = ("eps", "variance_epsilon")
    return float(next((getattr(norm, name) for name in names if hasattr(norm, name)), PLAIN_EPSILON))


_FROM_PADDING_ON = frozenset({"camembert", "roberta", "xlm-roberta"})
"""Families whose first position has the number behind that of the padding token."""


def longest_context(config: Any) -> int:
    """Most tokens that fit into one forward pass; BLOOM, whose positions are relative, names none."""
    inner = config.get_text_config()
    longest = getattr(inner, "max_position_embeddings", None)
    if longest is None:
        return 2**31 - 1
    before = inner.pad_token_id + 1 if config.model_type in _FROM_PADDING_ON else 0
    return int(longest) - int(before)
