"""What registering a protocol did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypotest.records.registration import Lock
from hypotest.records.results.shown import Shown


@dataclass(frozen=True, slots=True)
class Registered(Shown):
    """What registering did."""

    lock: Lock
    file: Path
    """The lock file."""
    entry: int
    """Of the registry."""
    hash: str
    """Of that entry."""
    is_new: bool
    """False if the same was registered already: nothing was changed then."""
    replaced: str | None
    """When the registration was made that this one replaces; None where it is the first."""
    restored: bool = False
    """Whether the lock file was missing or altered, and written again from the registry."""
