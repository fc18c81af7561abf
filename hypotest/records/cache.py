"""What lies in the cache: one entry a thing that is made, used and removed as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hypotest.records.results.shown import Shown

LEFT_OVER, FOREIGN = "left over", "foreign"
"""Kinds of what lies in no folder of the cache: of killed commands, and what hypotest did not put there."""


@dataclass(frozen=True, slots=True)
class CacheUse:
    """A plan on a network that an entry of the cache was made or read for."""

    plan: str
    """Id of the protocol."""
    weights: str
    """SHA-256 of the network's weights; empty where it is not known."""
    layer: int | str
    """Block whose MLP was looked at, counted from 0; of any network the module of its units."""
    family: str = ""
    """``config.model_type``; empty where it is not known."""
    parameters: int = 0
    """Of the network; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One folder or file of the cache that goes as a whole."""

    kind: str
    """Folder of the cache that it lies in, or one of the kinds above."""
    path: Path
    n_bytes: int
    last_used: datetime
    """When the log last names it, or when it was last written; the later of the two, UTC."""
    finished: bool = True
    """False for what a stopped run left half-made."""
    uses: tuple[CacheUse, ...] = ()
    """What it was made or read for, the latest last; empty where nothing tells."""
    logged: bool = True
    """False for evidence of a tested network of which the log of documents says nothing."""
    needed_by: tuple[Path, ...] = ()
    """Folders of kept runs whose manifests name it."""

    @property
    def key(self) -> str:
        """Its name."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class CacheContents(Shown):
    """Everything in the cache but the log of documents."""

    folder: Path
    entries: tuple[CacheEntry, ...]
    log_bytes: int
    """Of the log of documents, which is never removed."""
    models: dict[str, str]
    """SHA-256 of weights -> name of the model, where a kept run tells."""
    quota: int | None
    """Bytes that the cache may take; None without a quota."""
    free: int
    """Bytes that its disk has left."""

    @property
    def n_bytes(self) -> int:
        """Of everything, the log included."""
        return self.log_bytes + sum(item.n_bytes for item in self.entries)


@dataclass(frozen=True, slots=True)
class Pruned(Shown):
    """What pruning removed, or would remove, and what it held back."""

    folder: Path
    removed: tuple[CacheEntry, ...]
    held_back: tuple[tuple[CacheEntry, str], ...]
    """What was asked for and stays, each with the reason."""
    dry_run: bool

    @property
    def n_bytes(self) -> int:
        """Of what was removed."""
        return sum(item.n_bytes for item in self.removed)
