"""A model's anatomy, proved on a few tokens with plain hooks.

Each check is an equation that holds if the paths lead where they should: rows of attention weights sum to one
and see nothing ahead; the heads' slices times the output projection give its output; the neurons times the
down-projection give its output, and moving that moves the output of the MLP by as much; the norm in front of
the MLP is what its first projection reads; ablating the neurons changes the logits. What a family chooses is
measured: the kind of the final norm, whether a block's attention reaches its own MLP, and what lies between
the last MLP and the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy import Anatomy, Norm
from hypotest.subjects.modules import by_input, longest_context, norm_epsilon
from hypotest.subjects.precision import full_precision

_TOKENS = 8
"""Or as many as the model takes at once, if that is fewer."""
_FEWEST = 2
_OUTPUTS = 256
"""Outputs of a projection that are multiplied out, spread over all of them."""
_ROUNDING = 2e-5
"""Share of the sum of absolute products by which a sum of products in float32 may be off."""
_RELATIVE = 1e-3
"""Share by which other values may be off."""

Edit = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured; the names are those of `Anatomy`."""

    norm: Norm | None
    """None where the final norm is of no known kind."""
    parallel_residual: bool
    identity_obstacle: str


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """One forward pass: by path, the inputs (first argument) and outputs of modules, (1, tokens, ...)."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    logits: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Patient:
    """A model, one of its blocks, and a forward pass over the same few tokens."""

    model: Any
    anatomy: Anatomy
    layer: int
    last: int
    ids: Tensor
    watched: frozenset[str]
    base: _Pass

    @property
    def n_heads(self) -> int:
        return int(self.model.config.get_text_config().num_attention_heads)

    def at(self, module: str, layer: int | None = None) -> str:
        return self.anatomy.at(module, self.layer if layer is None else layer)

    def module(self, module: str, layer: int | None = None) -> Any:
        return self.model.get_submodule(self.at(module, layer))

    def edited(self, path: str, edit: Edit, *, output: bool) -> _Pass:
        """The same tokens with a module's input or output edited."""
        return _forward(self.model, self.watched, self.ids, (path, edit, output))

    def shifted(self, path: str, receiver: Any) -> tuple[Tensor, _Pass]:
        """A change of a module's output that shows where it arrives, and the same tokens with it."""
        shift = _shift(self.base.outputs[path], receiver)
        return shift, self.edited(path, lambda output: output + shift, output=True)


def examine(model: Any, anatomy: Anatomy, layer: int, name: str) -> Findings:
    """Prove an anatomy, and measure what a family chooses.

    Args:
        model: The ``transformers`` model.
        anatomy: Its paths.
        layer: Block that is proved; what follows the last MLP is looked at as well.
        name: For errors.

    Raises:
        SubjectError: If a path leads nowhere or to something else (names it), or a value is not finite.
    """
    patient = _admit(model, anatomy, layer, name)
    for module, problem in _problems(patient):
        raise SubjectError(f"subject.anatomy.{module}: {name}: {patient.at(module)} {problem}")
    norm = _norm_kind(patient)
    return Findings(norm, _is_parallel(patient), _obstacle(patient, norm))


def _admit(model: Any, anatomy: Anatomy, layer: int, name: str) -> _Patient:
    last = int(model.config.get_text_config().num_hidden_layers) - 1
    there = {path for path, _ in model.named_modules(remove_duplicate=False)}
    paths = [(module, anatomy.at(module, number)) for module in anatomy.modules for number in (layer, last)]
    for module, path in paths:
        if path not in there:
            raise SubjectError(f"subject.anatomy.{module}: {name} has no module {path!r}")
    watched = frozenset(path for _, path in paths)
    n_tokens = int(model.get_input_embeddings().weight.shape[0])
    longest = longest_context(model.config)
    if longest < _FEWEST:
        raise SubjectError(
            f"subject.model: {name} takes at most {longest} token at once, so that its attention has nothing "
            "to choose from"
        )
    ids = torch.randint(0, n_tokens, (1, min(_TOKENS, longest)), generator=torch.Generator().manual_seed(0))
    ids = ids.to(next(model.parameters()).device)
    base = _forward(model, watched, ids)
    if not bool(torch.isfinite(base.logits).all()):
        raise SubjectError(
            f"subject.model: {name}: logits are not finite; the weights are damaged or overflow in this "
            "precision"
        )
    return _Patient(model, anatomy, layer, last, ids, watched, base)


