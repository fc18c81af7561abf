"""What an ablation changes: a number for each row, larger where the network does worse."""

from __future__ import annotations

import hashlib
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.subjects.network.rows import NetworkRows
from hypotest.subjects.network.trees import leaves, mapped

TARGET = "target"
"""Column that the named outcomes read, where none is named."""


def _cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """-log softmax of the target in nats, from (n, n_classes) or (n, n_classes, places), mean over places."""
    loss = torch.nn.functional.cross_entropy(output, target.long(), reduction="none")
    return loss.flatten(1).mean(dim=1) if loss.ndim > 1 else loss


def _mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of a row."""
    difference = output.reshape(len(output), -1) - target.to(output.dtype).reshape(len(target), -1)
    return difference.square().mean(dim=1)


NAMED: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = types.MappingProxyType(
    {"cross_entropy": _cross_entropy, "mse": _mse}
)
"""Outcomes that need no code: each reads a column of the rows."""


class Outcome:
    """A function of the module's output and the rows.

    Args:
        given: A name (``cross_entropy``, ``mse``, of the column ``target``), ``{name: column}``, or a
            function of output and rows that gives a tensor of one number for each row.
        rows: All of them.
        name: Of the network.

    Raises:
        SubjectError: If there is no such name or column.
    """

    def __init__(self, given: Any, rows: NetworkRows, name: str) -> None:
        self._rows, self._name = rows, name
        self._function: Callable[[Any, Any], Tensor] | None = None
        if callable(given):
            self._function, self.words = given, getattr(given, "__qualname__", type(given).__name__)
            return
        if isinstance(given, str):
            given = {given: TARGET}
        known = ", ".join(NAMED)
        if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in NAMED:
            raise SubjectError(
                f"{name}: outcome must be a function of output and rows, one of {known}, or such a name with "
                f"a column, {{cross_entropy: label}}; found {given!r:.80}"
            )
        ((self.words, self._column),) = given.items()
        if self._column not in rows.columns:
            raise SubjectError(
                f"{name}: outcome {self.words} reads the column {self._column!r} of the rows, which have "
                f"{', '.join(rows.columns) or 'no column'}: name another, outcome={{{self.words!r}: COLUMN}}"
            )

    def __call__(
        self, output: Any, rows: NDArray[np.int64], n_variants: int = 1, axes: Sequence[int | None] = ()
    ) -> Tensor:
        """The outcome of each variant at each row, shape (n_variants, n_rows).

        Args:
            output: Of the module, for n_variants copies of the rows, one behind the other.
            rows: Numbers of the rows, shape (n_rows,).
            n_variants: Copies.
            axes: The axis of rows of each tensor of the output; the first, if not given.

        Raises:
            SubjectError: If it is not one number for each row.
        """
        if self._function is None:
            tensor = next(leaves(output))
            target = self._rows.tensor(self._column, rows).to(tensor.device)
            tiled = target.repeat(n_variants, *[1] * (target.ndim - 1))
            return NAMED[self.words](tensor, tiled).reshape(n_variants, rows.size)
        here = self._rows.part(rows)
        if n_variants == 1:
            return self._checked(self._function(output, here), rows.size)[None]
        parts = [
            self._checked(self._function(_part(output, variant, n_variants, axes), here), rows.size)
            for variant in range(n_variants)
        ]
        return torch.stack(parts)

    def _checked(self, values: Any, n_rows: int) -> Tensor:
        if isinstance(values, np.ndarray):
            values = torch.from_numpy(values)
        what = f"{type(values).__name__}"
        if isinstance(values, Tensor):
            if values.shape == (n_rows,) and values.is_floating_point():
                return values
            what = f"{values.dtype} of shape {tuple(values.shape)}"
        raise SubjectError(
            f"{self._name}: outcome {self.words} must give one floating-point number for each row, a tensor "
            f"of shape ({n_rows},) for {n_rows} rows; found {what} (losses of torch average over rows: pass "
            "reduction='none')"
        )

    @property
    def digest(self) -> str:
        """SHA-256 of what it computes: its name and column, or the code of the function and what it holds."""
        if self._function is None:
            return hashlib.sha256(f"{self.words} {self._column}".encode()).hexdigest()
        digest = hashlib.sha256()
        _add(digest, self._function, depth=0)
        return digest.hexdigest()


def _part(output: Any, variant: int, n_variants: int, axes: Sequence[int | None]) -> Any:
    """The output of one variant."""
    every = iter(axes)

    def own(tensor: Tensor) -> Tensor:
        axis = next(every, 0)
        if axis is None or tensor.ndim == 0:
            return tensor
        size = tensor.shape[axis] // n_variants
        return tensor.narrow(axis, variant * size, size)

    return mapped(output, own)


def _add(digest: Any, value: Any, depth: int) -> None:
    """What a function is: its bytecode, constants, defaults, and what it closes over."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes() if value.dtype != object else b"")
    elif isinstance(value, types.CodeType):
        digest.update(value.co_code + " ".join(value.co_names).encode())
        for constant in value.co_consts:
            _add(digest, constant, depth + 1)
    elif isinstance(value, str | bytes | int | float | bool | None):
        digest.update(repr(value).encode())
    elif isinstance(value, tuple | list) and depth < 8:
        for item in value:
            _add(digest, item, depth + 1)
    elif inspect.isfunction(value) and depth < 8:
        digest.update(value.__qualname__.encode())
        _add(digest, value.__code__, depth + 1)
        held = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        for cell in value.__closure__ or ():
            held.append(cell.cell_contents)
        for item in held:
            _add(digest, item, depth + 1)
    else:
        digest.update(f"{type(value).__module__}.{type(value).__qualname__}".encode())
