"""Files with evidence: rows and channels in one, as ``.npz``, ``.parquet`` or ``.safetensors``.

- ``.npz``: arrays by name. Those of `CHANNELS` are channels; every other array of
  one value a row is a column of the rows.
- ``.parquet``: the column ``activations`` (and ``influence``) holds a list for each row, or there is a
  column for each unit: ``activations.0``, ``activations.1``, ...; ``loss`` a number. Every other column is
  one of the rows.
- ``.safetensors``: tensors by name, as in ``.npz``; columns of text stand in the metadata under ``rows``, as
  JSON: ``{"task": ["a", "b"]}``.

The column ``cluster`` says what is independent of each other.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hypotest.errors import EvidenceError

OF_ROWS = {
    "activations": "(n_rows, n_units)",
    "influence": "(n_rows, n_units), the change of the outcome with each unit ablated",
    "loss": "(n_rows,), the outcome",
}
OF_UNITS = {
    "weights_in": "(n_units, d), by which each unit is read in",
    "weights_out": "(n_units, d), what each unit adds to what follows",
    "partition": "(n_units,), the part of each unit",
}
CHANNELS = (*OF_ROWS, *OF_UNITS)
"""What evidence may hold."""

_Both = tuple[dict[str, Any], dict[str, Any]]
SUFFIXES = (".npz", ".parquet", ".safetensors")


def read_recorded(path: Path) -> _Both:
    """Columns of the rows, and channels.

    Raises:
        EvidenceError: If there is no such file, it cannot be read, or is of another kind.
    """
    readers = {".npz": _npz, ".parquet": _parquet, ".safetensors": _safetensors}
    if path.suffix.lower() not in readers:
        raise EvidenceError(
            f"{path}: evidence must be a file of {', '.join(SUFFIXES)}; found {path.suffix!r}"
        )
    if not path.is_file():
        raise EvidenceError(f"{path}: no such file")
    try:
        rows, channels = readers[path.suffix.lower()](path)
    except EvidenceError:
        raise
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, pl.exceptions.PolarsError) as error:
        raise EvidenceError(
            f"{path}: evidence cannot be read: {str(error) or type(error).__name__:.300}"
        ) from None
    if not rows:
        raise EvidenceError(
            f"{path}: rows must have columns, of which conditions are made; found the channels "
            f"{', '.join(channels) or 'none'} alone"
        )
    return rows, channels


def _npz(path: Path) -> _Both:
    if not zipfile.is_zipfile(path):
        raise EvidenceError(
            f"{path}: evidence cannot be read: it is no archive of arrays, as np.savez writes"
        )
    arrays = {}
    with np.load(path, allow_pickle=False) as file:
        for name in file.files:
            try:
                arrays[name] = file[name]
            except ValueError as error:
                raise EvidenceError(
                    f"{path}: evidence cannot be read: the array {name} must hold numbers or text, and holds "
                    "Python objects or is damaged: save texts as np.array(texts, dtype=str)"
                ) from error
    return _divided(arrays)


def _parquet(path: Path) -> _Both:
    frame = pl.read_parquet(path)
    rows: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    wide: dict[str, list[str]] = {}
    for name in frame.columns:
        channel, dot, number = name.partition(".")
        if channel in CHANNELS and dot and number.isdigit():
            wide.setdefault(channel, []).append(name)
        elif name in CHANNELS:
            channels[name] = _matrix(frame[name], f"{path}: column {name}")
        else:
            rows[name] = frame[name]
    for channel, names in wide.items():
        names.sort(key=lambda name: int(name.partition(".")[2]))
        channels[channel] = frame.select(names).to_numpy()
    return rows, channels


def _matrix(column: pl.Series, what: str) -> Any:
    if column.dtype not in (pl.List, pl.Array):
        return column.to_numpy()
    lengths = column.list.len() if column.dtype == pl.List else pl.Series([column.dtype.shape[0]])  # type: ignore[attr-defined]
    if lengths.n_unique() != 1 or column.null_count():
        raise EvidenceError(f"{what} must hold a list of one length for each row; found several lengths")
    return np.array(column.to_list(), dtype=np.float64)


def _safetensors(path: Path) -> _Both:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:  # numpy has no bfloat16
            metadata = file.metadata() or {}
            arrays = {name: _array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118  # no mapping
    except SafetensorError as error:
        raise EvidenceError(f"{path}: evidence cannot be read: {error}") from None
    rows, channels = _divided(arrays)
    columns = json.loads(metadata.get("rows", "{}"))
    if not isinstance(columns, dict):
        raise EvidenceError(f"{path}: the metadata's rows must be a mapping of columns, as JSON")
    return {**columns, **rows}, channels


def _array(tensor: Any) -> Any:
    return (tensor.float() if tensor.is_floating_point() and tensor.itemsize < 4 else tensor).numpy()


def _divided(arrays: dict[str, Any]) -> _Both:
    channels = {name: array for name, array in arrays.items() if name in CHANNELS}
    return {name: array for name, array in arrays.items() if name not in CHANNELS}, channels
