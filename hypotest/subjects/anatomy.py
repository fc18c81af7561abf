"""Where a model family keeps its neurons, heads and norms: one row per family.

Paths are relative to the ``transformers`` model; ``{layer}`` stands for the block's number. The neurons
of a block are the inputs of its MLP's down-projection; its heads are slices of the *input* of the
attention output projection, since the output has already mixed them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypotest.errors import SubjectError


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
    """Attention output projection, a Linear; its input holds the heads side by side."""
    mlp_norm: str
    """Norm before the MLP."""
    up_projection: str
    """First Linear of the MLP."""
    activation: str
    """Function between up- and down-projection."""
    down_projection: str
    """Last Linear of the MLP; its input is the layer's neurons."""
    final_norm: str
    """LayerNorm before the unembedding."""
    unembedding: str
    """Linear from the normed residual to logits."""
    parallel_residual: bool
    """True: attention and MLP of a block read the same residual, so that a block's attention does not
    reach its own MLP."""

    def at(self, module: str, layer: int) -> str:
        """Path of one of the modules in a given block, such as ``at("down_projection", 3)``."""
        return str(getattr(self, module)).format(layer=layer)

    def reaching_layers(self, layer: int) -> tuple[int, ...]:
        """The last two blocks whose attention can reach the MLP of `layer`, in order."""
        last = layer - 1 if self.parallel_residual else layer
        return tuple(range(max(0, last - 1), last + 1))


_BLOCK = "gpt_neox.layers.{layer}"

FAMILIES: dict[str, Anatomy] = {
    "gpt_neox": Anatomy(
        family="gpt_neox",
        block=_BLOCK,
        attention=f"{_BLOCK}.attention",
        attention_projection=f"{_BLOCK}.attention.dense",
        mlp_norm=f"{_BLOCK}.post_attention_layernorm",
        up_projection=f"{_BLOCK}.mlp.dense_h_to_4h",
        activation=f"{_BLOCK}.mlp.act",
        down_projection=f"{_BLOCK}.mlp.dense_4h_to_h",
        final_norm="gpt_neox.final_layer_norm",
        unembedding="lm_head",
        parallel_residual=True,
    ),
}


def anatomy_of(family: str, *, parallel_residual: bool, model: str) -> Anatomy:
    """The row of a family.

    Raises:
        SubjectError: If the family has no row, or the model departs from it.
    """
    if family not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise SubjectError(
            f"subject.model: {model} is of the family {family!r}, which hypotest does not know yet; known: "
            f"{known}"
        )
    anatomy = FAMILIES[family]
    if anatomy.parallel_residual and not parallel_residual:
        raise SubjectError(
            f"subject.model: {model} is a {family} with use_parallel_residual = false; only the parallel "
            "form is available yet"
        )
    return anatomy
