"""Find what there is to open: the report of a run, or an index of all runs in a folder."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypotest.errors import OutputError
from hypotest.pages.html import PAGE
from hypotest.records.stored.folders import errors_name
from hypotest.report.results_file import REPORT, REPORTS
from hypotest.studies.view.page import index_page
from hypotest.studies.view.record import RunEntry

INDEX = "index.html"
_DEEPEST = 6
"""Folders below the one that is asked for."""


def view(place: str | Path) -> Path:
    """What shows a run, or the runs of a folder.

    Args:
        place: A run's folder, or one that holds runs; in the latter ``index.html`` is written anew.

    Returns:
        The file to open.

    Raises:
        OutputError: If there is no run, its report is not there, or the index cannot be written.
    """
    folder = Path(place)
    if not folder.is_dir():
        raise OutputError(f"{folder}: not found; name the folder of a run, or one that holds runs")
    if (folder / "results.json").is_file():
        report = folder / REPORT
        if not report.is_file():
            raise OutputError(f"{report}: not found; `hypotest report {folder}` renders it")
        return report
    entries = runs_in(folder)
    if not entries:
        raise OutputError(f"{folder}: holds no run; `hypotest run PROTOCOL --out {folder}` puts one there")
    with errors_name(folder):
        (folder / INDEX).write_text(PAGE.render(index_page(entries)), encoding="utf-8", newline="\n")
    return folder / INDEX


def show_in_browser(file: Path) -> bool:
    """Open a file in the reader's browser; whether there is one."""
    try:
        return webbrowser.open(file.resolve().as_uri())
    except webbrowser.Error:
        return False


def runs_in(folder: Path) -> tuple[RunEntry, ...]:
    """Every run below a folder, the latest first."""
    entries = [_entry(folder, run) for run in _folders(folder, _DEEPEST)]
    return tuple(sorted(entries, key=lambda item: (item.started, item.place), reverse=True))


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "results.json").is_file():
        yield folder
    elif depth:
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.is_symlink() and not inner.name.startswith("."):
                yield from _folders(inner, depth - 1)


def _entry(folder: Path, run: Path) -> RunEntry:
    place = run.relative_to(folder).as_posix()
    report = next((name for name in REPORTS if (run / name).is_file()), "")
    try:
        results, manifest = (_read(run / name) for name in ("results.json", "manifest.json"))
        subject = results.get("subject") or {}
        layer = subject.get("layer")
        return RunEntry(
            place=place,
            report=report,
            protocol=str(results["protocol_id"]),
            title=str(results["title"]),
            subject=str(subject.get("name", "")) + ("" if layer is None else f", layer {layer}"),
            verdicts=tuple((str(item["hypothesis"]), str(item["status"])) for item in results["verdicts"]),
            status=str((results.get("registration") or {}).get("status", "")),
            started=str(manifest.get("started", ""))[:16].replace("T", " "),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return RunEntry(place=place, report=report, problem=f"{type(error).__name__}: {error}")


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no object")
    return value
