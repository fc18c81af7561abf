"""What has rows and no text: a network, or evidence that was made elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.partition import Partition
from hypotest.subjects.network.rows import NetworkRows


class RowSubject:
    """Rows in clusters, and what stands for tokens where texts have some."""

    name: str
    rows: NetworkRows
    partition: Partition | None
    file = None
    """No file of weights."""
    revision = None
    """Of no Hub."""
    own_anatomy = None
    """There is no family that it could differ from."""
    unit_settings = None
    """Units are part of the settings."""

    def _digests(self) -> Iterator[bytes]:
        """Of what each row holds beside its columns, SHA-256."""
        raise NotImplementedError

    @property
    def n_rows(self) -> int:
        """Rows."""
        return self.rows.n

    @property
    def vocab_size(self) -> int:
        """Numbers of rows, which stand where tokens stand elsewhere."""
        return self.n_rows

    @cached_property
    def row_hashes(self) -> tuple[str, ...]:
        """SHA-256 of each row: what it holds, and its columns."""
        both = zip(self._digests(), self.rows.digests(), strict=True)
        return tuple(hashlib.sha256(one + other).hexdigest() for one, other in both)

    @cached_property
    def cluster_hashes(self) -> tuple[str, ...]:
        """SHA-256 of the rows of each cluster, in the order of their numbers."""
        digests = [hashlib.sha256() for _ in range(self.rows.n_clusters)]
        for cluster, row in zip(self.rows.clusters.tolist(), self.row_hashes, strict=True):
            digests[cluster].update(row.encode())
        return tuple(item.hexdigest() for item in digests)

    @cached_property
    def tokenizer_fingerprint(self) -> str:
        """SHA-256 of all rows, which stand where a text and its tokenizer stand elsewhere."""
        return hashlib.sha256("".join(self.row_hashes).encode()).hexdigest()

    @cached_property
    def tokens(self) -> NDArray[np.int32]:
        """A block for each row, shape (n_rows, 3), which ends with its number."""
        blocks = np.zeros((self.n_rows, 3), dtype=np.int32)
        blocks[:, 2] = np.arange(self.n_rows)
        return blocks

    def digest_of(self, rows: NDArray[np.int64]) -> str:
        """SHA-256 of what some rows are."""
        return hashlib.sha256("".join(self.row_hashes[row] for row in rows.tolist()).encode()).hexdigest()

    @staticmethod
    def length_of(context: int) -> int:
        """Places of a block that is run."""
        return context

    @staticmethod
    def row_of(block: NDArray[np.int32]) -> int:
        """Number of the row that a block of `tokens` stands for."""
        return int(block[2])
