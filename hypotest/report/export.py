"""What a run leaves behind, written so that a report is either whole or not there.

<folder>/
  report.html    report.md      figures/*.svg, *.png
  results.json   nulls.parquet   manifest.json
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hypotest.engine.progress import StartStage, silent
from hypotest.errors import OutputError
from hypotest.pages.document import Document
from hypotest.pages.registry import page_of
from hypotest.records.results.results import Results
from hypotest.records.stored.folders import built_aside, errors_name, flush, flush_folder
from hypotest.report.results_file import (
    REPORTS,
    SCHEMA_FILE,
    json_text,
    parse_results,
    results_schema,
    results_text,
)
from hypotest.report.unrendered import unrendered_page

__all__ = [
    "NULLS_SCHEMA",
    "REPORTS",
    "SCHEMA_FILE",
    "file_hashes",
    "manifest_digest",
    "page_of_run",
    "read_manifest",
    "read_nulls",
    "read_results",
    "render",
    "render_again",
    "results_schema",
    "write_run",
]

NULLS_SCHEMA = {
    "prediction": pl.String,
    "null": pl.String,
    "draw": pl.Int64,
    "value": pl.Float64,
}
"""Columns of ``nulls.parquet``: one row per draw of each null of each prediction."""


def write_run(
    folder: Path,
    results: Results,
    nulls: pl.DataFrame,
    manifest: Mapping[str, Any],
    start_stage: StartStage = silent,
) -> None:
    """Write everything that a run leaves behind.

    It is built in a temporary folder beside the target, flushed to disk, and renamed at the end.
    The report is rendered from what ``results.json`` will hold, so that rendering it again later
    gives the same bytes. Should rendering fail, the numbers are kept all the same, and the report says so.

    Args:
        folder: The run's folder, which must not exist yet.
        results: The run.
        nulls: Columns prediction, null, draw, value.
        manifest: Hashes, versions, seeds, durations, hardware; what JSON can hold. The hashes of the run's
            files and its own are added.
        start_stage: Told of the figures and their number, for progress.

    Raises:
        OutputError: If the folder exists, cannot be written (a full disk, say), or the results hold
            a number that must be defined and is not. Nothing is left behind then.
    """
    if folder.exists():
        raise OutputError(
            f"{folder}: a run's folder must be new; this one exists. Choose another or move it."
        )
    text = results_text(results)
    tidy = _tidy(nulls)
    with errors_name(folder), built_aside(folder) as aside:
        _write(aside / "results.json", text)
        tidy.write_parquet(aside / "nulls.parquet")
        plain = json.loads(json_text(manifest))
        written = parse_results(text, "results.json")
        try:
            render(written, tidy, plain, aside, start_stage)
        except OSError:
            raise
        except Exception as error:  # the numbers are there: what cannot be drawn must not take them along
            shutil.rmtree(aside / "figures", ignore_errors=True)
            (aside / "figures").mkdir()
            _write_reports(aside, unrendered_page(written, error))
        plain["files"] = file_hashes(aside)
        plain["manifest_sha256"] = manifest_digest(plain)
        _write(aside / "manifest.json", json_text(plain))
        flush(aside)
        aside.rename(folder)
        flush_folder(folder.parent)


def render_again(folder: Path) -> None:
    """Render report and figures of a run anew, from its results and null draws alone.

    Everything is rendered aside first; then each file takes its place in one step, the report last,
    so that at any moment every file is whole and the report finds its figures.

    Args:
        folder: A run's folder.

    Raises:
        OutputError: If the folder is not a run's, is damaged, or cannot be written.
    """
    results, nulls = read_results(folder / "results.json"), read_nulls(folder)
    manifest = read_manifest(folder)
    with errors_name(folder), built_aside(folder) as aside:
        render(results, nulls, manifest, aside, silent)
        flush(aside)
        figures = folder / "figures"
        figures.mkdir(exist_ok=True)
        fresh = {path.name for path in (aside / "figures").iterdir()}
        for name in sorted(fresh):
            os.replace(aside / "figures" / name, figures / name)
        for name in REPORTS:
            os.replace(aside / name, folder / name)
        for path in figures.iterdir():
            if path.name not in fresh and path.suffix in (".svg", ".png"):
                path.unlink()
        flush_folder(figures)
        flush_folder(folder)


def page_of_run(folder: Path, name: str, contexts: bool = True) -> str:
    """The report of a run in a page format, with figures drawn anew; the folder stays as it is.

    Args:
        folder: A run's folder.
        name: Of a format: ``html``, ``markdown``, ``console``, or what an installed package adds.
        contexts: Whether it may hold lines of the text.

    Raises:
        ProtocolError: If there is no such format.
        OutputError: If the folder is not a run's, or is damaged.
    """
    page = page_of(name)  # before anything is drawn
    results, nulls, manifest = (
        read_results(folder / "results.json"),
        read_nulls(folder),
        read_manifest(folder),
    )
    if not contexts:
        results = dataclasses.replace(results, contexts=None)
    with tempfile.TemporaryDirectory() as place:
        return page.render(_drawn_page(results, nulls, manifest, Path(place)), Path(place))


def read_results(path: Path) -> Results:
    """Read a ``results.json``.

    Raises:
        OutputError: If it is missing, damaged, or of another schema version.
    """
    return parse_results(_read(path), str(path))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a run's ``manifest.json``.

    Raises:
        OutputError: If it is missing or damaged.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise OutputError(f"{path}: must be JSON; found damage: {error}.") from error
    if not isinstance(manifest, dict):
        raise OutputError(f"{path}: must hold an object; found {type(manifest).__name__}.")
    return manifest


def read_nulls(folder: Path) -> pl.DataFrame:
    """Read a run's null draws: columns prediction, null, draw, value.

    Raises:
        OutputError: If the file is missing or damaged.
    """
    path = folder / "nulls.parquet"
    try:
        return _tidy(pl.read_parquet(path, glob=False))
    except FileNotFoundError as error:
        raise OutputError(f"{path}: not found. Is {folder} the folder of a run?") from error
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise OutputError(f"{path}: must be a parquet file; found damage: {error}.") from error


def _tidy(nulls: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in NULLS_SCHEMA if name not in nulls.columns]
    if missing:
        raise OutputError(
            f"null draws need the columns {', '.join(NULLS_SCHEMA)}; missing: {', '.join(missing)}."
        )
    return nulls.select(pl.col(name).cast(dtype) for name, dtype in NULLS_SCHEMA.items())


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a run's folder except the manifest, which holds them.

    Args:
        folder: A run's folder.

    Returns:
        Name relative to the folder, with forward slashes -> 64 hexadecimal digits.
    """
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "manifest.json":
            with path.open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest's content but for the entry that holds this very hash."""
    content = {key: value for key, value in manifest.items() if key != "manifest_sha256"}
    return hashlib.sha256(json_text(dict(sorted(content.items()))).encode()).hexdigest()


