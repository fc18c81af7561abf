from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hypotest.engine.progress import StartStage
from hypotest.errors import OutputError
from hypotest.records.results.results import Results
from hypotest.report import export
from hypotest.report.export import (
    file_hashes,
    manifest_digest,
    read_manifest,
    read_nulls,
    read_results,
    render_again,
    write_run,
)
from hypotest.report.figures import figures


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def no_figures(results: Results, nulls: pl.DataFrame, folder: Path, start_stage: StartStage) -> tuple[()]:
    (folder / "one.svg").write_text("figure", encoding="utf-8")
    return ()


def full_disk(results: Results, nulls: pl.DataFrame, folder: Path, start_stage: StartStage) -> tuple[()]:
    (folder / "half.svg").write_text("half", encoding="utf-8")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_a_run_leaves_behind(
    written_run: Path, results: Results, nulls: pl.DataFrame, manifest: dict[str, Any]
) -> None:
    assert {path.name for path in written_run.iterdir()} == {
        "report.html",
        "report.md",
        "figures",
        "results.json",
        "nulls.parquet",
        "manifest.json",
    }
    assert [path.name for path in written_run.parent.iterdir()] == ["run"]
    assert read_results(written_run / "results.json") == results
    assert read_nulls(written_run).equals(nulls)
    written = read_manifest(written_run)
    assert {name: written[name] for name in manifest} == manifest
    assert set(written) - set(manifest) == {"files", "manifest_sha256"}
    assert "NaN" not in (written_run / "results.json").read_text(encoding="utf-8")


def test_the_manifest_holds_the_hash_of_every_other_file_and_its_own(written_run: Path) -> None:
    manifest = read_manifest(written_run)
    expected = {name: hashlib.sha256(content).hexdigest() for name, content in contents(written_run).items()}
    del expected["manifest.json"]
    assert manifest["files"] == expected == file_hashes(written_run)
    assert manifest["manifest_sha256"] == manifest_digest(manifest)
    assert manifest_digest({**manifest, "seed": -1}) != manifest["manifest_sha256"]
    assert expected["results.json"] not in (written_run / "report.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_rendering_again_gives_the_same_bytes(drawn_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(drawn_run, copy)
    (copy / "report.md").write_text("edited", encoding="utf-8")
    (copy / "figures" / "stale.png").write_bytes(b"old")
    render_again(copy)
    assert contents(copy) == contents(drawn_run)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_leaves_nothing(
    results: Results,
    nulls: pl.DataFrame,
    manifest: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "draw_figures", full_disk)
    with pytest.raises(OutputError, match=r"reports/run: cannot be written: No space left"):
        write_run(tmp_path / "reports" / "run", results, nulls, manifest)
    assert list((tmp_path / "reports").iterdir()) == []


def test_an_interrupt_leaves_nothing(
    results: Results,
    nulls: pl.DataFrame,
    manifest: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, "draw_figures", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path / "run", results, nulls, manifest)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_appears_only_when_it_is_whole(
    results: Results,
    nulls: pl.DataFrame,
    manifest: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, seen = tmp_path / "run", []
    flush = export.flush

    def watched(aside: Path) -> None:
        seen.append((folder.exists(), (aside / "report.md").exists()))
        flush(aside)

    monkeypatch.setattr(figures, "draw_figures", no_figures)
    monkeypatch.setattr(export, "flush", watched)
    write_run(folder, results, nulls, manifest)
    assert seen == [(False, True)]
    assert (folder / "report.md").exists()


def test_failing_to_render_again_changes_nothing(
    written_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(written_run, copy)
    monkeypatch.setattr(figures, "draw_figures", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        render_again(copy)
    assert contents(copy) == contents(written_run)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_report_is_never_overwritten(
    written_run: Path, results: Results, nulls: pl.DataFrame, manifest: dict[str, Any]
) -> None:
    with pytest.raises(OutputError, match="must be new"):
        write_run(written_run, results, nulls, manifest)


def test_a_parent_that_is_a_file(
    results: Results, nulls: pl.DataFrame, manifest: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "reports").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_run(tmp_path / "reports" / "run", results, nulls, manifest)


@pytest.mark.slow
def test_undefined_numbers_and_draws_can_be_written(
    results: Results, nulls: pl.DataFrame, tmp_path: Path
) -> None:
    first = dataclasses.replace(results.predictions[0], ratio=float("nan"), standardized=None)
    short = dataclasses.replace(results, predictions=(first,))
    gap = nulls.filter(pl.col("prediction") == "specialization").with_columns(
        value=pl.when(pl.col("draw") < 3).then(None).otherwise(pl.col("value"))
    )
    write_run(tmp_path / "run", short, gap, {"durations": {"collect": float("nan")}})
    assert "NaN" not in (tmp_path / "run" / "results.json").read_text(encoding="utf-8")
    written = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert written["durations"] == {"collect": None}
    assert read_nulls(tmp_path / "run")["value"].null_count() == 3 * len((*first.ladder, *first.arms))


def test_null_draws_need_their_columns(
    results: Results, nulls: pl.DataFrame, manifest: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="missing: draw"):
        write_run(tmp_path / "run", results, nulls.drop("draw"), manifest)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"results\.json: not found"):
        render_again(tmp_path)
    with pytest.raises(OutputError, match=r"nulls\.parquet: not found"):
        read_nulls(tmp_path)
    (tmp_path / "nulls.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    (tmp_path / "results.json").write_bytes(b"\xff\xfe")
    with pytest.raises(OutputError, match="damage"):
        read_nulls(tmp_path)
    with pytest.raises(OutputError, match="must hold an object"):
        read_manifest(tmp_path)
    with pytest.raises(OutputError, match="UTF-8"):
        read_results(tmp_path / "results.json")
