"""What may go from the cache, and how it goes."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from hypotest.errors import OutputError
from hypotest.records.cache import FOREIGN, CacheEntry

AT_WORK = timedelta(hours=1)
"""What is half-made and was written to this lately may belong to a run that is going on."""


def reason_to_stay(
    entry: CacheEntry, now: datetime, *, unprotected: bool = False, besides: Path | None = None
) -> str:
    """Why an entry must not be removed; empty if it may.

    Evidence that the log of documents does not name is never removed: its presence is all that tells that
    a network may have been run over documents, and a registration would pass for confirmatory without it.

    Args:
        entry: Of the cache.
        now: With a time zone.
        unprotected: Whether what kept runs need may go.
        besides: A run that is to lose its evidence, and keeps none.
    """
    if entry.kind == FOREIGN:
        return "hypotest did not put it there"
    if not entry.logged:
        return (
            "the log of documents does not name it: without it nothing tells that documents may have been "
            "seen; who removes it by hand should say so"
        )
    if not entry.finished and now - entry.last_used < AT_WORK:
        return "half-made and written to within the last hour: a run may be at work on it"
    others = [run for run in entry.needed_by if besides is None or run.resolve() != besides.resolve()]
    if others and not unprotected:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return f"needed by {others[0]}{more}"
    return ""


def remove(entry: CacheEntry, cache: Path) -> None:
    """Remove an entry, so that at any moment it is there completely or not at all.

    Args:
        entry: Of the cache.
        cache: The cache's folder.

    Raises:
        OutputError: If it cannot be removed.
    """
    aside = cache / f".pruned-{uuid.uuid4().hex}"  # not beside it: a folder of evidence without a log line
    try:
        with suppress(FileNotFoundError):  # another command was faster
            os.rename(entry.path, aside)
            if aside.is_dir() and not aside.is_symlink():
                shutil.rmtree(aside)
            else:
                aside.unlink()
    except OSError as error:
        raise OutputError(f"{entry.path}: cannot be removed: {error.strerror or error}") from None
