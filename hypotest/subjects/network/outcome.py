"""What an ablation changes: a number for each row, larger where the network does worse."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.subjects.network.contents import add_to
from hypotest.subjects.network.rows import NetworkRows
from hypotest.subjects.network.trees import leaves, mapped

TARGET = "target"
"""Column that the named outcomes read, where none is named."""


def _cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """-log softmax of the target in nats, from (n, n_classes) or (n, n_classes, places), mean over places."""
    if target.is_floating_point() and bool((target != target.long()).any()):
        raise ValueError(
            "the target must be whole numbers, of classes; found others, such as rows of mse have"
        )
    loss = torch.nn.functional.cross_entropy(output, target.long(), reduction="none")
    return loss.flatten(1).mean(dim=1) if loss.ndim > 1 else loss


def _mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of a row."""
    given, wanted = output.reshape(len(output), -1), target.to(output.dtype).reshape(len(target), -1)
    if given.shape != wanted.shape:
        raise ValueError(f"each row gives {given.shape[1]} numbers, and its target is {wanted.shape[1]}")
    return (given - wanted).square().mean(dim=1)


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
            SubjectError: If it is not one number for each row, or cannot be computed.
        """
        here = self._rows.part(rows) if self._function else None
        try:
            if self._function is None:
                return self._of_column(next(leaves(output)), rows, n_variants)
            if n_variants == 1:
                values = [self._function(output, here)]
            else:
                parts = (_part(output, variant, n_variants, axes) for variant in range(n_variants))
                values = [self._function(part, here) for part in parts]
        except Exception as error:  # whatever a user's function does
            which = f" of the column {self._column!r}" if self._function is None else ""
            raise SubjectError(
                f"{self._name}: outcome {self.words}{which} must give one number for each row from the "
                f"module's output and the rows; given {rows.size} rows, it says: {type(error).__name__}: "
                f"{str(error).strip():.300}"
            ) from error
        return torch.stack([self._checked(item, rows.size) for item in values])

    def _of_column(self, output: Tensor, rows: NDArray[np.int64], n_variants: int) -> Tensor:
        target = self._rows.tensor(self._column, rows).to(output.device)
        tiled = target.repeat(n_variants, *[1] * (target.ndim - 1))
        return NAMED[self.words](output, tiled).reshape(n_variants, rows.size)

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
        add_to(digest, self._function)
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
