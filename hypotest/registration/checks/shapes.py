"""The shape of a network, as far as its configuration says it before any weights are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypotest.records.stored.gguf import GgufHead

_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_seq_len")
_WIDTHS = ("intermediate_size", "n_inner", "ffn_dim", "d_inner", "ffn_hidden_size")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_STREAM = ("hidden_size", "n_embd", "d_model")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a network, as far as its ``config.json`` says it."""

    n_layers: int | None
    context: int | None
    """Most tokens that fit into one forward pass."""
    n_units: Mapping[str, int | None]
    """Kind -> units of a layer, by configuration."""
    is_parallel: bool
    """Whether attention and MLP of a block read the same input, so that no attention reaches layer 0."""


def shape_of_head(head: GgufHead) -> Shape:
    """From the head of a GGUF file."""
    settings = {
        name: head.setting(key)
        for name, key in (
            ("n_layers", "block_count"),
            ("context", "context_length"),
            ("neurons", "feed_forward_length"),
            ("heads", "attention.head_count"),
            ("residual", "embedding_length"),
        )
        if f"{head.architecture}.{key}" not in head.arrays
    }
    return Shape(
        **{name: _number(settings, (name,)) for name in ("n_layers", "context")},
        n_units={name: _number(settings, (name,)) for name in ("neurons", "heads", "residual")},
        is_parallel=_is_parallel({"model_type": head.architecture}),
    )


def shape_in(data: Mapping[str, Any]) -> Shape:
    """From a ``config.json``."""
    inner = data.get("text_config")
    own = inner if isinstance(inner, Mapping) else data
    return Shape(
        n_layers=_number(own, _LAYERS),
        context=_number(own, _CONTEXTS),
        n_units={
            "neurons": None if _number(own, _EXPERTS) else _number(own, _WIDTHS),
            "heads": _number(own, _HEADS),
            "experts": _number(own, _EXPERTS),
            "residual": _number(own, _STREAM),
        },
        is_parallel=_is_parallel(data),
    )


def _is_parallel(data: Mapping[str, Any]) -> bool:
    family = data.get("model_type")
    if family == "gpt_neox":
        return data.get("use_parallel_residual", True) is True
    if family == "falcon":
        return bool(data.get("new_decoder_architecture") or data.get("parallel_attn", True))
    return family in ("gptj", "phi")


def _number(data: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
