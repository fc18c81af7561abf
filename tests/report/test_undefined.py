"""A prediction without a value, wherever results are shown."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from hypotest.pages.console import shown
from hypotest.pages.markdown import PAGE
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report import export
from hypotest.report.export import read_results, write_run
from hypotest.report.figures import figures
from hypotest.report.ladder import ladder_of
from hypotest.report.run_page import run_page
from hypotest.report.run_summary import run_summary
from hypotest.verdict import decide, stance

REASON = "it has no value for this group of 2 neurons"


def undefined(item: PredictionResult, observed: float | None = None) -> PredictionResult:
    return replace(
        item,
        observed=observed,
        reference_value=None,
        reference_sd=None,
        effect=None,
        ratio=None,
        standardized=None,
        interval=None,
        interval_95=None,
        margin=None,
        equivalence_ceiling=None,
        p_value=None,
        p_error=None,
        p_adjusted=None,
        p_equivalence=None,
        p_equivalence_adjusted=None,
        p_beyond=None,
        p_beyond_adjusted=None,
        outcome="undefined",
        smallest_effect=None,
        stances={name: stance("undefined", item.expects.get(name, ()), item.role) for name in item.stances},
        secondary={},
        ladder=item.ladder[1:] if observed is not None else (),
        splits=tuple(replace(split, outcome="undefined", effect=None, p_value=None) for split in item.splits),
        notes=(REASON,),
    )


@pytest.fixture(params=["all", "one", "measured"])
def without(request: pytest.FixtureRequest, results: Results) -> tuple[Results, set[str]]:
    """The synthetic run with all predictions, or one, without a value; or one without a null's."""
    chosen = {item.id for item in results.predictions} if request.param == "all" else {"coordination"}
    predictions = tuple(
        undefined(item, item.observed if request.param == "measured" else None) if item.id in chosen else item
        for item in results.predictions
    )
    names = [verdict.hypothesis for verdict in results.verdicts]
    return replace(results, predictions=predictions, verdicts=decide(predictions, names, 0.05)), chosen


@pytest.mark.slow
def test_report_and_figures_are_whole(
    without: tuple[Results, set[str]], nulls: pl.DataFrame, manifest: dict[str, Any], tmp_path: Path
) -> None:
    results, chosen = without
    kept = nulls.filter(~pl.col("prediction").is_in(sorted(chosen)))
    write_run(tmp_path / "run", results, kept, manifest)
    assert read_results(tmp_path / "run" / "results.json") == results
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "could not be rendered" not in report
    for name in chosen:
        assert f"### {name}: undefined" in report
    assert report.count(f"**undefined** on the evaluation split: {REASON}.") == len(chosen)
    assert not re.search(r"\bnan\b", report)
    drawn = {path.name for path in (tmp_path / "run" / "figures").iterdir()}
    assert "effects.svg" in drawn
    assert all(name in report for name in drawn if name.endswith(".svg"))


def test_the_console_says_why(without: tuple[Results, set[str]]) -> None:
    results, chosen = without
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(shown(run_summary(results)))
    text = " ".join(console.export_text().split())
    for name in chosen:
        assert f"{name} is undefined: {REASON}" in text


def test_no_opponent_decides_where_there_is_no_outcome(without: tuple[Results, set[str]]) -> None:
    results, chosen = without
    ladder = ladder_of(results)
    for name in chosen:
        (item,) = [item for item in results.predictions if item.id == name]
        deciding = [rung for rung in ladder.rungs[name].values() if rung.decides]
        if item.role == "descriptive":
            assert not deciding
            continue
        assert [rung.outcome for rung in deciding] == ["undefined"]
        assert deciding[0].sign == "×" and deciding[0].p_text == ""


def test_a_report_that_cannot_be_rendered_leaves_its_numbers(
    results: Results,
    nulls: pl.DataFrame,
    manifest: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: object) -> None:
        raise ZeroDivisionError("no axis")

    rendered = PAGE.render(run_page(results, manifest, ()))
    monkeypatch.setattr(export, "render", fails)
    write_run(tmp_path / "run", results, nulls, manifest)
    assert read_results(tmp_path / "run" / "results.json") == results
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "ZeroDivisionError: no axis" in report and "results.json" in report
    assert results.verdicts[0].status in report
    monkeypatch.undo()
    monkeypatch.setattr(figures, "draw_figures", lambda *_: ())  # which takes seconds
    export.render_again(tmp_path / "run")
    assert (tmp_path / "run" / "report.md").read_text(encoding="utf-8")[:40] == rendered[:40]
