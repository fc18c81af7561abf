"""The change of loss when each neuron of the last MLP is ablated: all neurons, every position, certified.

With p = softmax(l) and z = (s - 1)(l - b) + r u_i (`.readout`), the loss changes by exactly

    log E_p[exp z] - z_target

The second term is read off. For the first, E_p runs over the vocabulary, once per (position, neuron) pair;
its moments do not: those of order j are polynomials in s - 1 and r whose coefficients are expectations of
products of l - b and u_i under p, which are matrix products for all neurons at once,

    order 2:   p U,  p U^2,  (p lc) U
    order 3:   and p U^3,  (p lc) U^2,  (p lc^2) U          (lc = l - b centred under p; powers elementwise)

and with the range of z, which is at most the sum of the ranges of its two terms, they enclose it
(`.enclosure`). The estimate is the middle of the enclosure, half its width the bound of the error. Each pair
is taken only as far as the tolerance asks:

    1. variance      the three products of order 2; on the reference model 99 % of all pairs end here
    2. skewness      three more products, for those neurons of a batch of positions of which enough pairs are
                     left that the products are cheaper than what follows
    3. identity      E_p[exp z] itself, O(vocabulary) for each pair that is still left
    4. float64       the ablated residual through norm and unembedding, where float32 cannot do

Rounding. What is enclosed is computed in float32 from the residuals, activations and weights as given. An
allowance for it is part of every bound: ROUNDING units of 2^-24, times what the loss can change per
relative error in its ingredients,

    step 1, 2:   (e^R - 1)(1 + s^2 q) + D (|s - 1| + s^3 q + min(R, 1))
    step 3:      R + D (|s - 1| + min(R, 1))
    all:         |change of loss| / ROUNDING

with R the range of z, D those of l - b and of b together, and q = |delta| |w'| / |x'| the relative size of
the perturbation, by which s errs. p has a relative error of units of D, which moves E_p[exp z] by at most
min(R, 1) D; moments of order j have errors of units of R^j. D and R are raised to the scale of the products
(`Readout.rounding_scale`) where large parts of them cancel; the common part of the unembedding, which always
would, is taken off first (`Readout.contrast`), as are means in float64 for a LayerNorm. Where less than
LEAST_LEFT of the residual's variance is left, step 4 decides.

The enclosure is proven; how library products round is not, and ROUNDING is calibrated: 16 is at least three
times what float64 shows (`tests/collect/test_ablation.py`). Step 4 needs no more than storing the result in
float32, which for effects above a thousand nats is itself more than 1e-4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.collect.last_block.enclosure import enclose_by_skewness, enclose_by_variance
from hypotest.collect.last_block.readout import Readout
from hypotest.collect.last_block.single_pairs import by_identity, in_float64, stored_error
from hypotest.collect.last_block.tiles import HALF, HALF_SMALLEST, Effects, Positions, Shift, Tiles, z_range
from hypotest.engine.session import MEMORY
from hypotest.errors import EvidenceError
from hypotest.subjects.precision import full_precision

TOLERANCE = 1e-4
"""Nats: the largest error of any entry, unless another is asked for."""
_SKEWNESS_ABOVE = 0.02
"""Share of a neuron's pairs left by step 1 from which three more products are cheaper than the identity."""


