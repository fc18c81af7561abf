"""What lies in the cache, and what of it goes when it is asked to.

The log of documents (``documents-seen.jsonl``) always stays: it is what a registration is judged by. Evidence
that went is collected again by the next command that needs it, and is the same to the last bit on the same
machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypotest.engine.session import cache_folder
from hypotest.errors import OutputError, ProtocolError
from hypotest.pages.notebook import show_as
from hypotest.pipeline.cache.contents import read_cache
from hypotest.pipeline.cache.needed import keys_of
from hypotest.pipeline.cache.removal import reason_to_stay, remove
from hypotest.records.cache import CacheContents, Pruned
from hypotest.records.stored.files import require_run
from hypotest.report.export import read_manifest
from hypotest.report.run import Run
from hypotest.studies.cache.page import contents_page, pruned_page

KEPT = Path("reports")
"""Where runs lie whose evidence is kept, unless another folder is named."""

show_as(CacheContents, contents_page)
show_as(Pruned, pruned_page)


def cache_contents(*, keep: Sequence[str | Path] | None = None) -> CacheContents:
    """What lies in the cache: of which plan and network, how much, when last used, and which runs need it.

    Args:
        keep: Folders of runs that need their evidence; default: ``reports``, if it is there.

    Raises:
        OutputError: If a folder is not there, or the log of documents cannot be read.
    """
    return read_cache(cache_folder(), _kept_folders(keep))


def prune_cache(
    *,
    older_than: float | None = None,
    larger_than: float | None = None,
    run: Run | str | Path | None = None,
    unfinished: bool = False,
    keep: Sequence[str | Path] | None = None,
    unprotected: bool = False,
    dry_run: bool = False,
) -> Pruned:
    """Remove from the cache what satisfies everything that is asked; the log of documents stays.

    Evidence that a kept run needs stays, unless ``unprotected``; so does evidence that the log does not name,
    and what a run may be at work on.

    Args:
        older_than: Days since it was last used.
        larger_than: GB of a single entry.
        run: A finished run: only the evidence that it needs, and no other run that is kept.
        unfinished: Only what stopped runs left half-made.
        keep: Folders of runs that need their evidence; default: ``reports``.
        unprotected: Whether what kept runs need goes, too.
        dry_run: Only say what would go.

    Returns:
        What went, and what was asked for and stayed.

    Raises:
        ProtocolError: If nothing is named that is to go (but for a dry run), a number is none, or no kept
            folder is named and ``reports`` is not there.
        OutputError: If ``run`` is none, or something cannot be removed.
    """
    if older_than is None and larger_than is None and run is None and not (unfinished or dry_run):
        raise ProtocolError(
            "name what is to go: older_than= (days), larger_than= (GB), run= or unfinished=True"
        )
    for name, value in (("older_than", older_than), ("larger_than", larger_than)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise ProtocolError(f"{name}={value:g}: must be a finite number, at least 0")
    folder = None if run is None else _folder_of(run)
    if keep is None and not KEPT.is_dir() and not unprotected and not unfinished:
        raise ProtocolError(
            f"there is no folder {KEPT} here, whose runs keep their evidence: name the one that your runs "
            "lie in with keep=, or let unprotected=True remove what any run needs"
        )
    keys = None if folder is None else keys_of(read_manifest(folder))
    contents, now = read_cache(cache_folder(), _kept_folders(keep)), datetime.now(UTC)
    removed, held_back = [], []
    for entry in contents.entries:
        asked = (
            (older_than is None or now - entry.last_used >= _days(older_than))
            and (larger_than is None or entry.n_bytes > larger_than * 1e9)
            and (keys is None or (entry.kind in keys and entry.key in keys[entry.kind]))
            and (not unfinished or not entry.finished)
        )
        if not asked:
            continue
        reason = reason_to_stay(entry, now, unprotected=unprotected, besides=folder)
        if reason:
            held_back.append((entry, reason))
            continue
        if not dry_run:
            remove(entry, contents.folder)
        removed.append(entry)
    return Pruned(contents.folder, tuple(removed), tuple(held_back), dry_run)


def _days(number: float) -> timedelta:
    return timedelta(days=min(number, 1e6))  # more than any cache is old; far more is none that Python knows


def _folder_of(run: Run | str | Path) -> Path:
    folder = run.folder if isinstance(run, Run) else Path(run)
    require_run(folder)
    return folder


def _kept_folders(keep: Sequence[str | Path] | None) -> tuple[Path, ...]:
    if keep is None:
        return (KEPT,) if KEPT.is_dir() else ()
    folders = tuple(Path(item) for item in keep)
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing:
        raise OutputError(f"keep={missing[0]}: there is no such folder: its runs would lose their evidence")
    return folders
