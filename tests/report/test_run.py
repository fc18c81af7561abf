from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

import hypotest
from hypotest.errors import OutputError
from hypotest.records.results.results import Results
from hypotest.report.results_file import results_text
from hypotest.report.run import Run


def test_a_run_opens_with_everything(
    written_run: Path, results: Results, nulls: pl.DataFrame, manifest: dict[str, object]
) -> None:
    run = Run.open(str(written_run))
    assert run.folder == written_run
    assert run.results == results
    assert {name: run.manifest[name] for name in manifest} == manifest
    assert set(run.manifest) - set(manifest) == {"files", "manifest_sha256"}
    assert run.nulls.equals(nulls)
    assert run.nulls is run.nulls  # read once
    assert run.verdict_line == "modular: refuted; distributed: supported"
    assert repr(run) == f"Run('{written_run}', modular: refuted; distributed: supported)"


def test_predictions_are_a_tidy_frame(written_run: Path, results: Results) -> None:
    frame = Run.open(written_run).predictions
    assert frame["id"].to_list() == [item.id for item in results.predictions]
    row = frame.row(by_predicate=pl.col("id") == "coordination", named=True)
    item = next(item for item in results.predictions if item.id == "coordination")
    assert item.interval is not None and item.margin is not None
    assert (row["interval_low"], row["interval_high"]) == (item.interval.low, item.interval.high)
    assert (row["margin_low"], row["margin_high"]) == item.margin
    assert row["p_adjusted"] == item.p_adjusted
    assert (row["stance_modular"], row["stance_distributed"]) == ("silent", "supports")
    single = frame.row(by_predicate=pl.col("id") == "single-head", named=True)
    assert single["margin_low"] is None and single["reference_sd"] is None
    assert set(frame.schema.values()) == {pl.String(), pl.Float64()}


def test_printing_a_run_shows_the_table(written_run: Path) -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(Run.open(written_run))
    assert "Verdict: modular: refuted; distributed: supported" in captured.get()
    assert "report.html" in captured.get().replace("\n", "")


def test_a_notebook_shows_the_table_and_the_effects(written_run: Path) -> None:
    shown = Run.open(written_run)._repr_html_()
    table, image = shown.split("</pre>")
    assert "Verdict" in table and "coordination" in table
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', image)
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert 'alt="Effects. ' in image and "coordination" in image
    assert shown == Run.open(written_run)._repr_html_()


@pytest.mark.parametrize("how", ["print(run)", "from rich import print; print(run)"])
def test_a_script_prints_a_run_whatever_its_title_and_its_output(
    written_run: Path, results: Results, tmp_path: Path, how: str
) -> None:
    folder = shutil.copytree(written_run, tmp_path / "Größe")
    titled = replace(results, title="Größe κ → 名")
    (folder / "results.json").write_text(results_text(titled), encoding="utf-8")
    script = f"import sys, hypotest; run = hypotest.Run.open(sys.argv[1]); {how}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "80"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"supported" in done.stdout
    if "rich" in how:
        assert b"Gr??e ? ? ?" in done.stdout


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder of a run"):
        Run.open(tmp_path)


EXAMPLE = Path(__file__).parents[2] / "reports" / "rare-tokens" / "example"


def test_verdicts_are_a_frame():
    verdicts = hypotest.open_run(EXAMPLE).verdicts
    assert verdicts.columns == ["hypothesis", "status", "reason", "contradicted_by", "refuted_by"]
    assert verdicts["hypothesis"].to_list() == ["modular", "distributed"]
    assert verdicts["refuted_by"].dtype == pl.List(pl.String)


def test_figures_are_those_of_the_report():
    run = hypotest.open_run(EXAMPLE)
    assert {file.stem for file in (EXAMPLE / "figures").glob("*.svg")} == set(run.figures)
    figure = run.plot()
    assert figure.axes
    assert run.figures["effects"].axes
    with pytest.raises(KeyError, match="no figure 'ladders'; there are effects, group, ladder"):
        run.figures["ladders"]


def test_a_notebook_shows_a_figure_without_pyplot():
    shown = hypotest.open_run(EXAMPLE).plot("effects")._repr_png_()
    assert shown.startswith(b"\x89PNG\r\n")


def test_a_notebook_shows_the_verdict_table():
    shown = hypotest.open_run(EXAMPLE)._repr_html_()
    assert shown.startswith("<pre")
    assert "specialization" in shown
    assert "<script" not in shown