class NeuronAblation:
    """Ablates every neuron of the last MLP at given positions; holds u_i between calls.

    Args:
        readout: From `hypotest.collect.last_block.readout.prepare_readout`.
        tolerance: Largest error of any entry in nats, at least 1e-6.
        memory: GB it may take beside its inputs and outputs.

    Raises:
        EvidenceError: If the tolerance is too small for float32 results, or the memory for the smallest tile.
    """

    def __init__(self, readout: Readout, tolerance: float = TOLERANCE, memory: float = MEMORY) -> None:
        if not tolerance >= 1e-6:
            raise EvidenceError(f"the tolerance must be at least 1e-6 nats, found {tolerance:g}")
        self.readout = readout
        self.tolerance = tolerance
        self._largest = tolerance * (1 - 2 * HALF) - 2 * HALF_SMALLEST
        device = readout.output.device
        self.tiles = Tiles.for_memory(
            memory,
            readout.vocab_size,
            readout.n_neurons,
            readout.output.shape[1],
            device.type == "cpu",
        )
        self._square = torch.empty(self.tiles.neurons, readout.vocab_size, device=device)
        self._resident: tuple[int, Effects] | None = None

    def __call__(
        self,
        residual: NDArray[np.float32],
        activations: NDArray[np.float32],
        replacement: NDArray[np.float32],
        target: NDArray[np.int64],
    ) -> dict[str, NDArray[Any]]:
        """Ablate every neuron at every position, one at a time.

        Args:
            residual: Input of the final norm, shape (n_positions, d_model).
            activations: Neurons, shape (n_positions, n_neurons).
            replacement: What an ablated neuron is set to, shape (n_neurons,) or (n_positions, n_neurons).
            target: Token id that is predicted, shape (n_positions,).

        Returns:
            ``delta_loss`` (n_positions, n_neurons) in nats, positive where the ablation hurts;
            ``error_bound``, same shape, float16, rounded up: its largest error; ``loss`` (n_positions,), the
            cross-entropy without ablation; ``n_exact`` (n_positions,), the neurons that needed the identity.

        Raises:
            EvidenceError: If a value is not finite.
        """
        n_positions, n_neurons = activations.shape
        arrays: dict[str, NDArray[Any]] = {
            "delta_loss": np.empty((n_positions, n_neurons), dtype=np.float32),
            "error_bound": np.empty((n_positions, n_neurons), dtype=np.float16),
            "loss": np.empty(n_positions, dtype=np.float32),
            "n_exact": np.zeros(n_positions, dtype=np.int32),
        }
        with full_precision():
            for rows, neurons, at, effects, delta in self.over_tiles(
                residual, activations, replacement, target
            ):
                change, bound, exact = self._tile(at, neurons, effects, delta)
                arrays["delta_loss"][rows, neurons] = change.cpu().numpy()
                arrays["error_bound"][rows, neurons] = as_half(bound).cpu().numpy()
                arrays["loss"][rows] = at.loss.cpu().numpy()
                arrays["n_exact"][rows] += exact.cpu().numpy()
        require_finite(arrays["delta_loss"])
        return arrays

    def over_tiles(
        self,
        residual: NDArray[np.float32],
        activations: NDArray[np.float32],
        replacement: NDArray[np.float32],
        target: NDArray[np.int64],
    ) -> Iterator[tuple[slice, slice, Positions, Effects, Tensor]]:
        """Walk over positions and neurons within the budget; call it in `full_precision`.

        Args:
            residual: As in `__call__`.
            activations: As in `__call__`.
            replacement: As in `__call__`.
            target: As in `__call__`.

        Yields:
            Rows, neurons, what the positions and the neurons bring, and replacement less activation
            (positions, neurons), in float64 where the device has it.
        """
        device = self.readout.output.device
        for first in range(0, self.readout.n_neurons, self.tiles.neurons_resident):
            resident = self.effects(first)
            for start in range(0, len(residual), self.tiles.positions):
                rows = slice(start, start + self.tiles.positions)
                at = Positions.of(
                    self.readout,
                    torch.from_numpy(residual[rows]).to(device),
                    torch.from_numpy(target[rows]).to(device),
                )
                for offset in range(0, len(resident.values), self.tiles.neurons):
                    effects = resident.part(slice(offset, offset + self.tiles.neurons))
                    neurons = slice(first + offset, first + offset + len(effects.values))
                    after = replacement[rows, neurons] if replacement.ndim == 2 else replacement[neurons]
                    delta = after.astype(np.float64) - activations[rows, neurons]
                    if device.type == "mps":
                        delta = delta.astype(np.float32)
                    yield rows, neurons, at, effects, torch.from_numpy(delta).to(device)

    def effects(self, first: int) -> Effects:
        """u_i of the neurons held at once, from the first of them on."""
        if self._resident is None or self._resident[0] != first:
            self._resident = None  # freed before the next is made
            stop = min(first + self.tiles.neurons_resident, self.readout.n_neurons)
            device = self.readout.output.device
            values = torch.empty(stop - first, self.readout.vocab_size, device=device)
            for start in range(first, stop, self.tiles.neurons):
                part = slice(start, min(start + self.tiles.neurons, stop))
                here = slice(part.start - first, part.stop - first)
                values[here] = self.readout.effects(part)
            low, high = values.amin(dim=1), values.amax(dim=1)
            output = self.readout.before_division(self.readout.output[first:stop])
            excess = (self.readout.rounding_scale(output) - (high - low)).clamp(min=0)
            self._resident = (first, Effects(values, low, high, excess))
        return self._resident[1]

    def _tile(
        self, at: Positions, neurons: slice, effects: Effects, delta: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Change of loss and its bound (positions, neurons), and the number of exact pairs (positions,)."""
        readout, effect = self.readout, effects.values
        shift = Shift.of(readout, at, neurons, delta.float())
        square = torch.square(effect, out=self._square[: len(effect)])
        m1, m2 = at.p @ effect.T, at.p @ square.T
        cross = at.weighted @ effect.T
        z_target = shift.scale * at.target_logit + shift.along * effect[:, at.target].T
        low, high = z_range(shift, at, effects, m1)
        k1 = shift.scale * at.mean + shift.along * m1
        k2 = (
            shift.scale.square() * at.second
            + 2 * shift.scale * shift.along * cross
            + shift.along.square() * (m2 - m1.square())
        )
        k2 = torch.minimum(k2.clamp(min=0), -low * high)
        lower, upper = enclose_by_variance(k2, low, high)
        change = k1 + (lower + upper) / 2 - z_target
        bound = (upper - lower) / 2 + shift.rounding(at, high - low, effects) + stored_error(change)
        left = ~(bound <= self._largest)  # NaN counts as left
        if not bool(left.any()):
            return change, bound, left.sum(dim=1)

        share = left.float().mean(dim=0)
        chosen = (share > _SKEWNESS_ABOVE).nonzero().flatten()
        if chosen.numel():
            part = shift.columns(chosen)
            refined, refined_bound = self._by_skewness(
                at, part, effects.part(chosen), square[chosen], (m1, m2, cross), k2, (low, high), chosen
            )
            refined = refined + (k1 - z_target)[:, chosen]
            refined_bound += stored_error(refined)
            change[:, chosen] = torch.where(left[:, chosen], refined, change[:, chosen])
            bound[:, chosen] = torch.where(left[:, chosen], refined_bound, bound[:, chosen])
            left = ~(bound <= self._largest)
        for pairs in torch.split(left.nonzero(), self.tiles.pairs):
            row, neuron = pairs.unbind(1)
            shift = Shift.of_pairs(readout, at, row, neurons.start + neuron, delta[row, neuron])
            change[row, neuron], bound[row, neuron] = by_identity(
                readout, at, row, shift, effect[neuron], effects.excess[neuron]
            )
        coarse = (~(bound <= self._largest)).nonzero()
        for start in range(0, len(coarse), self.tiles.pairs_in_float64):
            row, neuron = coarse[start : start + self.tiles.pairs_in_float64].unbind(1)
            value = in_float64(readout, at, row, neurons.start + neuron, delta[row, neuron])
            change[row, neuron], bound[row, neuron] = value, stored_error(value)
        return change, bound, left.sum(dim=1)

    def _by_skewness(
        self,
        at: Positions,
        shift: Shift,
        effects: Effects,
        square: Tensor,
        products: tuple[Tensor, Tensor, Tensor],
        k2: Tensor,
        ends: tuple[Tensor, Tensor],
        chosen: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Enclose log E[exp(z - k1)] by three moments, for some neurons at all positions, and its bound."""
        effect = effects.values
        m1, m2, cross = (product[:, chosen] for product in products)
        m3 = at.p @ (square * effect).T
        cross_12 = at.weighted @ square.T - 2 * m1 * cross
        cross_21 = at.twice_weighted @ effect.T - m1 * at.second
        scale, along = shift.scale, shift.along
        k3 = (
            scale**3 * at.third
            + 3 * scale.square() * along * cross_21
            + 3 * scale * along.square() * cross_12
            + along**3 * (m3 - 3 * m1 * m2 + 2 * m1**3)
        )
        low, high = ends[0][:, chosen], ends[1][:, chosen]
        if k3.device.type != "mps":  # which has no float64
            k2, k3, low, high = k2[:, chosen].double(), k3.double(), low.double(), high.double()
        else:
            k2 = k2[:, chosen]
        lower, upper = enclose_by_skewness(k2, k3, low, high)
        bound = ((upper - lower) / 2).float() + shift.rounding(at, (high - low).float(), effects)
        return ((lower + upper) / 2).float(), bound


def as_half(bound: Tensor) -> Tensor:
    """As float16 that is not below: rounding moves it by half of what is added first."""
    return (bound * (1 + HALF) + HALF_SMALLEST).half()


def require_finite(change: NDArray[np.floating], numbers: NDArray[np.integer] | None = None) -> None:
    """See to it that every ablation has a result.

    Args:
        change: Shape (n_positions, n_neurons).
        numbers: Of the neurons; None: all, in order.

    Raises:
        EvidenceError: If one has none; names the first.
    """
    if not np.isfinite(change).all():
        position, neuron = np.argwhere(~np.isfinite(change))[0]
        named = neuron if numbers is None else numbers[neuron]
        raise EvidenceError(f"delta_loss of neuron {named} at position {position} is not finite")
