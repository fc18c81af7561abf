"""Where a model family keeps its neurons, heads and norms: one row per family.

Paths are relative to the ``transformers`` model; ``{layer}`` stands for the block's number. The neurons
of a block are the inputs of its MLP's down-projection; its heads are slices of the *input* of the
attention output projection, since the output has already mixed them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hypotest.errors import SubjectError

Norm = Literal["layer", "rms", "rms_plus_one"]
"""Kind of the final norm: LayerNorm, RMSNorm, or RMSNorm whose gain is 1 + weight."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """One family of decoder-only transformers."""

    family: str
    """``config.model_type``."""
    block: str
    """A transformer block."""
    attention: str
    """Module whose second output is the attention weights (eager)."""
    attention_projection: str
    """Attention output projection; its input holds the heads side by side."""
    mlp_norm: str
    """Norm before the MLP."""
    mlp: str
    """The MLP, gated or plain."""
    up_projection: str
    """First projection of the MLP; of a gated one, the one that is multiplied by the gate."""
    down_projection: str
    """Last projection of the MLP; its input is the layer's neurons."""
    final_norm: str
    """Norm before the unembedding."""
    unembedding: str
    """Linear from the normed residual to logits."""
    norm: Norm
    parallel_residual: bool = False
    """True: attention and MLP of a block read the same residual, so that a block's attention does not
    reach its own MLP."""
    identity_obstacle: str = ""
    """Why the last MLP does not feed final norm and unembedding linearly; empty where it does."""

    def at(self, module: str, layer: int) -> str:
        """Path of one of the modules in a given block, such as ``at("down_projection", 3)``."""
        return str(getattr(self, module)).format(layer=layer)

    def reaching_layers(self, layer: int) -> tuple[int, ...]:
        """The last two blocks whose attention can reach the MLP of `layer`, in order."""
        last = layer - 1 if self.parallel_residual else layer
        return tuple(range(max(0, last - 1), last + 1))


_GPT2 = "transformer.h.{layer}"
_NEOX = "gpt_neox.layers.{layer}"
_LLAMA = "model.layers.{layer}"

_LLAMA_ROW = Anatomy(
    family="llama",
    block=_LLAMA,
    attention=f"{_LLAMA}.self_attn",
    attention_projection=f"{_LLAMA}.self_attn.o_proj",
    mlp_norm=f"{_LLAMA}.post_attention_layernorm",
    mlp=f"{_LLAMA}.mlp",
    up_projection=f"{_LLAMA}.mlp.up_proj",
    down_projection=f"{_LLAMA}.mlp.down_proj",
    final_norm="model.norm",
    unembedding="lm_head",
    norm="rms",
)

FAMILIES: dict[str, Anatomy] = {
    "gpt2": Anatomy(
        family="gpt2",
        block=_GPT2,
        attention=f"{_GPT2}.attn",
        attention_projection=f"{_GPT2}.attn.c_proj",
        mlp_norm=f"{_GPT2}.ln_2",
        mlp=f"{_GPT2}.mlp",
        up_projection=f"{_GPT2}.mlp.c_fc",
        down_projection=f"{_GPT2}.mlp.c_proj",
        final_norm="transformer.ln_f",
        unembedding="lm_head",
        norm="layer",
    ),
    "gpt_neox": Anatomy(
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
    "llama": _LLAMA_ROW,
    "mistral": replace(_LLAMA_ROW, family="mistral"),
    "qwen2": replace(_LLAMA_ROW, family="qwen2"),
    "gemma": replace(_LLAMA_ROW, family="gemma", norm="rms_plus_one"),
    "gemma2": replace(
        _LLAMA_ROW,
        family="gemma2",
        mlp_norm=f"{_LLAMA}.pre_feedforward_layernorm",
        norm="rms_plus_one",
        identity_obstacle="a norm follows the MLP",
    ),
}


def anatomy_of(family: str, *, parallel_residual: bool, model: str) -> Anatomy:
    """The row of a family.

    Args:
        family: ``config.model_type``.
        parallel_residual: Whether the configuration says so; families without that choice do not.
        model: Name for the error message.

    Raises:
        SubjectError: If the family has no row.
    """
    if family not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise SubjectError(
            f"subject.model: {model} is of the family {family!r}, which hypotest does not know yet; known: "
            f"{known}"
        )
    return replace(FAMILIES[family], parallel_residual=parallel_residual)
