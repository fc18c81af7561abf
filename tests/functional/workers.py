"""Processes that make runs, their workers, and what they leave."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def begun(path: Path, out: Path, cache: Path, *options: str, **further: Any) -> subprocess.Popen[bytes]:
    """A run in a process of its own, whose words lie beside its folder."""
    with out.with_suffix(".txt").open("w", encoding="utf-8") as written:
        return subprocess.Popen(
            [sys.executable, "-m", "hypotest", "run", path, "--out", out, *options],
            env={**os.environ, "HYPOTEST_CACHE": str(cache)},
            stdout=written,
            stderr=written,
            **further,
        )


def wait_for(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Until something is there that a process makes."""
    until = time.monotonic() + 120
    while not condition():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """Dask's worker processes, by what started them."""
    workers = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text(encoding="utf-8", errors="replace")
            parent = re.search(r"^PPid:\t(\d+)", (folder / "status").read_text(encoding="utf-8"), re.M)
        except OSError:
            continue
        if parent and int(parent[1]) == pid and "spawn_main" in command:
            workers.append(int(folder.name))
    return workers


def numbers_of(out: Path) -> dict[str, bytes]:
    """What runs leave that must be the same, wherever they are made: results and draws, by their folder."""
    *_, folder = sorted(out.glob("*/*"))  # of the last run, where one that failed was begun again
    files = [*folder.glob("*/results.json"), *folder.glob("*/nulls.parquet")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def bytes_of(out: Path) -> tuple[bytes, bytes]:
    """Results and draws of a run."""
    (folder,) = out.glob("*/*")
    return (folder / "results.json").read_bytes(), (folder / "nulls.parquet").read_bytes()
