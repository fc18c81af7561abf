"""The families of transformers that hypotest knows, decoders and encoders: one row each.

What the rows do not show: the weights of GPT-2 are stored transposed (``Conv1D``), which
`hypotest.subjects.anatomy.modules.by_input` undoes; heads that share keys and values (grouped queries) have
slices of their own nevertheless; attention and MLP of BLOOM add the residual stream themselves; OPT has no
module for its MLP and flattens the positions in front of it; how the experts of a mixture lie in their fused
tensors, transformers says itself (`.experts`). `.examination` proves a row whenever a model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypotest.subjects.anatomy.anatomy import IN_BLOCK, Anatomy, Norm

_NORM_BEHIND = "a norm follows the MLP"
_HEAD_BEHIND = "the head that predicts masked tokens is more than a norm and a projection"


def _row(family: str, blocks: str, final_norm: str, *, norm: Norm = "layer", **rest: Any) -> Anatomy:
    """A row whose other paths start inside the block; an empty one stays empty.

    Args:
        family: ``config.model_type``.
        blocks: Path of the blocks.
        final_norm: Path of the norm before the unembedding.
        norm: Its kind.
        rest: The other fields of `Anatomy`.
    """
    block = f"{blocks}.{{layer}}"
    inside = {key: f"{block}.{path}" if path else "" for key, path in rest.items() if key in IN_BLOCK}
    fields = {"unembedding": "lm_head", **rest, **inside}
    return Anatomy(family=family, block=block, final_norm=final_norm, norm=norm, **fields)


def _llama(family: str, model: str = "model", **changes: Any) -> Anatomy:
    """Llama's names, which most newer families keep."""
    fields: dict[str, Any] = {
        "attention": "self_attn",
        "attention_projection": "self_attn.o_proj",
        "mlp_norm": "post_attention_layernorm",
        "mlp": "mlp",
        "up_projection": "mlp.up_proj",
        "gate_projection": "mlp.gate_proj",
        "down_projection": "mlp.down_proj",
        "norm": "rms",
        **changes,
    }
    return _row(family, f"{model}.layers", f"{model}.norm", **fields)


def _mixture(family: str, *, router: str = "mlp.gate", shared: str = "", **changes: Any) -> Anatomy:
    """Llama's names with a mixture of experts in the place of the MLP.

    Args:
        family: ``config.model_type``.
        router: Its path.
        shared: Path of the expert that all tokens go through.
        changes: Other fields of `Anatomy`.
    """
    projections = {
        f"{name}_projection": f"{shared}.{name}_proj" if shared else "" for name in ("up", "gate", "down")
    }
    fields: dict[str, Any] = {"experts": "mlp.experts", "router": router, "routing": "softmax", **projections}
    return _llama(family, **{**fields, **changes})


def _gemma_with_norms(family: str, model: str = "model") -> Anatomy:
    """Gemma with norms before and behind attention and MLP."""
    return _llama(
        family,
        model,
        mlp_norm="pre_feedforward_layernorm",
        norm="rms_plus_one",
        identity_obstacle=_NORM_BEHIND,
    )


def _bert(family: str, model: str, **head: Any) -> Anatomy:
    """BERT's names, which most encoders keep but for those of their heads.

    Args:
        family: ``config.model_type``.
        model: Path of what is below the head.
        head: Its first module, the norm before the unembedding, and the unembedding.
    """
    return _row(
        family,
        f"{model}.encoder.layer",
        attention="attention.self",
        attention_projection="attention.output.dense",
        mlp_norm="",
        mlp="output.dense",
        up_projection="intermediate.dense",
        down_projection="output.dense",
        identity_obstacle=_HEAD_BEHIND,
        **head,
    )