def render(
    results: Results,
    nulls: pl.DataFrame,
    manifest: Mapping[str, Any],
    folder: Path,
    start_stage: StartStage = silent,
) -> None:
    """Write reports and figures into an existing folder without figures."""
    _write_reports(folder, _drawn_page(results, nulls, manifest, folder, start_stage))


def _write_reports(folder: Path, page: Document) -> None:
    for name, format_name in REPORTS.items():
        _write(folder / name, page_of(format_name).render(page, folder))


def _drawn_page(
    results: Results,
    nulls: pl.DataFrame,
    manifest: Mapping[str, Any],
    folder: Path,
    start_stage: StartStage = silent,
) -> Document:
    """The report, its figures drawn in a folder that has none."""
    # Imported here: reading a run and printing its verdict need no matplotlib.
    from hypotest.report.figures.figures import draw_figures
    from hypotest.report.run_page import run_page

    (folder / "figures").mkdir()
    return run_page(results, manifest, draw_figures(results, nulls, folder / "figures", start_stage))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if (path.parent / "series" / "series.json").is_file():
            raise OutputError(
                f"{path.parent}: is a series of runs; name the folder of one of its runs, which lie in it"
            ) from error
        raise OutputError(f"{path}: not found. Is {path.parent} the folder of a run?") from error
    except UnicodeDecodeError as error:
        raise OutputError(f"{path}: must be UTF-8 text; found damage: {error}.") from error
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}.") from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
