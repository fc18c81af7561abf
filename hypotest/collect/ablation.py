"""Mean ablation of every neuron of the last MLP, without a forward pass per neuron.

For an MLP that feeds the final norm and the unembedding linearly, ablating neuron i moves the residual x
along its output vector w_i. With a LayerNorm (gain g, bias c) and an unembedding W_U, the ablated logits
are exactly

    l~ = b + s (l - b) + r u_i,    u_i = W_U (g * w'_i),    b = W_U c + b_U

with s = sqrt(var/var~), r = delta/sqrt(var~), primes for centred vectors and delta = mean activation -
activation. Writing p for the softmax of l and z = (s - 1)(l - b) + r u_i, the loss changes by

    log E_p[exp z] - z_target  ~  k1 + k2/2 + k3/6 - z_target

whose cumulants are polynomials in s - 1 and r; their coefficients are expectations under p of products of
l - b and u_i, that is, six matrix products over the vocabulary for all neurons at once.

The sum stops at order 3; its remainder grows like k2 squared. Where k2 exceeds 0.005, the identity itself
is evaluated, over the whole vocabulary. On the reference model that is 0.2 % of all (position, neuron)
pairs; of 196,608 pairs compared with the exact identity the largest error left is 3e-5 nats (0.004 without
it). It is no certificate: each run compares a sample with real interventions
(`hypotest.collect.self_check`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.subjects.language_model import LanguageModel

_POSITIONS_PER_BATCH = 256
_NEURONS_PER_BATCH = 1024
_PAIRS_PER_BATCH = 512
EXACT_ABOVE = 0.005
"""Variance k2 of z, in squared nats, above which a pair is evaluated exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """The path from a neuron to the logits, prepared once per model; tensors in float32."""

    unembedding: torch.Tensor
    """W_U scaled by the norm's gain, shape (vocab, d_model)."""
    logit_bias: torch.Tensor
    """b = W_U c + b_U, shape (vocab,)."""
    output: torch.Tensor
    """Centred output vectors w'_i, shape (n_neurons, d_model)."""
    effect: torch.Tensor
    """u_i, each shifted to mean 0 over the vocabulary (which changes no loss), shape (vocab, n_neurons)."""
    epsilon: float


def prepare_readout(subject: LanguageModel) -> Readout:
    """Collect the weights behind the tested MLP."""
    norm, unembedding = subject.module("final_norm"), subject.module("unembedding")
    scaled = unembedding.weight * norm.weight
    bias = unembedding.weight @ norm.bias
    if unembedding.bias is not None:
        bias = bias + unembedding.bias
    output = subject.module("down_projection").weight.T
    output = output - output.mean(dim=1, keepdim=True)
    effect = scaled @ output.T
    return Readout(
        unembedding=scaled,
        logit_bias=bias,
        output=output.contiguous(),
        effect=effect - effect.mean(dim=0),
        epsilon=float(norm.eps),
    )


