"""Finished simulations on disk, some in a file. Workers import this module: it is quick to import."""

from __future__ import annotations

import json
from pathlib import Path

from hypotest.errors import OutputError
from hypotest.records.stored.files import write_whole
from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.one_simulation import Simulation, simulate_range


def chunk_file(folder: Path, start: int, stop: int) -> Path:
    """Name of the chunk with simulations `start` to `stop` - 1."""
    return folder / f"{start:06d}-{stop:06d}.jsonl"


def finish_chunk(case: Case, seed: int, folder: Path, start: int, stop: int) -> None:
    """Simulate a chunk and write it so that it is there completely or not at all."""
    lines = [json.dumps(item, allow_nan=False) for item in simulate_range(case, seed, start, stop)]
    write_whole(chunk_file(folder, start, stop), "\n".join(lines) + "\n")


def read_chunk(file: Path) -> list[Simulation]:
    """Read a finished chunk.

    Raises:
        OutputError: If it is missing or damaged.
    """
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot read {file} ({error}); delete it and run again") from None
