"""What a network is given for each row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.subjects.network.trees import leaves, mapped


class Inputs:
    """Tensors whose first axis is the rows: one, a tuple of positional arguments, or a mapping of named ones.

    Args:
        given: Tensors or arrays.
        n_rows: How many rows there are.
        device: Where the network is.
        name: Of the network, for errors.

    Raises:
        SubjectError: If one of them has another number of rows.
    """

    def __init__(self, given: Any, n_rows: int, device: torch.device, name: str) -> None:
        self._named = isinstance(given, Mapping)
        several = given if isinstance(given, tuple | list | Mapping) else (given,)
        items = dict(several) if isinstance(several, Mapping) else dict(enumerate(several))
        self._items = {key: _tensor(value, f"{name}: inputs {key}") for key, value in items.items()}
        if not items:
            raise SubjectError(f"{name}: inputs must hold a tensor; found none")
        for key, item in self._items.items():
            for tensor in leaves(item):
                if tensor.ndim == 0 or tensor.shape[0] != n_rows:
                    raise SubjectError(
                        f"{name}: inputs must have the {n_rows} rows along their first axis; found shape "
                        f"{tuple(tensor.shape)}" + (f" for {key!r}" if len(self._items) > 1 else "")
                    )
        self._device = device

    def of(self, rows: NDArray[np.integer], n: int = 1) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and named arguments for some rows, n copies of all of them, one behind the other."""
        chosen = torch.from_numpy(np.tile(rows.astype(np.int64), n))
        taken = {
            key: mapped(item, lambda tensor: tensor[chosen.to(tensor.device)].to(self._device))
            for key, item in self._items.items()
        }
        if self._named:
            return (), {str(key): value for key, value in taken.items()}
        return tuple(taken.values()), {}

    def tensors(self) -> Iterator[Tensor]:
        """All of them, in order."""
        return leaves(self._items)

    def digests(self, rows: int) -> Iterator[bytes]:
        """Of each row, SHA-256."""
        every = [item.detach().cpu().reshape(rows, -1) for item in self.tensors()]
        arrays = [item.float() if item.dtype == torch.bfloat16 else item for item in every]
        flat = [np.ascontiguousarray(item.numpy()) for item in arrays]
        for row in range(rows):
            digest = hashlib.sha256()
            for array in flat:
                digest.update(array[row].tobytes())
            yield digest.digest()


def _tensor(value: Any, what: str) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, tuple | list) and value and all(isinstance(item, Tensor) for item in value):
        return type(value)(item.detach() for item in value)
    raise SubjectError(
        f"{what}: must be a tensor or an array of numbers with the rows along its first axis (a tuple for "
        f"several positional arguments, a mapping for named ones); found {type(value).__name__}"
    )
