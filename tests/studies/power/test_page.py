import dataclasses
import importlib
import io
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from hypotest.errors import OutputError
from hypotest.pages.console import shown
from hypotest.pages.document import Figure
from hypotest.pages.markdown import PAGE
from hypotest.records.protocol.wording import OF_TEXT
from hypotest.records.stored.folders import replace_folder
from hypotest.report.figures.style import house_style
from hypotest.studies.power.export import power_page, write_power
from hypotest.studies.power.figures import CAPTION, NAME, draw_power, power_in_words, save_power
from hypotest.studies.power.grid import TABLE_SCHEMA
from hypotest.studies.power.page import power_summary
from hypotest.studies.power.record import (
    Costs,
    PowerCurve,
    PowerDocuments,
    PowerResult,
    PredictionPower,
    StageCost,
)


def prediction(**changes):
    item = PredictionPower(
        id="head-specificity",
        role="deciding",
        measure="top_head_impact",
        title="impact of the top head on the group",
        compared_with="covariate_matched",
        group_size=41,
        declared=True,
        unit="null SD",
        scale=0.034,
        documents=410,
        draws=9999,
        margin=0.068,
        ceiling=0.85,
        standard_error=0.031,
        smallest=(0.089, 0.14),
        seen=(0.11, 0.16),
        power=(0.06, 0.08, 0.2, 0.9996),
        at_margin=0.2,
        equivalent=0.0,
    )
    return dataclasses.replace(item, **changes)


def result(folder=Path("nowhere"), **changes):
    curve = PowerCurve("head-specificity", "41 neurons", True, (0.0, 0.1, 0.2), (0.05, 0.6, 1.0))
    rows = [
        ("head-specificity", "covariate_matched", 41, documents, draws, 0.05, 0.09, seen, 0.07, 2.0, 0.2, 0.0,
         documents == 410 and draws == 9999)
        for documents, draws, seen in (
            (410, 99, 0.13), (410, 9999, 0.11), (820, 9999, 0.105), (1640, 9999, 0.1)
        )
    ]  # fmt: skip
    power = PowerResult(
        protocol_id="one",
        words=OF_TEXT,
        title="Is *it* a [bold]module[/bold]?",
        level=0.05,
        corrected_level=0.05 / 7,
        n_neurons=2048,
        is_selected=True,
        group_size=41,
        documents=PowerDocuments(210, 211, 410),
        predictions=(
            prediction(),
            prediction(group_size=82, declared=False, seen=(0.056, 0.08)),
        ),
        table=pl.DataFrame(rows, schema=TABLE_SCHEMA, orient="row"),
        curves=(curve, dataclasses.replace(curve, label="82 neurons", planned=False)),
        refused=("predictions.head-specificity: refused: only 85% lie inside",),
        costs=Costs(
            stages=(
                StageCost("ablation, selection split", 40.0, True, "9 of 90 blocks"),
                StageCost("ablation, evaluation split", 42.0, False, "9 of 94 blocks"),
                StageCost("clustering: modularity", 100.0, False, "211 of 410 documents"),
            ),
            seconds_per_1000_draws={"clustering": 8.13},
            model_bytes=28_000_000,
            evidence_bytes=321_000_000,
            peak_bytes=1_700_000_000,
            notes=("start-up is not included",),
        ),
        notes=(),
        folder=folder,
    )
    return dataclasses.replace(power, **changes)


def rendered(item):
    return PAGE.render(power_page(item, Figure(NAME, CAPTION, power_in_words(item))))


def printed(item, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(shown(power_summary(item)))
    return console.file.getvalue()


def test_the_tables_are_legible_at_80_columns():
    text = printed(result())
    assert max(map(len, text.splitlines())) <= 80
    for words in ("head-specificity", "covariate_matched", "0.034 SD", "0.068", "8 % 20 % >99 %", "85 %"):
        assert words in text
    assert "[bold]module[/bold]" in text  # a title is no markup
    assert "REFUSED: head-specificity" in text
    text = " ".join(text.split())
    assert "2 min 22 s" in text and "3 min 2 s" in text  # 142 s with the selection split, 182 s without
    assert "1.7 GB" in text and "321 MB" in text


def test_the_second_table_shows_what_each_change_would_do():
    row = printed(result()).partition("if the plan were changed")[2].partition("head-specificity")[2]
    # as planned, 82 neurons, twice and four times the documents, 99 draws
    assert row.split("\n")[0].split() == ["0.11", "0.056", "0.10", "0.10", "0.13"]


def test_nothing_foreseen_leaves_empty_cells():
    empty = prediction(
        group_size=None, draws=None, scale=None, margin=None, ceiling=None, standard_error=None,
        smallest=(None, None), seen=(None, None), power=(), at_margin=None, equivalent=None,
        notes=("no interval",),
    )  # fmt: skip
    only = result(predictions=(empty,), curves=(), refused=(), table=pl.DataFrame(schema=TABLE_SCHEMA))
    assert "n/a" not in printed(only) and "REFUSED" not in printed(only)
    assert "- head-specificity: no interval" in rendered(only)


def test_the_report_names_refusals_and_every_stage():
    text = rendered(result())
    assert "[!CAUTION]" in text and "only 85% lie inside" in text
    assert text.count("| ablation, ") == 2
    assert r"\*it\*" in text
    assert "clustering 8.1" in text


def test_everything_is_written_and_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "one" / "power"
    write_power(result(folder))
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {"power.md", "power.json", "power.parquet", "power.svg", "power.png"}
    (folder / "stray").touch()
    write_power(result(folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert [path.name for path in folder.parent.iterdir()] == ["power"]


def test_a_failed_write_leaves_the_older_folder(tmp_path):
    folder = tmp_path / "power"
    with replace_folder(folder) as aside:
        (aside / "old").touch()
    with pytest.raises(OutputError, match="No space left"), replace_folder(folder) as aside:
        (aside / "new").touch()
        raise OSError(28, "No space left on device")
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["power"]


def test_a_curve_without_a_margin_is_drawn(tmp_path):
    save_power(result(predictions=(prediction(margin=None),)), tmp_path)
    assert (tmp_path / "power.png").stat().st_size > 5000


def test_a_notebook_shows_it_with_names_escaped():
    importlib.import_module("hypotest.studies.power.study")  # says how it is shown

    shown = result(title="<script>alert(1)</script>")._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown


def test_the_figure_names_what_has_no_curve_and_says_the_plan_once():
    bare = prediction(id="spectrum", scale=None, seen=(None, None), margin=None)
    power = result(predictions=(prediction(), bare))
    with house_style():
        figure = draw_power(power)
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "head-specificity"
    assert figure.get_supxlabel() == "No curve, as nothing can be foreseen: spectrum."
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["planned: 41 neurons", "82 neurons", "seen four times in five", "margin of equivalence"]
    assert power_in_words(power) == (
        "Effects seen four times in five. head-specificity: 0.11, margin 0.068; spectrum: none."
    )