def _forward(
    model: Any, paths: frozenset[str], ids: Tensor, change: tuple[str, Edit, bool] | None = None
) -> _Pass:
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}

    def record(path: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        def before(_module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
            first, *rest = arguments or (keywords.get("hidden_states"),)
            if change is not None and change[0] == path and not change[2]:
                first = change[1](first)
            inputs[path] = _copy(first)
            return ((first, *rest), keywords) if arguments else None

        def after(_module: Any, _arguments: Any, output: Any) -> Any:
            if change is not None and change[0] == path and change[2]:
                output = change[1](output)
            outputs[path] = _copy(output)
            return output

        return before, after

    hooks = []
    try:
        for path in sorted(paths):
            before, after = record(path)
            module = model.get_submodule(path)
            hooks.append(module.register_forward_pre_hook(before, with_kwargs=True))
            hooks.append(module.register_forward_hook(after))
        with full_precision():
            logits = model(ids, use_cache=False).logits
    finally:
        for hook in hooks:
            hook.remove()
    return _Pass(inputs, outputs, logits)


def _copy(value: Any) -> Any:
    """Some modules (Falcon's blocks) add to their parts' outputs in place."""
    if isinstance(value, tuple):
        return tuple(_copy(item) for item in value)
    return value.clone() if isinstance(value, Tensor) else value


def _problems(patient: _Patient) -> Iterator[tuple[str, str]]:
    """Field of the anatomy, and what does not hold there."""
    yield from _attention(patient)
    yield from _projection(patient, "attention_projection", "the heads")
    yield from _heads(patient)
    yield from _projection(patient, "down_projection", "the neurons")
    yield from _mlp(patient)
    yield from _ablation(patient)


def _attention(patient: _Patient) -> Iterator[tuple[str, str]]:
    output = patient.base.outputs.get(patient.at("attention"))
    weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
    n_tokens = int(patient.ids.shape[1])
    shape = (1, patient.n_heads, n_tokens, n_tokens)
    if not isinstance(weights, Tensor) or tuple(weights.shape) != shape:
        found = tuple(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
        yield "attention", f"must give attention weights of shape {shape} as its second output; found {found}"
    elif bool(((weights.double().sum(dim=-1) - 1).abs() > _RELATIVE).any()):
        yield "attention", "must give attention weights whose rows sum to one"
    elif bool(weights.triu(1).any()):
        yield "attention", "must give causal attention weights; some look ahead"


def _projection(patient: _Patient, module: str, what: str) -> Iterator[tuple[str, str]]:
    """Inputs times weights, feature by feature, are the output of a linear projection."""
    projection, path = patient.module(module), patient.at(module)
    weight = getattr(projection, "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim != 2:
        yield module, f"must be a linear projection; found {type(projection).__name__}"
        return
    rows = by_input(projection)
    given = patient.base.inputs.get(path)
    if given is None or given.shape[-1] != rows.shape[0]:
        yield module, "is not used as a linear projection in a forward pass"
        return
    some = torch.linspace(0, rows.shape[1] - 1, min(_OUTPUTS, rows.shape[1])).long().to(rows.device)
    x, w = given.to(rows.device).double(), rows[:, some].double()
    product, size = x @ w, x.abs() @ w.abs()
    if getattr(projection, "bias", None) is not None:
        product, size = product + projection.bias[some].double(), size + projection.bias[some].double().abs()
    if bool(((patient.base.outputs[path][..., some].double() - product).abs() > _ROUNDING * size).any()):
        yield module, f"must give {what} times its weights; its output is something else"


def _heads(patient: _Patient) -> Iterator[tuple[str, str]]:
    path = patient.at("attention_projection")
    width = patient.base.inputs[path].shape[-1]
    if width % patient.n_heads:
        yield (
            "attention_projection",
            f"must read {patient.n_heads} heads side by side; found {width} features",
        )
    before = patient.base.outputs[patient.at("attention")][0]
    shift, moved = patient.shifted(path, before)
    if not _moved_by(shift, before, moved.outputs[patient.at("attention")][0]):
        yield "attention_projection", "must be what the attention ends with"


def _mlp(patient: _Patient) -> Iterator[tuple[str, str]]:
    down = patient.base.inputs[patient.at("down_projection")]
    for module in ("up_projection", "gate_projection"):
        if not getattr(patient.anatomy, module):
            continue
        output = patient.base.outputs.get(patient.at(module))
        if not isinstance(output, Tensor) or output.shape != down.shape:
            yield module, f"must have one output per neuron ({down.shape[-1]})"
            return
    if patient.anatomy.mlp_norm:
        normed = patient.base.outputs[patient.at("mlp_norm")]
        read = patient.base.inputs[patient.at("up_projection")]
        if normed.numel() != read.numel() or not torch.equal(read, normed.reshape(read.shape)):
            yield "mlp_norm", "must be the norm whose output the MLP reads"
    path, before = patient.at("mlp"), patient.base.outputs[patient.at("mlp")]
    shift, moved = patient.shifted(patient.at("down_projection"), before)
    if not _moved_by(shift, before, moved.outputs[path]):
        yield "mlp", "must give what the down-projection gives, possibly with something added"


def _ablation(patient: _Patient) -> Iterator[tuple[str, str]]:
    ablated = patient.edited(patient.at("down_projection"), torch.zeros_like, output=False)
    if torch.equal(ablated.logits, patient.base.logits):
        yield "down_projection", "changes no logit when all neurons are set to zero"


def _is_parallel(patient: _Patient) -> bool:
    """Whether a block's MLP does not see what its attention writes."""
    residual = patient.base.inputs[patient.at("block")]
    _, moved = patient.shifted(patient.at("attention_projection"), residual)
    neurons = patient.at("down_projection")
    return torch.equal(moved.inputs[neurons], patient.base.inputs[neurons])


def _obstacle(patient: _Patient, norm_kind: Norm | None) -> str:
    """What keeps the last MLP from reaching the logits by final norm and unembedding alone."""
    down, norm = patient.at("down_projection", patient.last), patient.at("final_norm")
    unembedding = patient.at("unembedding")
    before = patient.base.inputs[norm]
    shift, moved = patient.shifted(down, before)
    if not _moved_by(shift, before, moved.inputs[norm]):
        return "a norm or another function follows the MLP"
    if not torch.equal(patient.base.inputs[unembedding], patient.base.outputs[norm]):
        return "something lies between the final norm and the unembedding"
    if not torch.equal(patient.base.logits.double(), patient.base.outputs[unembedding].double()):
        return "the logits are capped or scaled"
    if next(_projection(patient, "unembedding", "the normed residual"), None) is not None:
        return "the unembedding is not linear"
    return "" if norm_kind is not None else "the final norm is of no known kind"


def _norm_kind(patient: _Patient) -> Norm | None:
    """By what it makes of vectors whose mean is not zero, on which the kinds differ everywhere."""
    module, like = patient.module("final_norm"), patient.base.inputs[patient.at("final_norm")]
    given = 1 + torch.randn(like.shape, generator=torch.Generator().manual_seed(2)).to(like)
    with full_precision():
        found = module(given).double()
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
        allowed = _RELATIVE * ((1 + normed.abs()) * factor.abs() + shift.abs())
        if bool(((found - normed * factor - shift).abs() <= allowed).all()):
            return kind
    return None


def _shift(values: Tensor, receiver: Any) -> Tensor:
    """A random change of a module's output, as large as the largest value where it arrives.

    Residual streams hold values a thousand times as large as others; beside these a small change would
    vanish.
    """
    drawn = torch.randn(values.shape, generator=torch.Generator().manual_seed(1)).to(values)
    largest = receiver.abs().max() if isinstance(receiver, Tensor) else values.abs().max()
    return drawn * largest.clamp_min(1e-3).to(values)


def _moved_by(shift: Tensor, before: Any, after: Any) -> bool:
    """Whether a module's output moved by what was added in front of it, and by nothing else."""
    if not isinstance(before, Tensor) or before.numel() != shift.numel():
        return False
    rest = (after.double() - before.double() - shift.reshape(before.shape).to(before.device).double()).abs()
    return bool((rest <= _RELATIVE * before.abs().max().double().clamp_min(1e-3)).all())
