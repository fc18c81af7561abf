"""What lies in the cache, read off its folders, the log of documents and the manifests of kept runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypotest.collect.evidence_folder import FINISHED
from hypotest.pipeline.cache.needed import KeptRun, kept_runs
from hypotest.pipeline.cache.quota import quota_bytes
from hypotest.pipeline.texts.document_log import LOG, read_log
from hypotest.records.cache import FOREIGN, LEFT_OVER, CacheContents, CacheEntry, CacheUse
from hypotest.records.seen import Viewing

EVIDENCE, OTHER_NETWORKS, RECORDED, UNFINISHED = "evidence", "other-networks", "recorded", "unfinished"
KINDS = {
    EVIDENCE: 1,
    OTHER_NETWORKS: 1,
    RECORDED: 1,
    UNFINISHED: 1,
    "prepared": 2,
    "cross_entropy": 1,
    "frequencies": 1,
    "texts": 1,
    "controls": 2,
    "calibration": 1,
}
"""Folder of the cache -> how many levels below it an entry lies."""
FINISHED_LESIONS = "lesions.json"
"""What `hypotest.collect.lesions` writes last; named here, since that loads torch."""


def read_cache(cache: Path, keep: Sequence[Path] = ()) -> CacheContents:
    """Everything in the cache, with what it was used for and who needs it.

    Args:
        cache: The cache's folder, which need not be there.
        keep: Folders of runs whose evidence is to stay.

    Raises:
        OutputError: If the log of documents cannot be read.
        ProtocolError: If the quota is none.
    """
    log, _ = read_log(cache)
    runs, order = kept_runs(keep), [*KINDS, LEFT_OVER, FOREIGN]
    entries = [_told(item, log, runs) for item in _entries(cache)]
    return CacheContents(
        folder=cache,
        entries=tuple(sorted(entries, key=lambda item: (order.index(item.kind), -item.n_bytes, item.path))),
        log_bytes=size_of(cache / LOG),
        models={run.use.weights: run.model for run in runs if run.use.weights and run.model},
        quota=quota_bytes(),
        free=free_bytes(cache),
    )


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is nothing. Links are not followed."""
    return sum(size for size, _ in _files(place))


def free_bytes(folder: Path) -> int:
    """What the disk of a folder, which need not be there, has left."""
    place = folder.absolute()
    return shutil.disk_usage(next(path for path in (place, *place.parents) if path.exists())).free


def _entries(cache: Path) -> Iterator[CacheEntry]:
    for place in _inside(cache):
        if place.name in KINDS and place.is_dir() and not place.is_symlink():
            yield from (_entry(place.name, item) for item in _below(place, KINDS[place.name]))
        elif place.name != LOG:
            yield _entry(LEFT_OVER if place.name.startswith(".") else FOREIGN, place)


def _below(folder: Path, levels: int) -> Iterator[Path]:
    for place in _inside(folder):
        if levels > 1 and place.is_dir() and not place.is_symlink():
            yield from _below(place, levels - 1)
        else:
            yield place


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _entry(kind: str, place: Path) -> CacheEntry:
    files = list(_files(place))
    times = [time for _, time in files] or [_written(place)]
    return CacheEntry(
        kind=kind,
        path=place,
        n_bytes=sum(size for size, _ in files),
        last_used=datetime.fromtimestamp(max(times), UTC),
        finished=_is_finished(kind, place),
    )


def _is_finished(kind: str, place: Path) -> bool:
    if kind in (EVIDENCE, OTHER_NETWORKS):
        return any((place / name).is_file() for name in (FINISHED, FINISHED_LESIONS))
    return kind not in (UNFINISHED, LEFT_OVER)


def _files(place: Path) -> Iterator[tuple[int, float]]:
    """Bytes and time of each file; what another process removes meanwhile is not counted."""
    if not place.is_dir() or place.is_symlink():
        with suppress(FileNotFoundError):
            status = place.lstat()
            yield status.st_size, status.st_mtime
        return
    for folder, _, names in os.walk(place):
        for name in names:
            with suppress(FileNotFoundError):
                status = os.lstat(os.path.join(folder, name))
                yield status.st_size, status.st_mtime


def _written(place: Path) -> float:
    with suppress(FileNotFoundError):
        return place.lstat().st_mtime
    return 0.0


def _told(entry: CacheEntry, log: Sequence[Viewing], runs: Sequence[KeptRun]) -> CacheEntry:
    """The entry with what log and manifests say of it."""
    if entry.kind not in (EVIDENCE, OTHER_NETWORKS):
        return entry
    lines = [item for item in log if item.evidence == entry.key]
    needed = [run for run in runs if entry.key in run.keys]
    uses = [_use(item) for item in lines] or [run.use for run in needed]
    return replace(
        entry,
        uses=tuple(dict.fromkeys(reversed(uses)))[::-1],
        last_used=max([entry.last_used, *(_time(item) for item in lines)]),
        logged=entry.kind != EVIDENCE or bool(lines),
        needed_by=tuple(run.folder for run in needed),
    )


def _use(item: Viewing) -> CacheUse:
    return CacheUse(item.plan, item.weights, item.layer, item.family, item.parameters)


def _time(item: Viewing) -> datetime:
    time = datetime.fromisoformat(item.time)
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
