"""The families of decoder-only transformers that hypotest knows: one row each.

What the rows do not show: the weights of GPT-2 are stored transposed (``Conv1D``), which
`hypotest.subjects.language_model.by_input` undoes; heads that share keys and values (grouped queries) have
slices of their own nevertheless; attention and MLP of BLOOM add the residual stream themselves; OPT has no
module for its MLP and flattens the positions in front of it. `hypotest.subjects.examination` proves a row
whenever a model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypotest.subjects.anatomy import Anatomy

_H = "transformer.h.{layer}"
_NEOX = "gpt_neox.layers.{layer}"
_LAYERS = "model.layers.{layer}"
_OPT = "model.decoder.layers.{layer}"
_NORM_BEHIND = "a norm follows the MLP"


def _llama(family: str, model: str = "model", **changes: Any) -> Anatomy:
    """Llama's names, which most newer families keep."""
    block = f"{model}.layers.{{layer}}"
    row = Anatomy(
        family=family,
        block=block,
        attention=f"{block}.self_attn",
        attention_projection=f"{block}.self_attn.o_proj",
        mlp_norm=f"{block}.post_attention_layernorm",
        mlp=f"{block}.mlp",
        up_projection=f"{block}.mlp.up_proj",
        gate_projection=f"{block}.mlp.gate_proj",
        down_projection=f"{block}.mlp.down_proj",
        final_norm=f"{model}.norm",
        unembedding="lm_head",
        norm="rms",
    )
    return replace(row, **changes)


def _gemma_with_norms(family: str, model: str = "model") -> Anatomy:
    """Gemma with norms before and behind attention and MLP."""
    return _llama(
        family,
        model,
        mlp_norm=f"{model}.layers.{{layer}}.pre_feedforward_layernorm",
        norm="rms_plus_one",
        identity_obstacle=_NORM_BEHIND,
    )


_ROWS = (
    Anatomy(
        family="gpt2",
        block=_H,
        attention=f"{_H}.attn",
        attention_projection=f"{_H}.attn.c_proj",
        mlp_norm=f"{_H}.ln_2",
        mlp=f"{_H}.mlp",
        up_projection=f"{_H}.mlp.c_fc",
        down_projection=f"{_H}.mlp.c_proj",
        final_norm="transformer.ln_f",
        unembedding="lm_head",
        norm="layer",
    ),
    Anatomy(
        family="gpt_neo",
        block=_H,
        attention=f"{_H}.attn",
        attention_projection=f"{_H}.attn.attention.out_proj",
        mlp_norm=f"{_H}.ln_2",
        mlp=f"{_H}.mlp",
        up_projection=f"{_H}.mlp.c_fc",
        down_projection=f"{_H}.mlp.c_proj",
        final_norm="transformer.ln_f",
        unembedding="lm_head",
        norm="layer",
    ),
    Anatomy(
        family="gpt_neox",
        block=_NEOX,
        attention=f"{_NEOX}.attention",
        attention_projection=f"{_NEOX}.attention.dense",
        mlp_norm=f"{_NEOX}.post_attention_layernorm",
        mlp=f"{_NEOX}.mlp",
        up_projection=f"{_NEOX}.mlp.dense_h_to_4h",
        down_projection=f"{_NEOX}.mlp.dense_4h_to_h",
        final_norm="gpt_neox.final_layer_norm",
        unembedding="lm_head",
        norm="layer",
    ),
    Anatomy(
        family="gptj",
        block=_H,
        attention=f"{_H}.attn",
        attention_projection=f"{_H}.attn.out_proj",
        mlp_norm=f"{_H}.ln_1",
        mlp=f"{_H}.mlp",
        up_projection=f"{_H}.mlp.fc_in",
        down_projection=f"{_H}.mlp.fc_out",
        final_norm="transformer.ln_f",
        unembedding="lm_head",
        norm="layer",
        parallel_residual=True,
    ),
    Anatomy(
        family="opt",
        block=_OPT,
        attention=f"{_OPT}.self_attn",
        attention_projection=f"{_OPT}.self_attn.out_proj",
        mlp_norm=f"{_OPT}.final_layer_norm",
        mlp=f"{_OPT}.fc2",
        up_projection=f"{_OPT}.fc1",
        down_projection=f"{_OPT}.fc2",
        final_norm="model.decoder.final_layer_norm",
        unembedding="lm_head",
        norm="layer",
    ),
    Anatomy(
        family="bloom",
        block=_H,
        attention=f"{_H}.self_attention",
        attention_projection=f"{_H}.self_attention.dense",
        mlp_norm=f"{_H}.post_attention_layernorm",
        mlp=f"{_H}.mlp",
        up_projection=f"{_H}.mlp.dense_h_to_4h",
        down_projection=f"{_H}.mlp.dense_4h_to_h",
        final_norm="transformer.ln_f",
        unembedding="lm_head",
        norm="layer",
    ),
    Anatomy(
        family="falcon",
        block=_H,
        attention=f"{_H}.self_attention",
        attention_projection=f"{_H}.self_attention.dense",
        mlp_norm=f"{_H}.post_attention_layernorm",
        mlp=f"{_H}.mlp",
        up_projection=f"{_H}.mlp.dense_h_to_4h",
        down_projection=f"{_H}.mlp.dense_4h_to_h",
        final_norm="transformer.ln_f",
        unembedding="lm_head",
        norm="layer",
    ),
    Anatomy(
        family="phi",
        block=_LAYERS,
        attention=f"{_LAYERS}.self_attn",
        attention_projection=f"{_LAYERS}.self_attn.dense",
        mlp_norm=f"{_LAYERS}.input_layernorm",
        mlp=f"{_LAYERS}.mlp",
        up_projection=f"{_LAYERS}.mlp.fc1",
        down_projection=f"{_LAYERS}.mlp.fc2",
        final_norm="model.final_layernorm",
        unembedding="lm_head",
        norm="layer",
        parallel_residual=True,
    ),
    _llama("llama"),
    _llama("mistral"),
    _llama("qwen2"),
    _llama("qwen3"),
    _llama("olmo", norm="layer_plain"),
    _llama("olmo2", mlp_norm="", identity_obstacle=_NORM_BEHIND),
    _llama("gemma", norm="rms_plus_one"),
    _gemma_with_norms("gemma2"),
    _gemma_with_norms("gemma3_text"),
    _gemma_with_norms("gemma3", "model.language_model"),
)
FAMILIES: Mapping[str, Anatomy] = MappingProxyType({row.family: row for row in _ROWS})
"""By ``config.model_type``."""

FALCON_PARALLEL = replace(FAMILIES["falcon"], mlp_norm=f"{_H}.input_layernorm", parallel_residual=True)
FALCON_TWO_NORMS = replace(FALCON_PARALLEL, mlp_norm=f"{_H}.ln_mlp")
"""Falcon's row is the sequential one (falcon-rw); 7B has one norm for attention and MLP, 40B two."""
