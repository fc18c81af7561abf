"""The change of a logit difference when each neuron of the last MLP is ablated: exact, of two logits.

With l~ = b + s (l - b) + r u_i (`.readout`) the difference d = l_foil - l_target becomes

    d~ - d = (s - 1) (l - b)_(foil - target) + r (u_i)_(foil - target)

so that no sum over the vocabulary is left: with v = W_foil - W_target, (u_i)_(foil - target) is
v . (g * w'_i), one product of (positions, d) with (d, neurons). Everything is computed in float64 from the
residuals, activations and weights as given; what remains is the rounding of the result to float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.collect.last_block.ablation import as_half, require_finite
from hypotest.collect.last_block.readout import Readout
from hypotest.collect.last_block.tiles import GB, UNIT, Shift
from hypotest.subjects.precision import full_precision

_ARRAYS = 8
"""Arrays of (positions, neurons) in float64 that a tile holds at once."""


class LogitDifferenceAblation:
    """Ablates every neuron of the last MLP at given positions.

    Args:
        readout: From `hypotest.collect.last_block.readout.prepare_readout`.
        memory: GB it may take beside its inputs and outputs.
    """

    def __init__(self, readout: Readout, memory: float) -> None:
        # mps has no float64
        self.readout = readout.to(torch.device("cpu")) if readout.output.device.type == "mps" else readout
        self._positions = max(1, int(memory * GB / (8.0 * _ARRAYS * readout.n_neurons)))

    def __call__(
        self,
        residual: NDArray[np.float32],
        activations: NDArray[np.float32],
        replacement: NDArray[np.float32],
        target: NDArray[np.int64],
        foil: NDArray[np.int64],
    ) -> dict[str, NDArray[Any]]:
        """Ablate every neuron at every position, one at a time.

        Args:
            residual: Input of the final norm, shape (n_positions, d_model).
            activations: Neurons, shape (n_positions, n_neurons).
            replacement: What an ablated neuron is set to, shape (n_neurons,) or (n_positions, n_neurons).
            target: Token id that is predicted, shape (n_positions,).
            foil: Token id that it is compared with, same shape.

        Returns:
            The arrays of `.ablation.NeuronAblation`: ``delta_loss`` is the change of the
            foil's logit less the target's, positive where the ablation hurts, ``loss`` that difference
            without ablation; no pair needs the vocabulary.

        Raises:
            EvidenceError: If a value is not finite.
        """
        n_positions, n_neurons = activations.shape
        change = np.empty((n_positions, n_neurons), dtype=np.float32)
        bound = np.empty((n_positions, n_neurons), dtype=np.float16)
        base = np.empty(n_positions, dtype=np.float32)
        readout, device = self.readout, self.readout.output.device
        with full_precision():
            output = readout.before_division(readout.output.double())
            square, direct = output.square().sum(dim=1), output * readout.gain.double()
            for start in range(0, n_positions, self._positions):
                rows = slice(start, start + self._positions)
                after = replacement[rows] if replacement.ndim == 2 else replacement
                delta = torch.from_numpy(after.astype(np.float64) - activations[rows]).to(device)
                before = readout.before_division(torch.from_numpy(residual[rows]).to(device).double())
                wanted, other = (torch.from_numpy(ids[rows]).to(device) for ids in (target, foil))
                contrast = readout.unembedding[other].double() - readout.unembedding[wanted].double()
                variance = readout.variance(before)
                shift = Shift.of_products(
                    before @ output.T, square, variance, before.shape[1], delta, least=0.0
                )
                less_bias = (before / variance.sqrt() * readout.gain.double() * contrast).sum(dim=1)
                moved = shift.scale * less_bias[:, None] + shift.along * (contrast @ direct.T)
                change[rows] = moved.float().cpu().numpy()
                bound[rows] = as_half(moved.abs() * UNIT).cpu().numpy()
                if readout.logit_bias is not None:
                    less_bias += (readout.logit_bias[other] - readout.logit_bias[wanted]).double()
                base[rows] = less_bias.float().cpu().numpy()
        require_finite(change)
        return {
            "delta_loss": change,
            "error_bound": bound,
            "loss": base,
            "n_exact": np.zeros(n_positions, dtype=np.int32),
        }
