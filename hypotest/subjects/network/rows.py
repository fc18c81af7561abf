"""The rows of a network: a frame of any kind, and the cluster that each row belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError

_KINDS = "a polars or pandas data frame, or a mapping from names to columns"


class NetworkRows:
    """Rows as they were given, and as a frame whose columns conditions read.

    Args:
        given: A polars or pandas data frame, or a mapping from name to column (arrays, tensors, lists).
        clusters: Column, or a label for each row, of what is independent of each other: subjects, songs,
            templates. None: every row of its own.
        name: Of the network, for errors.

    Raises:
        SubjectError: If it is no frame, has no rows, columns of several lengths, or no such clusters.
    """

    def __init__(self, given: Any, clusters: Any, name: str) -> None:
        self.given = given
        columns = _columns(given, name)
        lengths = {key: len(column) for key, column in columns.items()}
        if len(set(lengths.values())) != 1 or 0 in lengths.values():
            named = ", ".join(f"{key}: {length}" for key, length in list(lengths.items())[:5]) or "no column"
            raise SubjectError(
                f"{name}: rows must be {_KINDS}, with columns of one length, at least one row; found {named}"
            )
        self.n = next(iter(lengths.values()))
        self._arrays = {key: _array(column) for key, column in columns.items()}
        self.columns = tuple(self._arrays)
        names, numbers = np.unique(self._labels(clusters, name), return_inverse=True)
        self.n_clusters = int(names.size)
        self.clusters: NDArray[np.int64] = np.asarray(numbers, dtype=np.int64).reshape(-1)
        """Number of each row's cluster, shape (n_rows,)."""

    def _labels(self, clusters: Any, name: str) -> NDArray[Any]:
        if clusters is None:
            return np.arange(self.n)
        if isinstance(clusters, str):
            if clusters not in self._arrays:
                raise SubjectError(
                    f"{name}: clusters names the column {clusters!r}; the rows have {', '.join(self.columns)}"
                )
            column = self._arrays[clusters]
        else:
            column = _array(clusters)
        if column.shape != (self.n,):
            raise SubjectError(
                f"{name}: clusters must be a column of the rows, or one label for each of the {self.n} rows; "
                f"found shape {column.shape}"
            )
        if any(item is None or item != item for item in column.tolist()):
            raise SubjectError(f"{name}: clusters must have a label for each row; found some missing")
        return np.array([str(item) for item in column.tolist()]) if column.dtype == object else column

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Columns of one value a row, as conditions read them."""
        return pl.DataFrame(
            {name: pl.Series(values.tolist()) for name, values in self._arrays.items() if values.ndim == 1},
            strict=False,
        )

    def part(self, rows: NDArray[np.integer]) -> Any:
        """Some rows, in the form in which all were given."""
        if isinstance(self.given, pl.DataFrame):
            return self.given[rows.tolist()]
        if isinstance(self.given, Mapping):
            return {name: _taken(column, rows) for name, column in self.given.items()}
        return self.given.iloc[rows]

    def tensor(self, column: str, rows: NDArray[np.integer]) -> Tensor:
        """A column of numbers at some rows."""
        return torch.from_numpy(np.ascontiguousarray(self._arrays[column][rows]))

    def digests(self) -> list[bytes]:
        """Of each row's columns, SHA-256."""
        texts = [_texts(values) for values in self._arrays.values()]
        head = "\0".join(self.columns).encode()
        return [
            hashlib.sha256(head + b"\0".join(column[row] for column in texts)).digest()
            for row in range(self.n)
        ]


def _columns(given: Any, name: str) -> Mapping[str, Any]:
    if isinstance(given, pl.DataFrame):
        return {key: given[key] for key in given.columns}
    if isinstance(given, Mapping):
        return {str(key): column for key, column in given.items()}
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        return {str(key): given[key] for key in given.columns}
    raise SubjectError(f"{name}: rows must be {_KINDS}; found {type(given).__name__}")


def _array(column: Any) -> NDArray[Any]:
    if isinstance(column, Tensor):
        return column.detach().cpu().numpy()
    if isinstance(column, pl.Series) and column.dtype in (pl.List, pl.Array):
        return np.array(column.to_list())
    array = np.asarray(column.to_numpy() if hasattr(column, "to_numpy") else column)
    if array.dtype.kind in "US":
        return array.astype(object)
    return array


def _taken(column: Any, rows: NDArray[np.integer]) -> Any:
    if isinstance(column, Tensor):
        return column[torch.from_numpy(rows.astype(np.int64)).to(column.device)]
    if isinstance(column, np.ndarray):
        return column[rows]
    if isinstance(column, Sequence):
        return [column[row] for row in rows.tolist()]
    return column[rows]


def _texts(values: NDArray[Any]) -> list[bytes]:
    if values.ndim == 1:
        return [repr(item).encode() for item in values.tolist()]
    flat = np.ascontiguousarray(values.reshape(len(values), -1))
    return [row.tobytes() for row in flat]
