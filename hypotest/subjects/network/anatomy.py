"""What runs when: found in two passes over a few rows, by hooks on every module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from hypotest.subjects.network.trees import leaves, row_axis

Call = Callable[[], Any]


@dataclass(slots=True, eq=False)
class ObservedPass:
    """One pass: what each module gave."""

    outputs: dict[str, list[Any]] = field(default_factory=dict)
    """Path -> output of each call."""
    inputs: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)
    """Path -> positional and named arguments of each call."""
    begun: dict[str, int] = field(default_factory=dict)
    """Path -> when its first call began."""
    ended: dict[str, int] = field(default_factory=dict)
    """Path -> when its last call ended."""
    output: Any = None
    """Of the whole module."""


def watch(module: nn.Module, run: Call) -> ObservedPass:
    """Run a pass and note what every submodule gave, and when."""
    seen, clock = ObservedPass(), iter(range(10**9))
    with _hooks(module, seen, clock):
        seen.output = run()
    return seen


@contextmanager
def _hooks(module: nn.Module, seen: ObservedPass, clock: Iterator[int]) -> Iterator[None]:
    handles = []
    for path, item in module.named_modules():
        if not path:
            continue

        def before(_module: Any, args: Any, kwargs: Any, path: str = path) -> None:
            seen.begun.setdefault(path, next(clock))
            seen.inputs.setdefault(path, []).append((args, kwargs))

        def after(_module: Any, _args: Any, output: Any, path: str = path) -> None:
            seen.ended[path] = next(clock)
            seen.outputs.setdefault(path, []).append(output)

        handles += [
            item.register_forward_pre_hook(before, with_kwargs=True),
            item.register_forward_hook(after),
        ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True, slots=True, eq=False)
class PassStructure:
    """What two passes of different numbers of rows tell of a module."""

    axes: Mapping[str, tuple[int | None, ...]]
    """Path of every module that runs once -> the axis of rows of each tensor that it gives."""
    calls: Mapping[str, int]
    """Path -> calls in a pass."""
    begun: Mapping[str, int]
    ended: Mapping[str, int]
    output_axes: tuple[int | None, ...]
    """Of the whole module's output."""
    numbers: Mapping[str, float]
    """Path -> numbers that the module gives for a row, in all calls: what memory follows."""

    @classmethod
    def of(cls, one: ObservedPass, other: ObservedPass, n_one: int, n_other: int) -> PassStructure:
        """From passes over `n_one` and `n_other` rows."""

        def axes(first: Any, second: Any) -> tuple[int | None, ...]:
            pairs = zip(leaves(first), leaves(second), strict=False)
            return tuple(row_axis(a, b, n_one, n_other) for a, b in pairs)

        both = {path: (calls, other.outputs.get(path, [])) for path, calls in one.outputs.items()}
        return cls(
            axes={path: axes(a[0], b[0]) for path, (a, b) in both.items() if len(a) == len(b) == 1},
            calls={path: len(calls) for path, calls in one.outputs.items()},
            begun=one.begun,
            ended=one.ended,
            output_axes=axes(one.output, other.output),
            numbers={
                path: sum(item.numel() for call in calls for item in leaves(call)) / n_one
                for path, calls in one.outputs.items()
            },
        )

    def before(self, path: str) -> list[str]:
        """Modules that are done when one begins, each once, the outermost of them, in the order they run.

        Their outputs can be put in their place, so that they need not run again.
        """
        start = self.begun[path]
        done = [
            item
            for item, axes in self.axes.items()
            if self.ended[item] < start
            and not path.startswith(f"{item}.")
            and axes
            and all(axis is not None for axis in axes)
        ]
        outermost = [
            item for item in done if not any(item.startswith(f"{other}.") for other in done if other != item)
        ]
        return sorted(outermost, key=lambda item: self.begun[item])


def source_of(seen: ObservedPass, module: nn.Module, path: str) -> nn.Module:
    """The module whose output, changed number by number at most, is what a module is applied to."""
    origin: dict[int, str] = {}
    for name in sorted(seen.ended, key=seen.ended.__getitem__):  # in-place ones give what they were given
        for call in seen.outputs[name]:
            for item in leaves(call):
                origin.setdefault(id(item), name)
    source = module.get_submodule(path)
    while list(source.children()) == [] and _pointwise(source):
        arguments = [item for item in leaves(seen.inputs[path][0]) if isinstance(item, Tensor)]
        if len(arguments) != 1 or id(arguments[0]) not in origin or origin[id(arguments[0])] == path:
            break
        path = origin[id(arguments[0])]
        source = module.get_submodule(path)
    return source


def _pointwise(module: nn.Module) -> bool:
    return type(module).__module__ == "torch.nn.modules.activation" or isinstance(
        module, nn.Dropout | nn.Identity
    )


def few_rows(n: int) -> tuple[int, int]:
    """Numbers of rows of both passes."""
    return (min(n, 3), 2) if n > 2 else (2, 1)
