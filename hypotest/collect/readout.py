"""The path from the last MLP's neurons to the logits, and the exact identity of an ablation along it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from hypotest.subjects.language_model import LanguageModel


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """Final norm and unembedding behind an MLP whose output is added to the residual stream.

    Ablating neuron i moves the residual x by delta w_i, with w_i its output vector. With primes for what
    the norm leaves of a vector before it divides (centred for a LayerNorm, the vector itself for an
    RMSNorm), gain g, bias c, unembedding W_U and its bias b_U,

        var  = |x'|^2 / d + eps,   var~ = var + (2 delta x'.w' + delta^2 |w'|^2) / d
        l~   = b + s (l - b) + r u_i,   s = sqrt(var/var~),   r = delta / sqrt(var~)
        u_i  = W_U (g * w'_i),   b = W_U c + b_U

    holds exactly: l~ = b + W_U (g * (x' + delta w'_i)) / sqrt(var~), and l - b is W_U (g * x') / sqrt(var).
    """

    unembedding: Tensor
    """W_U, shape (vocab, d_model); the model's own tensor."""
    gain: Tensor
    """g, shape (d_model,)."""
    logit_bias: Tensor | None
    """b, shape (vocab,); None where it is zero."""
    output: Tensor
    """w_i, shape (n_neurons, d_model)."""
    epsilon: float
    centred: bool
    """Whether the norm subtracts the mean."""

    @property
    def vocab_size(self) -> int:
        """Rows of the unembedding."""
        return int(self.unembedding.shape[0])

    @property
    def n_neurons(self) -> int:
        """Neurons of the MLP."""
        return int(self.output.shape[0])

    def before_division(self, x: Tensor) -> Tensor:
        """x', same shape."""
        return x - x.mean(dim=-1, keepdim=True) if self.centred else x

    def variance(self, before: Tensor) -> Tensor:
        """Take var of x' (n, d_model), shape (n, 1)."""
        return before.square().mean(dim=-1, keepdim=True) + self.epsilon

    def logits_less_bias(self, before: Tensor) -> Tensor:
        """Take l - b from x' (n, d_model), shape (n, vocab), in the type of x'."""
        scaled = before / self.variance(before).sqrt() * self.gain.to(before.dtype)
        return scaled @ self.unembedding.to(before.dtype).T

    def with_bias(self, logits: Tensor) -> Tensor:
        """Take l from l - b."""
        return logits if self.logit_bias is None else logits + self.logit_bias.to(logits.dtype)

    def effects(self, neurons: slice) -> Tensor:
        """Compute u_i, shifted to mean 0 over the vocabulary, which changes no loss, shape (n, vocab)."""
        effect = (self.before_division(self.output[neurons]) * self.gain) @ self.unembedding.T
        effect -= effect.mean(dim=1, keepdim=True)
        return effect


def prepare_readout(subject: LanguageModel) -> Readout:
    """Collect the weights behind the tested MLP, in float32."""
    norm, unembedding = subject.module("final_norm"), subject.module("unembedding")
    gain = norm.weight.detach().float()
    if subject.anatomy.norm == "rms_plus_one":
        gain = gain + 1.0
    weight = unembedding.weight.detach().float()
    bias = None
    if getattr(norm, "bias", None) is not None:
        bias = weight @ norm.bias.detach().float()
    if getattr(unembedding, "bias", None) is not None:
        bias = unembedding.bias.detach().float() + (0.0 if bias is None else bias)
    if bias is not None and not bool(bias.any()):
        bias = None
    return Readout(
        unembedding=weight,
        gain=gain,
        logit_bias=bias,
        output=subject.output_vectors.float().contiguous(),
        epsilon=float(
            next(getattr(norm, name) for name in ("eps", "variance_epsilon") if hasattr(norm, name))
        ),
        centred=subject.anatomy.norm == "layer",
    )


@contextmanager
def full_precision() -> Iterator[None]:
    """Float32 products in float32: TF32 or bfloat16 units would cost 1e-3 nats, which no bound here knows.

    PyTorch's setting is global; it is put back.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_float32_matmul_precision(before)