def ablation_arrays(
    readout: Readout,
    residual: NDArray[np.float32],
    activations: NDArray[np.float32],
    mean_activation: NDArray[np.float32],
    target: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """Change of the target's loss when each neuron is set to its mean.

    Args:
        readout: From `prepare_readout`.
        residual: Input of the final norm, shape (n_positions, d_model).
        activations: Neurons, shape (n_positions, n_neurons).
        mean_activation: What an ablated neuron is set to, shape (n_neurons,).
        target: Token id that is predicted, shape (n_positions,).

    Returns:
        ``delta_loss`` (n_positions, n_neurons) in nats, positive where the ablation hurts; ``loss``
        (n_positions,), the cross-entropy without ablation; ``n_exact`` (n_positions,), the neurons that were
        evaluated exactly.

    Raises:
        EvidenceError: If a value is not finite.
    """
    device = readout.effect.device
    n_positions, n_neurons = activations.shape
    delta_loss = np.empty((n_positions, n_neurons), dtype=np.float32)
    loss = np.empty(n_positions, dtype=np.float32)
    n_exact = np.zeros(n_positions, dtype=np.int32)
    with torch.no_grad():
        for first in range(0, n_neurons, _NEURONS_PER_BATCH):
            neurons = slice(first, first + _NEURONS_PER_BATCH)
            effect = readout.effect[:, neurons].contiguous()
            powers = (effect, effect.square(), effect**3)
            for start in range(0, n_positions, _POSITIONS_PER_BATCH):
                rows = slice(start, start + _POSITIONS_PER_BATCH)
                x = torch.from_numpy(residual[rows]).to(device)
                delta = torch.from_numpy(mean_activation[neurons] - activations[rows, neurons]).to(device)
                change, base, exact = _change(
                    readout, neurons, powers, x, delta, torch.from_numpy(target[rows]).to(device)
                )
                delta_loss[rows, neurons] = change.cpu().numpy()
                loss[rows] = base.cpu().numpy()
                n_exact[rows] += exact.cpu().numpy()
    if not np.isfinite(delta_loss).all():
        position, neuron = np.argwhere(~np.isfinite(delta_loss))[0]
        raise EvidenceError(f"delta_loss of neuron {neuron} at position {position} is not finite")
    return {"delta_loss": delta_loss, "loss": loss, "n_exact": n_exact}


def _change(
    readout: Readout,
    neurons: slice,
    powers: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    x: torch.Tensor,
    delta: torch.Tensor,
    target: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Change of loss (positions, neurons), the loss itself, and how many neurons were exact (positions,)."""
    d_model = x.shape[1]
    centred = x - x.mean(dim=1, keepdim=True)
    variance = centred.square().mean(dim=1, keepdim=True) + readout.epsilon
    centred_logits = (centred / variance.sqrt()) @ readout.unembedding.T  # l - b
    log_p = torch.log_softmax(centred_logits + readout.logit_bias, dim=1)
    p = log_p.exp()

    output = readout.output[neurons]
    ablated = (
        variance + (2 * delta * (centred @ output.T) + delta.square() * output.square().sum(dim=1)) / d_model
    )
    scale = torch.sqrt(variance / ablated) - 1.0  # s - 1
    along = delta / torch.sqrt(ablated)  # r

    mean_logit = (p * centred_logits).sum(dim=1, keepdim=True)
    spread = centred_logits - mean_logit
    weighted = p * spread
    weighted_square = weighted * spread
    logit_2 = weighted_square.sum(dim=1, keepdim=True)
    logit_3 = (weighted_square * spread).sum(dim=1, keepdim=True)
    effect, effect_square, effect_cube = powers
    m1, m2, m3 = p @ effect, p @ effect_square, p @ effect_cube
    cross = weighted @ effect
    cross_12 = weighted @ effect_square - 2 * m1 * cross
    cross_21 = weighted_square @ effect - m1 * logit_2
    effect_2 = m2 - m1.square()
    effect_3 = m3 - 3 * m1 * m2 + 2 * m1**3

    k1 = scale * mean_logit + along * m1
    k2 = scale.square() * logit_2 + 2 * scale * along * cross + along.square() * effect_2
    k3 = (
        scale**3 * logit_3
        + 3 * scale.square() * along * cross_21
        + 3 * scale * along.square() * cross_12
        + along**3 * effect_3
    )
    at_target = torch.arange(len(target), device=target.device)
    z_target = scale * centred_logits[at_target, target][:, None] + along * effect[target]
    log_mean_exp = k1 + k2 / 2 + k3 / 6
    far = k2 > EXACT_ABOVE
    for pairs in torch.split(far.nonzero(), _PAIRS_PER_BATCH):
        row, neuron = pairs.unbind(1)
        z = scale[row, neuron][:, None] * centred_logits[row]
        z += along[row, neuron][:, None] * effect[:, neuron].T
        log_mean_exp[row, neuron] = torch.logsumexp(log_p[row] + z, dim=1)
    return log_mean_exp - z_target, -log_p[at_target, target], far.sum(dim=1)
