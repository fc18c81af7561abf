"""Where a model keeps its neurons, heads and norms.

Paths are relative to the ``transformers`` model; ``{layer}`` stands for the block's number. The neurons
of a block are the inputs of its MLP's down-projection, or those of all experts of a mixture
(`.experts`); its heads are slices of the *input* of the attention output projection, since
the output has already mixed them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Norm = Literal["layer", "layer_plain", "rms", "rms_plus_one"]
"""Kind of the final norm: LayerNorm, LayerNorm without gain and bias, RMSNorm, or RMSNorm whose gain is
1 + weight."""
Routing = Literal["", "softmax", "sigmoid"]
"""What a router makes of its logits, and weighs experts in proportion to; empty where that is neither."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """One family of transformers: decoders, which predict the next token, or encoders, a masked one."""

    family: str
    """``config.model_type``."""
    block: str
    """A transformer block."""
    attention: str
    """Module whose second output is the attention weights (eager)."""
    attention_projection: str
    """Attention output projection; its input holds the heads side by side."""
    mlp_norm: str
    """Norm before the MLP; empty where the MLP reads the residual stream itself."""
    mlp: str
    """The module that ends with the down-projection and whose output can be exchanged as a whole."""
    up_projection: str
    """First projection of the MLP; of a gated one, the one that is multiplied by the gate. Of a mixture of
    experts, that of the expert that all tokens go through (shared); empty without one."""
    down_projection: str
    """Last projection of the MLP; its input is the layer's neurons. Of a mixture, as `up_projection`."""
    final_norm: str
    """Norm before the unembedding."""
    unembedding: str
    """Linear from the normed residual to logits."""
    norm: Norm
    gate_projection: str = ""
    """Of a gated MLP, the projection that goes through the activation function."""
    fused_gate: bool = False
    """True: the first half of what the up-projection gives is the gate's."""
    head: str = ""
    """Of an encoder: first module behind the last block, all of which runs at each place alone; empty for a
    decoder."""
    parallel_residual: bool = False
    """True: attention and MLP of a block read the same residual, so that a block's attention does not
    reach its own MLP."""
    experts: str = ""
    """Module that holds the experts of a mixture, fused; empty where the MLP is one."""
    router: str = ""
    """Of a mixture: gives logits, weights and numbers of the experts that each token goes through."""
    shared_gate: str = ""
    """Of a mixture: projection to the logit of what its shared expert is multiplied by; empty without."""
    routing: Routing = ""
    identity_obstacle: str = ""
    """Why the last MLP does not feed final norm and unembedding linearly; empty where it does."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of the fields that are paths of modules, the empty ones left out."""
        return tuple(name for name in MODULES if getattr(self, name))

    @property
    def attends(self) -> tuple[str, ...]:
        """Modules that attention is made of, the last of which gives what it adds to the residual stream."""
        inside = self.attention_projection.startswith(f"{self.attention}.")
        return ("attention",) if inside else ("attention", "attention_projection")

    def at(self, module: str, layer: int) -> str:
        """Path of one of the modules in a given block, such as ``at("down_projection", 3)``."""
        return str(getattr(self, module)).format(layer=layer)

    def reaching_layers(self, layer: int) -> tuple[int, ...]:
        """The last two blocks whose attention can reach the MLP of `layer`, in order."""
        last = layer - 1 if self.parallel_residual else layer
        return tuple(range(max(0, last - 1), last + 1))


IN_BLOCK = (
    "block", "attention", "attention_projection", "mlp_norm", "mlp", "up_projection", "gate_projection",
    "down_projection", "experts", "router", "shared_gate",
)  # fmt: skip
"""Fields that are paths inside a block, or its own."""
MODULES = (*IN_BLOCK, "head", "final_norm", "unembedding")
"""Fields that are paths."""
