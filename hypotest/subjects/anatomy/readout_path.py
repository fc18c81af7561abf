"""What lies between the last MLP, or the stream, and the logits: final norm and unembedding, or more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from hypotest.subjects.anatomy.anatomy import Norm
from hypotest.subjects.anatomy.modules import by_input, norm_epsilon
from hypotest.subjects.anatomy.passes import RELATIVE, ROUNDING, Passes
from hypotest.subjects.precision import full_precision

_OUTPUTS = 256
"""Outputs of a projection that are multiplied out, spread over all of them."""


def projection_problems(passes: Passes, module: str, what: str) -> Iterator[tuple[str, str]]:
    """Inputs times weights, feature by feature, are the output of a linear projection."""
    projection, path = passes.module(module), passes.at(module)
    weight = getattr(projection, "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim != 2:
        yield module, f"must be a linear projection; found {type(projection).__name__}"
        return
    rows = by_input(projection)
    given = passes.base.inputs.get(path)
    if given is None or given.shape[-1] != rows.shape[0]:
        yield module, "is not used as a linear projection in a forward pass"
        return
    some = torch.linspace(0, rows.shape[1] - 1, min(_OUTPUTS, rows.shape[1])).long().to(rows.device)
    x, w = given.to(rows.device).double(), rows[:, some].double()
    product, size = x @ w, x.abs() @ w.abs()
    if getattr(projection, "bias", None) is not None:
        product, size = product + projection.bias[some].double(), size + projection.bias[some].double().abs()
    if bool(((passes.base.outputs[path][..., some].double() - product).abs() > ROUNDING * size).any()):
        yield module, f"must give {what} times its weights; its output is something else"


def mlp_obstacle(passes: Passes, norm_kind: Norm | None) -> str:
    """What keeps the last MLP from reaching the logits by final norm and unembedding alone."""
    mlp, norm = passes.at("mlp", passes.last), passes.at("final_norm")
    before = passes.base.inputs[norm]
    shift, moved = passes.shifted(mlp, before)
    if not moved_by(shift, before, moved.inputs[norm]):
        return "a norm or another function follows the MLP"
    return norm_obstacle(passes, norm_kind)


def norm_obstacle(passes: Passes, norm_kind: Norm | None) -> str:
    """What keeps the input of the final norm from reaching the logits by norm and unembedding alone."""
    norm, unembedding = passes.at("final_norm"), passes.at("unembedding")
    if not torch.equal(passes.base.inputs[unembedding], passes.base.outputs[norm]):
        return "something lies between the final norm and the unembedding"
    if not torch.equal(passes.base.logits.double(), passes.base.outputs[unembedding].double()):
        return "the logits are capped or scaled"
    if next(projection_problems(passes, "unembedding", "the normed residual"), None) is not None:
        return "the unembedding is not linear"
    return "" if norm_kind is not None else "the final norm is of no known kind"


def norm_kind_of(passes: Passes) -> Norm | None:
    """By what it makes of vectors whose mean is not zero, on which the kinds differ everywhere."""
    module, like = passes.module("final_norm"), passes.base.inputs[passes.at("final_norm")]
    given = 1 + torch.randn(like.shape, generator=torch.Generator().manual_seed(2)).to(like)
    with full_precision():
        output = module(given).double()
    x = given.double()
    weight, bias = (getattr(module, name, None) for name in ("weight", "bias"))
    epsilon = norm_epsilon(module)
    centred = x - x.mean(dim=-1, keepdim=True)
    plain = centred / (centred.square().mean(dim=-1, keepdim=True) + epsilon).sqrt()
    rms = x / (x.square().mean(dim=-1, keepdim=True) + epsilon).sqrt()
    gain = torch.ones_like(x[0, 0]) if weight is None else weight.double()
    shift = torch.zeros_like(gain) if bias is None else bias.double()
    kinds: dict[Norm, tuple[Tensor, Tensor]] = {
        "layer_plain" if weight is None else "layer": (plain, gain),
        "rms": (rms, gain),
        "rms_plus_one": (rms, 1 + gain),
    }
    for kind, (normed, factor) in kinds.items():
        allowed = RELATIVE * ((1 + normed.abs()) * factor.abs() + shift.abs())
        if bool(((output - normed * factor - shift).abs() <= allowed).all()):
            return kind
    return None


def moved_by(shift: Tensor, before: Any, after: Any) -> bool:
    """Whether a module's output moved by what was added in front of it, and by nothing else."""
    if not isinstance(before, Tensor) or before.numel() != shift.numel():
        return False
    rest = (after.double() - before.double() - shift.reshape(before.shape).to(before.device).double()).abs()
    return bool((rest <= RELATIVE * before.abs().max().double().clamp_min(1e-3)).all())
