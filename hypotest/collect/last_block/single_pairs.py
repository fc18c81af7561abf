"""The change of loss for single pairs of position and neuron, steps 3 and 4 of `collect.ablation`."""

from __future__ import annotations

import torch
from torch import Tensor

from hypotest.collect.last_block.readout import Readout
from hypotest.collect.last_block.tiles import ROUNDING, UNIT, Positions, Shift

_EXP_LIMIT = 60.0
"""Largest z whose exponential is summed in float32 as it is."""


def by_identity(
    readout: Readout, at: Positions, row: Tensor, shift: Shift, effect: Tensor, excess: Tensor
) -> tuple[Tensor, Tensor]:
    """Change of loss and its bound by summing over the vocabulary, shape (n_pairs,).

    Args:
        readout: Norm and unembedding.
        at: The positions.
        row: Position of each pair, shape (n_pairs,).
        shift: s - 1 and r of each pair.
        effect: u_i of each pair, shape (n_pairs, vocab).
        excess: `Effects.excess` of each, shape (n_pairs,).
    """
    p = at.p[row]
    z = at.logits[row].mul_(shift.scale[:, None]).addcmul_(shift.along[:, None], effect)
    # less their mean, so that E[exp z - 1] is not negative and loses no digits
    z -= torch.linalg.vecdot(p, z)[:, None]
    largest = z.amax(dim=1)
    spread = largest - z.amin(dim=1)
    z_target = z.gather(1, at.target[row][:, None])[:, 0]
    wild = (~(largest < _EXP_LIMIT)).nonzero().flatten()
    if wild.numel():
        logits = readout.with_bias(at.logits[row[wild]])
        far = torch.logsumexp(logits + z[wild], dim=1) - torch.logsumexp(logits, dim=1)
    value = torch.log1p(torch.linalg.vecdot(p, z.expm1_()))
    if wild.numel():
        value[wild] = far
    change = value - z_target
    allowance = (
        spread + shift.along.abs() * excess + at.width[row, 0] * (shift.scale.abs() + spread.clamp(max=1.0))
    )
    return change, ROUNDING * UNIT * allowance + stored_error(change)


def in_float64(readout: Readout, at: Positions, row: Tensor, neuron: Tensor, delta: Tensor) -> Tensor:
    """Change of loss through norm and unembedding in float64, shape (n_pairs,).

    Args:
        readout: Norm and unembedding.
        at: The positions.
        row: Position of each pair, shape (n_pairs,).
        neuron: Neuron of each, same shape.
        delta: Replacement less activation of each, same shape.
    """
    device = torch.device("cpu") if row.device.type == "mps" else row.device  # which has no float64
    if device != row.device:
        readout = readout.to(device)
    residual, target = at.residual[row].to(device).double(), at.target[row].to(device)
    step = delta.to(device, torch.float64)[:, None] * readout.output[neuron.to(device)].double()
    both = readout.losses_in_float64(torch.cat([residual + step, residual]), target.repeat(2))
    moved, base = both.chunk(2)
    return (moved - base).float().to(row.device)


def stored_error(change: Tensor) -> Tensor:
    """Error of keeping a value in float32."""
    return change.abs() * UNIT
