"""Evidence that was made elsewhere: another tool's activations, recordings of a brain, a cluster's output."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hypotest.errors import EvidenceError, SubjectError
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Weights
from hypotest.subjects.network.partition import partition_of
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.network.rows import NetworkRows
from hypotest.subjects.recorded.files import CHANNELS, OF_ROWS, OF_UNITS, read_recorded

CLUSTER = "cluster"
"""Column that says what is independent, where none is named."""


class RecordedEvidence(RowSubject):
    """Rows, and what was recorded at them; checked at the door.

    Only ``activations`` are a must. A protocol is tested on it by `hypotest.run` (``subject=evidence``),
    `hypotest.analyse` or ``hypotest run PROTOCOL --evidence FILE``: rows are split by cluster, sampled and
    measured as those of a network are. Measures of what is not there are refused by name.

    Args:
        rows: A polars or pandas data frame, or a mapping of columns: a row for each activation, whose columns
            conditions read (``field:``).
        channels: Arrays by name: ``activations`` (n_rows, n_units); ``influence`` (n_rows, n_units), by how
            much the outcome changes with each unit ablated, positive where that hurts; ``loss`` (n_rows,);
            ``weights_in`` and ``weights_out`` (n_units, d), both or none; ``partition`` (n_units,).
        clusters: Column of the rows, or a label for each, of what is independent of each other: subjects,
            sessions, songs. The column ``cluster``, if there is one and nothing is named; else every row.
        name: In reports.

    Raises:
        EvidenceError: If something of this does not hold; says what was required.

    Examples:
        >>> import numpy as np
        >>> rows = {"task": ["a", "b"] * 4, "session": [0, 0, 1, 1, 2, 2, 3, 3]}
        >>> RecordedEvidence(rows, {"activations": np.ones((8, 5))}, clusters="session").n_neurons
        5
    """

    def __init__(
        self, rows: Any, channels: Mapping[str, Any], *, clusters: Any = None, name: str = "evidence"
    ) -> None:
        self.name = name
        try:
            self.rows = NetworkRows(rows, None, name)
            if clusters is None and CLUSTER in self.rows.columns:
                clusters = CLUSTER
            self.rows = NetworkRows(rows, clusters, name)
        except SubjectError as error:
            raise EvidenceError(str(error)) from None
        self._arrays = self._checked(channels)
        self.partition = None
        if "partition" in channels:
            try:
                self.partition = partition_of(channels["partition"], self.n_neurons, name)
            except SubjectError as error:
                raise EvidenceError(str(error)) from None
        self.device = torch.device("cpu")

    @classmethod
    def read(cls, path: str | Path, *, name: str | None = None) -> RecordedEvidence:
        """Read a ``.npz``, ``.parquet`` or ``.safetensors`` file; see `hypotest.subjects.recorded.files`.

        Raises:
            EvidenceError: If it cannot be read, or what it holds is not evidence.
        """
        place = Path(path)
        rows, channels = read_recorded(place)
        return cls(rows, channels, name=name or place.name)

    def write(self, path: str | Path) -> Path:
        """Write it as ``.npz``, for `read`: arrays, columns of one value a row, and clusters.

        Args:
            path: The file; ``.npz`` is appended where it is missing.

        Raises:
            EvidenceError: If it cannot be written.
        """
        place = Path(path) if Path(path).suffix == ".npz" else Path(f"{path}.npz")
        columns = {key: self.rows.frame[key].to_numpy() for key in self.rows.frame.columns}
        columns[CLUSTER] = self.rows.clusters
        texts = {key: array.astype(str) for key, array in columns.items() if array.dtype == object}
        parts: dict[str, Any] = {}
        if self.partition is not None:
            parts["partition"] = np.array(self.partition.names)[self.partition.parts]
        try:
            with place.open("wb") as file:
                np.savez(file, allow_pickle=False, **{**columns, **texts, **self._arrays, **parts})
        except OSError as error:
            raise EvidenceError(f"{place}: cannot be written: {error.strerror or error}") from None
        return place

    def _checked(self, channels: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        if not isinstance(channels, Mapping):
            raise EvidenceError(
                f"{self.name}: channels must map names to arrays; found {type(channels).__name__}"
            )
        unknown = [key for key in channels if key not in CHANNELS]
        if unknown:
            raise EvidenceError(
                f"{self.name}: channels must be some of {', '.join(CHANNELS)}; found "
                f"{', '.join(map(str, unknown))}"
            )
        if "activations" not in channels:
            raise EvidenceError(
                f"{self.name}: channels must hold activations, of shape {OF_ROWS['activations']}; found "
                f"{', '.join(channels) or 'none'}"
            )
        arrays = {
            key: self._numbers(key, channels[key])
            for key in CHANNELS
            if key in channels and key != "partition"
        }
        n_rows, n_units = self.rows.n, arrays["activations"].shape[-1]
        expected = {"activations": (n_rows, n_units), "influence": (n_rows, n_units), "loss": (n_rows,)}
        for key, array in arrays.items():
            if key in expected and (array.shape != expected[key] or array.ndim != len(expected[key])):
                here = f"({n_rows}, n_units)" if key == "activations" else str(expected[key])
                raise EvidenceError(
                    f"{self.name}: {key} must have shape {OF_ROWS[key]}, here {here} for the {n_rows} rows; "
                    f"found {array.shape}"
                )
            if key in OF_UNITS and (array.ndim != 2 or len(array) != n_units):
                raise EvidenceError(
                    f"{self.name}: {key} must have shape {OF_UNITS[key]}, with {n_units} units; found "
                    f"{array.shape}"
                )
            self._require_finite(key, array)
        if ("weights_in" in arrays) != ("weights_out" in arrays):
            raise EvidenceError(
                f"{self.name}: weights_in and weights_out must both be there, or none of them"
            )
        if n_units < 2:
            raise EvidenceError(f"{self.name}: activations must be of at least two units; found {n_units}")
        return arrays

    def _numbers(self, key: str, given: Any) -> NDArray[np.float32]:
        array = np.asarray(given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given)
        if array.dtype.kind not in "biuf":
            raise EvidenceError(f"{self.name}: {key} must be an array of numbers; found {array.dtype}")
        with np.errstate(over="ignore"):  # what is too large is found below
            return np.asarray(array, dtype=np.float32)

    def _require_finite(self, key: str, array: NDArray[np.float32]) -> None:
        wrong = np.argwhere(~np.isfinite(array))
        if wrong.size:
            axes = ("row", "unit") if key in OF_ROWS else ("unit", "column")
            place = ", ".join(f"{axis} {at}" for axis, at in zip(axes, wrong[0].tolist(), strict=False))
            raise EvidenceError(
                f"{self.name}: {key} must be finite; {len(wrong):,} values are not, the first at {place}: "
                "leave out such rows or units"
            )

    def _digests(self) -> Iterator[bytes]:
        arrays = [self._arrays[key] for key in OF_ROWS if key in self._arrays]
        for row in range(self.n_rows):
            digest = hashlib.sha256()
            for array in arrays:
                digest.update(np.ascontiguousarray(array[row]).tobytes())
            yield digest.digest()

    def activations(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """At some rows, shape (n_rows, n_units)."""
        return np.ascontiguousarray(self._arrays["activations"][rows])

    def influence(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Of every unit at some rows, shape (n_rows, n_units); None where it was not recorded."""
        influence = self._arrays.get("influence")
        return None if influence is None else np.ascontiguousarray(influence[rows])

    def loss(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The outcome at some rows, shape (n_rows,); None where it was not recorded."""
        loss = self._arrays.get("loss")
        return None if loss is None else np.ascontiguousarray(loss[rows])

    @property
    def weights(self) -> Weights | None:
        """Of the units, if they were recorded."""
        if "weights_in" not in self._arrays:
            return None
        return Weights(output=self._arrays["weights_out"], input=self._arrays["weights_in"])

    @property
    def n_neurons(self) -> int:
        """Units."""
        return int(self._arrays["activations"].shape[1])

    @property
    def channels(self) -> frozenset[Channel]:
        """What there is."""
        own = {Channel(key) for key in OF_ROWS if key in self._arrays}
        own |= {Channel.WEIGHTS} if self.weights else set()
        return frozenset(own | ({Channel.PARTITION} if self.partition else set()))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what was recorded, and of the rows."""
        digest = hashlib.sha256(self.tokenizer_fingerprint.encode())
        for key in OF_UNITS:
            if key in self._arrays:
                digest.update(key.encode() + np.ascontiguousarray(self._arrays[key]).tobytes())
        return digest.hexdigest()

    @cached_property
    def settings_fingerprint(self) -> str:
        """SHA-256 of which channels there are, and of the partition."""
        parts = None if self.partition is None else (self.partition.names, self.partition.parts.tolist())
        return hashlib.sha256(repr((sorted(self._arrays), parts)).encode()).hexdigest()

    @property
    def layer(self) -> str:
        """What was recorded."""
        return "recorded"

    @property
    def tested_words(self) -> str:
        """The same, for errors."""
        return self.name

    @property
    def family(self) -> str:
        """No network's."""
        return "recorded"

    @property
    def n_parameters(self) -> int:
        """Not known."""
        return 0

    @property
    def n_bytes(self) -> int:
        """That nothing takes beside the evidence itself."""
        return 0

    def describe(self) -> dict[str, str | int | None]:
        """What a report says of the subject."""
        return {
            "name": self.name,
            "units": "recorded",
            "n_neurons": self.n_neurons,
            "channels": ", ".join(sorted(self.channels)),
            **({"n_parts": len(self.partition.names)} if self.partition else {}),
        }
