"""A cache that is as large as it may be: nothing is added to it, and what pruning frees is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypotest.errors import OutputError
from hypotest.pipeline.cache.contents import read_cache, size_of
from hypotest.pipeline.cache.quota import QUOTA, quota_bytes
from hypotest.pipeline.cache.removal import reason_to_stay
from hypotest.report.numbers import bytes_text

_KEPT = Path("reports")
"""Runs there keep their evidence, as for `hypotest cache prune`."""
_OLD = 30
"""Days."""


def require_quota_left(cache: Path) -> None:
    """Refuse to begin what writes into a cache that has reached its quota.

    Args:
        cache: The cache's folder, which need not be there.

    Raises:
        OutputError: If it has; says what pruning would free.
        ProtocolError: If the quota is none.
    """
    quota = quota_bytes()
    if quota is None or (there := size_of(cache)) < quota:
        return
    raise OutputError(
        f"the cache is full: {cache} holds {bytes_text(there)} of the {bytes_text(quota)} of {QUOTA}. "
        f"{'; '.join(would_free(cache))}. Nothing was run"
    )


def would_free(cache: Path) -> Iterator[str]:
    """What each way of pruning would free, in words.

    Args:
        cache: The cache's folder.

    Raises:
        OutputError: If the log of documents cannot be read.
    """
    now = datetime.now(UTC)
    contents = read_cache(cache, (_KEPT,) if _KEPT.is_dir() else ())
    loose = [item for item in contents.entries if not reason_to_stay(item, now)]
    half = sum(item.n_bytes for item in loose if not item.finished)
    old = sum(item.n_bytes for item in loose if now - item.last_used >= timedelta(days=_OLD))
    everything = sum(item.n_bytes for item in loose)
    yield f"`hypotest cache prune --unfinished` would free {bytes_text(half)}"
    yield f"`hypotest cache prune --older-than {_OLD}` {bytes_text(old)}"
    yield f"`hypotest cache prune --older-than 0`, all that no run in {_KEPT} needs, {bytes_text(everything)}"