_ROBERTA = _bert(
    "roberta", "roberta", head="lm_head", final_norm="lm_head.layer_norm", unembedding="lm_head.decoder"
)
_GPT2 = _row(
    "gpt2",
    "transformer.h",
    "transformer.ln_f",
    attention="attn",
    attention_projection="attn.c_proj",
    mlp_norm="ln_2",
    mlp="mlp",
    up_projection="mlp.c_fc",
    down_projection="mlp.c_proj",
)
_BLOOM = _row(
    "bloom",
    "transformer.h",
    "transformer.ln_f",
    attention="self_attention",
    attention_projection="self_attention.dense",
    mlp_norm="post_attention_layernorm",
    mlp="mlp",
    up_projection="mlp.dense_h_to_4h",
    down_projection="mlp.dense_4h_to_h",
)
_FALCON = replace(_BLOOM, family="falcon")
FALCON_PARALLEL = replace(_FALCON, mlp_norm=f"{_FALCON.block}.input_layernorm", parallel_residual=True)
FALCON_TWO_NORMS = replace(FALCON_PARALLEL, mlp_norm=f"{_FALCON.block}.ln_mlp")
"""Falcon's row is the sequential one (falcon-rw); 7B has one norm for attention and MLP, 40B two."""

_ROWS = (
    _GPT2,
    replace(_GPT2, family="gpt_neo", attention_projection=f"{_GPT2.block}.attn.attention.out_proj"),
    _row(
        "gpt_neox",
        "gpt_neox.layers",
        "gpt_neox.final_layer_norm",
        attention="attention",
        attention_projection="attention.dense",
        mlp_norm="post_attention_layernorm",
        mlp="mlp",
        up_projection="mlp.dense_h_to_4h",
        down_projection="mlp.dense_4h_to_h",
    ),
    _row(
        "gptj",
        "transformer.h",
        "transformer.ln_f",
        attention="attn",
        attention_projection="attn.out_proj",
        mlp_norm="ln_1",
        mlp="mlp",
        up_projection="mlp.fc_in",
        down_projection="mlp.fc_out",
        parallel_residual=True,
    ),
    _row(
        "opt",
        "model.decoder.layers",
        "model.decoder.final_layer_norm",
        attention="self_attn",
        attention_projection="self_attn.out_proj",
        mlp_norm="final_layer_norm",
        mlp="fc2",
        up_projection="fc1",
        down_projection="fc2",
    ),
    _BLOOM,
    _FALCON,
    _row(
        "phi",
        "model.layers",
        "model.final_layernorm",
        attention="self_attn",
        attention_projection="self_attn.dense",
        mlp_norm="input_layernorm",
        mlp="mlp",
        up_projection="mlp.fc1",
        down_projection="mlp.fc2",
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
    _mixture("mixtral"),
    _mixture("olmoe"),
    _mixture("qwen3_moe"),
    _mixture("qwen2_moe", shared="mlp.shared_expert", shared_gate="mlp.shared_expert_gate"),
    _mixture("gpt_oss", router="mlp.router"),
    _mixture("deepseek_v2", shared="mlp.shared_experts"),
    _mixture("deepseek_v3", shared="mlp.shared_experts", routing="sigmoid"),
    _bert(
        "bert",
        "bert",
        head="cls",
        final_norm="cls.predictions.transform.LayerNorm",
        unembedding="cls.predictions.decoder",
    ),
    _ROBERTA,
    replace(_ROBERTA, family="xlm-roberta"),
    replace(_ROBERTA, family="camembert"),
    _row(
        "distilbert",
        "distilbert.transformer.layer",
        "vocab_layer_norm",
        attention="attention",
        attention_projection="attention.out_lin",
        mlp_norm="",
        mlp="ffn",
        up_projection="ffn.lin1",
        down_projection="ffn.lin2",
        head="vocab_transform",
        unembedding="vocab_projector",
        identity_obstacle=_HEAD_BEHIND,
    ),
    _row(
        "modernbert",
        "model.layers",
        "head.norm",
        attention="attn",
        attention_projection="attn.Wo",
        mlp_norm="mlp_norm",
        mlp="mlp",
        up_projection="mlp.Wi",
        fused_gate=True,
        down_projection="mlp.Wo",
        head="head",
        unembedding="decoder",
        identity_obstacle=_HEAD_BEHIND,
    ),
)
FAMILIES: Mapping[str, Anatomy] = MappingProxyType({row.family: row for row in _ROWS})
"""By ``config.model_type``."""
DENSE_BLOCKS: Mapping[str, Anatomy] = MappingProxyType(
    {row.family: _llama(row.family) for row in _ROWS if row.experts}
)
"""Of families of mixtures: those of their blocks whose MLP is one, the first ones of DeepSeek's, say."""
