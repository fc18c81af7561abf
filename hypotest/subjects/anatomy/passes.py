"""Forward passes over a few tokens, with what modules read and gave, also with one of them edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from hypotest.subjects.anatomy.anatomy import Anatomy
from hypotest.subjects.precision import full_precision

ROUNDING = 2e-5
"""Share of the sum of absolute products by which a sum of products in float32 may be off."""
RELATIVE = 1e-3
"""Share by which other values may be off."""
Edit = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One forward pass: by path, the inputs (first argument) and outputs of modules, (1, tokens, ...)."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    logits: Tensor


@dataclass(frozen=True, eq=False)
class Passes:
    """A model, one of its blocks, and forward passes over the same few tokens."""

    model: Any
    anatomy: Anatomy
    layer: int
    last: int
    ids: Tensor
    watched: frozenset[str]
    """Paths of the modules that are recorded."""

    @cached_property
    def base(self) -> Pass:
        """Nothing edited."""
        return _forward(self.model, self.watched, self.ids)

    @property
    def n_heads(self) -> int:
        """Attention heads per block."""
        return int(self.model.config.get_text_config().num_attention_heads)

    def at(self, module: str, layer: int | None = None) -> str:
        """Path of a module of the anatomy, in the block unless said otherwise."""
        return self.anatomy.at(module, self.layer if layer is None else layer)

    def module(self, module: str, layer: int | None = None) -> Any:
        """The module itself."""
        return self.model.get_submodule(self.at(module, layer))

    def edited(self, path: str, edit: Edit, *, output: bool) -> Pass:
        """The same tokens with a module's input or output edited."""
        return _forward(self.model, self.watched, self.ids, (path, edit, output))

    def shifted(self, path: str, receiver: Any) -> tuple[Tensor, Pass]:
        """A change of a module's output that shows where it arrives, and the same tokens with it."""
        shift = _shift(hidden_of(self.base.outputs[path]), receiver)
        return shift, self.edited(path, lambda output: output + shift, output=True)


def _forward(
    model: Any, paths: frozenset[str], ids: Tensor, change: tuple[str, Edit, bool] | None = None
) -> Pass:
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}

    def record(path: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        def before(_module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
            first, *rest = arguments or (keywords.get("hidden_states"),)
            if change is not None and change[0] == path and not change[2]:
                first = change[1](first)
            inputs[path] = copied(first)
            return ((first, *rest), keywords) if arguments else None

        def after(_module: Any, _arguments: Any, output: Any) -> Any:
            if change is not None and change[0] == path and change[2]:
                output = with_hidden(output, change[1](hidden_of(output)))
            outputs[path] = copied(output)
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
            logits = model(ids).logits
    finally:
        for hook in hooks:
            hook.remove()
    return Pass(inputs, outputs, logits)


def hidden_of(output: Any) -> Tensor:
    """The residual stream, or what is added to it, of a module that gives more beside it."""
    hidden: Tensor = output[0] if isinstance(output, tuple) else output
    return hidden


def with_hidden(output: Any, hidden: Tensor) -> Any:
    """The same output with another first part."""
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden


def copied(value: Any) -> Any:
    """Some modules (Falcon's blocks) add to their parts' outputs in place."""
    if isinstance(value, tuple):
        return tuple(copied(item) for item in value)
    return value.clone() if isinstance(value, Tensor) else value


def _shift(values: Tensor, receiver: Any) -> Tensor:
    """A random change of a module's output, as large as the largest value where it arrives.

    Residual streams hold values a thousand times as large as others; beside these a small change would
    vanish.
    """
    drawn = torch.randn(values.shape, generator=torch.Generator().manual_seed(1)).to(values)
    largest = receiver.abs().max() if isinstance(receiver, Tensor) else values.abs().max()
    return drawn * largest.clamp_min(1e-3).to(values)
