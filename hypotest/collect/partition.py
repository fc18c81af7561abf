"""A declared division of the neurons, as it lies in the cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.store import read_shard, write_shard
from hypotest.records.evidence.partition import Partition


def write_partition(partition: Partition | None, folder: Path) -> None:
    """Leave it in a split's folder, where it is not; nothing where none is declared."""
    if partition is None or (folder / "partition").exists():
        return
    names = np.frombuffer(json.dumps(partition.names).encode(), dtype=np.uint8)
    arrays: dict[str, NDArray[Any]] = {"parts": partition.parts, "names": names}
    if partition.numbers is not None:
        arrays["numbers"] = partition.numbers
    write_shard(folder / "partition", arrays)


def read_partition(folder: Path) -> Partition | None:
    """From a split's folder; None where there is none.

    Raises:
        EvidenceError: If it is damaged.
    """
    if not (folder / "partition").exists():
        return None
    arrays = read_shard(folder / "partition")
    return Partition(tuple(json.loads(arrays["names"].tobytes())), arrays["parts"], arrays.get("numbers"))
