"""What the effect of an ablation is made of: the norm's scale, the direct path, and the entropy.

Of z = (s - 1)(l - b) + r u the first term is what the final norm does when the residual's length changes,
the second what the neuron writes into the logits (Stolfo et al. 2024). Each alone changes the loss by
log E_p[exp z] - z_target with r = 0 or s = 1; they add up to the whole effect but for their interaction.
The entropy of the prediction changes by

    -k(L, z) - k(L, z, z)/2 - k2/2 - k3/3 - ...        (L = log p; k: joint cumulants under p)

from the products of `.ablation`, with L in the place of l - b. The series stops there,
without a certificate; where its terms of second and third order, times the ratio |k3|/k2 + sqrt(k2) by which
the next ones follow, exceed ENTROPY_EXACT_ABOVE, the entropy is summed over the vocabulary. So is either part
where its enclosure is wider than the tolerance.

References:
    Stolfo et al. (2024), arXiv:2406.16254: entropy neurons act through the final norm's scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.enclosure import enclose_by_skewness
from hypotest.collect.last_block.single_pairs import by_identity
from hypotest.collect.last_block.tiles import Effects, Positions, Shift
from hypotest.subjects.precision import full_precision

ENTROPY_EXACT_ABOVE = 1e-4
"""Nats that the series may leave out, as far as its own terms tell; errors reach a few times that."""


def decompose(
    ablation: NeuronAblation,
    residual: NDArray[np.float32],
    activations: NDArray[np.float32],
    replacement: NDArray[np.float32],
    target: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """Split the effect of every neuron at every position.

    Args:
        ablation: The engine, with its tolerance and memory.
        residual: Input of the final norm, shape (n_positions, d_model).
        activations: Neurons, shape (n_positions, n_neurons).
        replacement: What an ablated neuron is set to, shape (n_neurons,) or (n_positions, n_neurons).
        target: Token id that is predicted, shape (n_positions,).

    Returns:
        ``through_norm`` and ``direct``, changes of loss in nats with an error of at most the tolerance, and
        ``entropy``, the change of the prediction's entropy in nats; each (n_positions, n_neurons).
    """
    arrays = {
        name: np.empty(activations.shape, dtype=np.float32) for name in ("through_norm", "direct", "entropy")
    }
    tiles = ablation.over_tiles(residual, activations, replacement, target)
    with full_precision():
        for rows, neurons, at, effects, delta in tiles:
            parts = _tile(ablation, neurons, at, effects, delta)
            for name, values in zip(arrays, parts, strict=True):
                arrays[name][rows, neurons] = values.cpu().numpy()
    return arrays


def _tile(
    ablation: NeuronAblation, neurons: slice, at: Positions, effects: Effects, delta: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    shift = Shift.of(ablation.readout, at, neurons, delta.float())
    effect, square = effects.values, effects.values.square()
    scale, along = shift.scale, shift.along
    m1, m2, m3 = at.p @ effect.T, at.p @ square.T, at.p @ (square * effect).T
    own_2, own_3 = m2 - m1.square(), m3 - 3 * m1 * m2 + 2 * m1**3
    cross = at.weighted @ effect.T
    cross_12 = at.weighted @ square.T - 2 * m1 * cross
    cross_21 = at.twice_weighted @ effect.T - m1 * at.second

    by_norm, by_norm_left = _enclosed(
        ablation, at, shift.by_norm(), effects,
        scale.square() * at.second, scale**3 * at.third, scale * at.lowest, scale * at.highest,
    )  # fmt: skip
    through_norm = by_norm + scale * (at.mean - at.target_logit)
    by_effect, by_effect_left = _enclosed(
        ablation, at, shift.by_effect(), effects,
        along.square() * own_2, along**3 * own_3,
        along * (effects.lowest - m1), along * (effects.highest - m1),
    )  # fmt: skip
    direct = by_effect + along * (m1 - effect[:, at.target].T)

    k2 = scale.square() * at.second + 2 * scale * along * cross + along.square() * own_2
    k3 = (
        scale**3 * at.third
        + 3 * scale.square() * along * cross_21
        + 3 * scale * along.square() * cross_12
        + along**3 * own_3
    )
    information = _Information.of(ablation, at, effect, square, m1)
    second = information.third(scale, along) / 2
    entropy = -information.covariance(scale, along) - second - k2 / 2 - k3 / 3
    ratio = k3.abs() / k2.clamp(min=1e-30) + k2.clamp(min=0).sqrt()
    following = (second.abs() + k2 / 2 + k3.abs() / 3) * ratio

    def exactly(
        left: Tensor, values: Tensor, evaluate: Callable[[Tensor, Shift, Tensor, Tensor], Tensor]
    ) -> None:
        for pairs in torch.split(left.nonzero(), ablation.tiles.pairs):
            row, neuron = pairs.unbind(1)
            exact = Shift.of_pairs(
                ablation.readout, at, row, neurons.start + neuron, delta[row, neuron], least=0.0
            )
            values[row, neuron] = evaluate(row, exact, effect[neuron], effects.excess[neuron])

    exactly(
        by_norm_left,
        through_norm,
        lambda row, exact, u, excess: by_identity(ablation.readout, at, row, exact.by_norm(), u, excess)[0],
    )
    exactly(
        by_effect_left,
        direct,
        lambda row, exact, u, excess: by_identity(ablation.readout, at, row, exact.by_effect(), u, excess)[0],
    )
    exactly(
        ~(following <= ENTROPY_EXACT_ABOVE),
        entropy,
        lambda row, exact, u, excess: _entropy_change(ablation, at, row, exact, u),
    )
    return through_norm, direct, entropy


def _enclosed(
    ablation: NeuronAblation,
    at: Positions,
    shift: Shift,
    effects: Effects,
    k2: Tensor,
    k3: Tensor,
    one: Tensor,
    other: Tensor,
) -> tuple[Tensor, Tensor]:
    """Take log E[exp(z - k1)] from the middle of its enclosure, and where that is too wide."""
    low, high = torch.minimum(one, other), torch.maximum(one, other)
    k2 = torch.minimum(k2.clamp(min=0), -low * high)
    wide = k2.dtype if k2.device.type == "mps" else torch.float64
    lower, upper = enclose_by_skewness(k2.to(wide), k3.to(wide), low.to(wide), high.to(wide))
    nothing = k2 < 1e-12  # no distribution of that variance and range changes a tenth of a rounding error
    middle = torch.where(nothing, k2 / 2, ((lower + upper) / 2).float())
    width = torch.where(nothing, 0.0, ((upper - lower) / 2).float())
    return middle, ~(width + shift.rounding(at, high - low, effects) <= ablation.tolerance)


class _Information:
    """Joint cumulants of L = log p with l - b and u, for all neurons of a tile."""

    def __init__(
        self, second: Tensor, third: Tensor, cross: Tensor, cross_12: Tensor, cross_21: Tensor
    ) -> None:
        self._second, self._third = second, third
        self._cross, self._cross_12, self._cross_21 = cross, cross_12, cross_21

    @classmethod
    def of(
        cls, ablation: NeuronAblation, at: Positions, effect: Tensor, square: Tensor, m1: Tensor
    ) -> _Information:
        log_p = ablation.readout.with_bias(at.logits)
        spread = log_p - torch.linalg.vecdot(at.p, log_p)[:, None]
        weighted = at.p * spread
        centred = at.logits - at.mean
        second = torch.linalg.vecdot(weighted, centred)[:, None]
        cross = weighted @ effect.T
        return cls(
            second=second,
            third=torch.linalg.vecdot(weighted * centred, centred)[:, None],
            cross=cross,
            cross_12=weighted @ square.T - 2 * m1 * cross,
            cross_21=(weighted * centred) @ effect.T - m1 * second,
        )

    def covariance(self, scale: Tensor, along: Tensor) -> Tensor:
        """k(L, z)."""
        return scale * self._second + along * self._cross

    def third(self, scale: Tensor, along: Tensor) -> Tensor:
        """k(L, z, z)."""
        both = 2 * scale * along * self._cross_21
        return scale.square() * self._third + both + along.square() * self._cross_12


def _entropy_change(
    ablation: NeuronAblation, at: Positions, row: Tensor, shift: Shift, effect: Tensor
) -> Tensor:
    """Change of entropy by summing over the vocabulary, shape (n_pairs,)."""
    before = torch.log_softmax(ablation.readout.with_bias(at.logits[row]), dim=1)
    z = at.logits[row].mul_(shift.scale[:, None]).addcmul_(shift.along[:, None], effect)
    after = torch.log_softmax(before + z, dim=1)
    change: Tensor = torch.linalg.vecdot(before.exp(), before) - torch.linalg.vecdot(after.exp(), after)
    return change
