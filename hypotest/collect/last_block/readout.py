"""The path from the last MLP's neurons to the logits, and the exact identity of an ablation along it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.subjects.anatomy.modules import norm_epsilon
from hypotest.subjects.language_model import LanguageModel

_ROWS = 4096  # of the unembedding that are turned into float64 at once


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
    contrast: Tensor
    """W_U less its mean over the vocabulary, float32, same shape. It shifts all logits alike, which changes
    no loss, and spares float32 the large common part that the logits of GPT-2, say, have."""
    longest_row: float
    """Length of the longest row of `contrast`."""
    gain: Tensor
    """g, shape (d_model,)."""
    logit_bias: Tensor | None
    """b less its mean, shape (vocab,), float64 where the device has it; None where it is zero."""
    output: Tensor
    """w_i, shape (n_neurons, d_model)."""
    epsilon: float
    centred: bool
    """Whether the norm subtracts the mean."""

    @classmethod
    def of(
        cls,
        unembedding: Tensor,
        gain: Tensor,
        bias: Tensor | None,
        output: Tensor,
        epsilon: float,
        centred: bool,
    ) -> Readout:
        """From the weights as they are; `bias` is W_U c + b_U."""
        if bias is not None:
            bias = bias - float(bias.cpu().numpy().mean())  # torch divides so long a sum among threads
            bias = bias if bool(bias.any()) else None
        contrast = unembedding - unembedding.mean(dim=0)
        longest = float(torch.linalg.vector_norm(contrast, dim=1).max())
        return cls(unembedding, contrast, longest, gain, bias, output, epsilon, centred)

    def of_neurons(self, neurons: NDArray[np.int64]) -> Readout:
        """The same for some neurons of the layer."""
        return replace(self, output=self.output[torch.from_numpy(neurons).to(self.output.device)])

    @property
    def vocab_size(self) -> int:
        """Rows of the unembedding."""
        return int(self.unembedding.shape[0])

    @property
    def n_neurons(self) -> int:
        """Neurons of the MLP."""
        return int(self.output.shape[0])

    @property
    def bias_width(self) -> float:
        """Range of b."""
        return 0.0 if self.logit_bias is None else float(self.logit_bias.max() - self.logit_bias.min())

    def before_division(self, x: Tensor) -> Tensor:
        """x', same shape; a mean that is large beside the rest is taken off in float64."""
        if not self.centred:
            return x
        wide = x if x.device.type == "mps" else x.double()
        return (wide - wide.mean(dim=-1, keepdim=True)).to(x.dtype)

    def variance(self, before: Tensor) -> Tensor:
        """Take var of x' (n, d_model), shape (n, 1)."""
        return before.square().mean(dim=-1, keepdim=True) + self.epsilon

    def logits_less_bias(self, before: Tensor) -> Tensor:
        """Take l - b, but for a shift of all, from x' (n, d_model), shape (n, vocab)."""
        return (before / self.variance(before).sqrt() * self.gain) @ self.contrast.T

    def with_bias(self, logits: Tensor) -> Tensor:
        """Take l from l - b."""
        return logits if self.logit_bias is None else logits + self.logit_bias.to(logits.dtype)

    def losses_in_float64(self, residual: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of targets (n,) from residuals (n, d_model) in float64, shape (n,)."""
        before = self.before_division(residual.double())
        scaled = before / self.variance(before).sqrt() * self.gain.double()
        # a copy of the whole unembedding in float64 would not fit every budget
        parts = [scaled @ rows.double().T for rows in torch.split(self.unembedding, _ROWS)]
        logits = self.with_bias(torch.cat(parts, dim=1))
        loss: Tensor = torch.logsumexp(logits, dim=1) - logits.gather(1, target[:, None])[:, 0]
        return loss

    def effects(self, neurons: slice) -> Tensor:
        """Compute u_i, but for a shift over the vocabulary, shape (n, vocab)."""
        return (self.before_division(self.output[neurons]) * self.gain) @ self.contrast.T

    def rounding_scale(self, vectors: Tensor) -> Tensor:
        """Size of the products' rounding when vectors (n, d_model) meet g and the unembedding, shape (n,).

        Twice what the largest |W_k| |g * v| / sqrt(d) is: below the range of W_U (g * v) unless large parts
        of the two cancel.
        """
        lengths = torch.linalg.vector_norm(vectors * self.gain, dim=1)
        scale: Tensor = 2 * lengths * self.longest_row / vectors.shape[1] ** 0.5
        return scale

    def to(self, device: torch.device) -> Readout:
        """The same on another device."""
        bias = None if self.logit_bias is None else self.logit_bias.to(device)
        return replace(
            self,
            unembedding=self.unembedding.to(device),
            contrast=self.contrast.to(device),
            gain=self.gain.to(device),
            logit_bias=bias,
            output=self.output.to(device),
        )


def prepare_readout(subject: LanguageModel) -> Readout:
    """Collect the weights behind the tested MLP."""
    norm, unembedding = subject.module("final_norm"), subject.module("unembedding")
    weight = unembedding.weight.detach().float()
    gain = torch.ones(subject.d_model, device=weight.device)
    if subject.anatomy.norm != "layer_plain":
        gain = norm.weight.detach().to(gain) + (subject.anatomy.norm == "rms_plus_one")
    wide = torch.float32 if weight.device.type == "mps" else torch.float64
    bias = None
    if getattr(norm, "bias", None) is not None:
        shift = norm.bias.detach().to(weight.device, wide)
        parts = [rows.to(wide) @ shift for rows in torch.split(weight, _ROWS)]
        bias = torch.cat(parts)
    if getattr(unembedding, "bias", None) is not None:
        bias = unembedding.bias.detach().to(wide) + (0.0 if bias is None else bias)
    return Readout.of(
        unembedding=weight,
        gain=gain,
        bias=bias,
        output=subject.output_vectors.to(weight).contiguous(),
        epsilon=norm_epsilon(norm),
        centred=subject.anatomy.norm in ("layer", "layer_plain"),
    )
