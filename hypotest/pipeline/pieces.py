"""Finished pieces of a run's tests, kept until the run is: one that is killed goes on behind them."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.store import evidence_key, read_shard, write_shard
from hypotest.errors import EvidenceError
from hypotest.records.registration import Fingerprint


class KeptPieces:
    """A folder of arrays; stages are told apart by name, by how often the name occurred, and by size."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._occurred: Counter[str] = Counter()

    @classmethod
    def of(cls, fingerprint: Fingerprint, digests: Mapping[str, str], cache: Path) -> KeptPieces:
        """Of everything that a run's numbers depend on: plan, code, versions and the bytes of the evidence.

        Args:
            fingerprint: What the run is.
            digests: Of its evidence, from `hypotest.collect.evidence_folder.evidence_digests`.
            cache: Folder of all caches.
        """
        return cls(
            cache / "unfinished" / evidence_key({"run": asdict(fingerprint), "evidence": dict(digests)})
        )

    def stage(self, name: str, n_pieces: int) -> list[Path]:
        """Where the pieces of a stage go; stages come in the same order in every run."""
        self._occurred[name] += 1
        text = f"{name}\0{self._occurred[name]}\0{n_pieces}"
        folder = self._folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        return [folder / f"{number:05d}" for number in range(n_pieces)]

    def read(self, place: Path) -> NDArray[np.float64] | None:
        """A finished piece; None if it is not there, or damaged."""
        if not place.exists():
            return None
        try:
            return read_shard(place)["values"]
        except (EvidenceError, KeyError):
            shutil.rmtree(place, ignore_errors=True)
            return None

    def write(self, place: Path, values: NDArray[np.float64]) -> None:
        """Keep a finished piece; one that a power failure damages is computed again.

        Raises:
            OutputError: If it cannot be written.
        """
        write_shard(place, {"values": values}, flush=False)

    def discard(self) -> None:
        """Remove all of them: the run is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)
