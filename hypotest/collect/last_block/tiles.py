"""What the ablation of a tile of positions and neurons is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hypotest.collect.last_block.readout import Readout
from hypotest.errors import EvidenceError

GB = 1e9
"""Bytes; memory is given in GB everywhere."""
ROUNDING = 16.0
"""Allowance for rounding, in units of 2^-24 (`hypotest.collect.last_block.ablation`)."""
UNIT = 2.0**-24
HALF, HALF_SMALLEST = 2.0**-10, 2.0**-24
"""What float16 adds to a bound on its way to disk: a share of it, and an amount."""
LEAST_LEFT = 0.05
"""Share of the residual's variance below which an ablation is evaluated in float64."""
_CACHE = 2e6  # bytes of one vector over the vocabulary of all pairs of a step
_FEWEST = 100  # vectors over the vocabulary with which it goes at all


@dataclass(frozen=True, slots=True)
class Tiles:
    """How the work is cut so that it fits into memory."""

    neurons_resident: int
    """Neurons whose u_i are held at once; all of them if the budget allows it."""
    neurons: int
    """Neurons per tile."""
    positions: int
    """Positions per tile."""
    pairs: int
    """Pairs per step of the identity."""
    pairs_in_float64: int
    """Pairs per step in float64."""

    @classmethod
    def for_memory(
        cls, memory: float, vocab_size: int, n_neurons: int, d_model: int, on_cpu: bool = True
    ) -> Tiles:
        """Cut for a budget.

        After the centred unembedding, half of it holds u_i, the rest the vectors over the vocabulary of a
        tile: eight per position, two per neuron, four per pair (twice as long in float64). A processor takes
        no more pairs at once than fit into its cache.

        Args:
            memory: GB.
            vocab_size: Length of a vector.
            n_neurons: Of the layer.
            d_model: Width of the residual stream.
            on_cpu: Whether a processor does the work.

        Raises:
            EvidenceError: If not even the smallest tiles fit.
        """
        vector = 4.0 * vocab_size
        free = memory * GB / vector - d_model
        if free < _FEWEST:
            raise EvidenceError(
                f"the ablation needs at least {(_FEWEST + d_model) * vector / GB:.2g} GB for a vocabulary "
                f"of {vocab_size:,}; found memory={memory:.2g}, in GB: give more"
            )
        return cls(
            neurons_resident=min(n_neurons, int(0.5 * free)),
            neurons=min(1024, int(0.12 * free / 2)),
            positions=min(512, int(0.18 * free / 8)),
            pairs=max(1, int(_CACHE / vector if on_cpu else 0.05 * free / 4)),
            pairs_in_float64=min(256, max(1, int(0.1 * free / 8))),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """What a batch of positions contributes; shape (positions, 1) unless said otherwise."""

    residual: Tensor
    """x, shape (positions, d_model)."""
    before: Tensor
    """x', same shape."""
    variance: Tensor
    target: Tensor
    """Token ids, shape (positions,)."""
    loss: Tensor
    """Shape (positions,)."""
    p: Tensor
    """Shape (positions, vocab), as are the next four."""
    logits: Tensor
    """l - b."""
    weighted: Tensor
    """p lc."""
    twice_weighted: Tensor
    """p lc^2."""
    mean: Tensor
    """Mean of l - b under p."""
    second: Tensor
    """Mean of lc^2."""
    third: Tensor
    """Mean of lc^3."""
    lowest: Tensor
    """Smallest lc."""
    highest: Tensor
    """Largest lc."""
    target_logit: Tensor
    """l - b at the target."""
    product_scale: Tensor
    """`Readout.rounding_scale` of x'."""
    bias_width: float
    """Range of b."""

    @property
    def width(self) -> Tensor:
        """What rounding of the logits follows: ranges of l - b and of b, or the scale of the products."""
        return torch.maximum(self.highest - self.lowest, self.product_scale) + self.bias_width

    @classmethod
    def of(cls, readout: Readout, x: Tensor, target: Tensor) -> Positions:
        """From residuals (positions, d_model) and targets (positions,)."""
        before = readout.before_division(x)
        variance = readout.variance(before)
        logits = readout.logits_less_bias(before)
        p = torch.log_softmax(readout.with_bias(logits), dim=1)
        column = target[:, None]
        loss = -p.gather(1, column)[:, 0]
        p.exp_()
        mean = torch.linalg.vecdot(p, logits)[:, None]
        centred = logits - mean
        weighted = p * centred
        twice_weighted = weighted * centred
        return cls(
            residual=x,
            before=before,
            variance=variance,
            target=target,
            loss=loss,
            p=p,
            logits=logits,
            weighted=weighted,
            mean=mean,
            twice_weighted=twice_weighted,
            second=twice_weighted.sum(dim=1, keepdim=True),
            third=torch.linalg.vecdot(twice_weighted, centred)[:, None],
            lowest=logits.amin(dim=1, keepdim=True) - mean,
            highest=logits.amax(dim=1, keepdim=True) - mean,
            target_logit=logits.gather(1, column),
            product_scale=readout.rounding_scale(before / variance.sqrt())[:, None],
            bias_width=readout.bias_width,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """What an ablation does to the logits; all of one shape, (positions, neurons) or (pairs,)."""

    scale: Tensor
    """s - 1, without the cancellation of subtracting 1."""
    along: Tensor
    """r."""
    size: Tensor
    """q = |delta| |w'| / |x'|, in units of sqrt(var d) for |x'|."""

    @classmethod
    def of(cls, readout: Readout, at: Positions, neurons: slice, delta: Tensor) -> Shift:
        """Of some neurons at all positions, given delta (positions, neurons)."""
        output = readout.before_division(readout.output[neurons])
        return cls.of_products(
            at.before @ output.T, output.square().sum(dim=1), at.variance, at.before.shape[1], delta
        )

    @classmethod
    def of_pairs(
        cls,
        readout: Readout,
        at: Positions,
        row: Tensor,
        neuron: Tensor,
        delta: Tensor,
        least: float = LEAST_LEFT,
    ) -> Shift:
        """The same for single pairs, computed in the type of delta (pairs,)."""
        wide = delta.dtype
        output = readout.before_division(readout.output[neuron].to(wide))
        before = readout.before_division(at.residual[row].to(wide))
        variance = readout.variance(before)[:, 0]
        shift = cls.of_products(
            (before * output).sum(dim=1),
            output.square().sum(dim=1),
            variance,
            before.shape[1],
            delta,
            least,
        )
        return cls(shift.scale.float(), shift.along.float(), shift.size.float())

    @classmethod
    def of_products(
        cls,
        product: Tensor,
        square: Tensor,
        variance: Tensor,
        d_model: int,
        delta: Tensor,
        least: float = LEAST_LEFT,
    ) -> Shift:
        """From x'.w', |w'|^2, var of the residual, its width and delta, computed in their type."""
        moved = delta.square() * square
        # var~ / var - 1, which exact arithmetic keeps above -1
        relative = (2 * delta * product + moved) / (d_model * variance)
        # where little of the residual is left, s and r are left undefined: that is for float64
        root = torch.sqrt(torch.where(relative > least - 1, 1 + relative, torch.nan))
        return cls(
            scale=-relative / (root * (root + 1)),
            along=delta / (root * variance.sqrt()),
            size=torch.sqrt(moved / (d_model * variance)),
        )

    def by_norm(self) -> Shift:
        """What goes through the norm's scale alone, r = 0."""
        return Shift(self.scale, torch.zeros_like(self.along), self.size)

    def by_effect(self) -> Shift:
        """What the neuron writes into the logits alone, s = 1."""
        return Shift(torch.zeros_like(self.scale), self.along, self.size)

    def columns(self, chosen: Tensor) -> Shift:
        """The same for some neurons."""
        return Shift(self.scale[:, chosen], self.along[:, chosen], self.size[:, chosen])

    def rounding(self, at: Positions, spread: Tensor, effects: Effects) -> Tensor:
        """Allowance of steps 1 and 2, given the range of z, same shape."""
        s = 1 + self.scale
        from_moments = torch.expm1(spread + self.along.abs() * effects.excess) * (1 + s.square() * self.size)
        from_logits = at.width * (self.scale.abs() + s**3 * self.size + spread.clamp(max=1.0))
        return ROUNDING * UNIT * (from_moments + from_logits)


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """u_i of some neurons."""

    values: Tensor
    """Shape (neurons, vocab)."""
    lowest: Tensor
    """Smallest value over the vocabulary, shape (neurons,)."""
    highest: Tensor
    """Largest, shape (neurons,)."""
    excess: Tensor
    """By how much the scale of rounding exceeds their range, shape (neurons,); 0 as a rule."""

    def part(self, rows: slice | Tensor) -> Effects:
        """The same for some neurons."""
        return Effects(self.values[rows], self.lowest[rows], self.highest[rows], self.excess[rows])


def z_range(shift: Shift, at: Positions, effects: Effects, m1: Tensor) -> tuple[Tensor, Tensor]:
    """Ends of an interval that holds every z - k1: the signed extremes of its two terms, added."""
    by_scale = (shift.scale * at.lowest, shift.scale * at.highest)
    along = (shift.along * (effects.lowest - m1), shift.along * (effects.highest - m1))
    low = torch.minimum(*by_scale) + torch.minimum(*along)
    high = torch.maximum(*by_scale) + torch.maximum(*along)
    return low, high
