"""What `hypotest compare` shows: legible at 80 columns, safe, and with every reason."""

import dataclasses
import importlib
import io

import pytest
from rich.console import Console

from hypotest.pages.console import shown
from hypotest.pages.markdown import PAGE
from hypotest.report.figures.style import house_style, save
from hypotest.report.picture import Picture
from hypotest.studies.compare.figure import draw_forest, forest_in_words
from hypotest.studies.compare.page import comparison_page, write_comparison
from hypotest.studies.compare.record import Comparison
from hypotest.studies.compare.study import compare
from hypotest.studies.compare.summary import comparison_summary
from hypotest.studies.compare.words import (
    count_line,
    pooled_line,
    reason_lines,
    replicability_lines,
    unpooled_lines,
    untested_lines,
)
from tests.example import EXAMPLE
from tests.runs import other_model
from tests.texts import ROOT

PAPER = ROOT / "protocols" / "papers" / "arxiv-2509.21163.yaml"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    folder = tmp_path_factory.mktemp("runs")
    runs = [other_model(folder / str(n), f"owner/model-{n}", n - 1.0) for n in range(3)]
    return compare([*runs, EXAMPLE], claims=PAPER, out=folder / "out")


def printed(comparison, width=80):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(shown(comparison_summary(comparison)))
    return console.file.getvalue()


def test_the_console_fits_80_columns(comparison):
    text = printed(comparison)
    lines = text.splitlines()
    assert max(len(line) for line in lines if not line.startswith("Report")) <= 80
    assert "A: owner/model-0, layer 3 (rare-tokens-as-published)" in text
    assert "modular: refuted; distributed: undecided" in text
    assert "attention-correlation" in text and "0.89 ± 0.07" in text
    assert "all" in text and "not pooled" in text
    (pooled,) = [line for line in lines if line.lstrip().startswith("all ") and "-0.0063" in line]
    assert pooled.rstrip().endswith("equivalent")


def test_markdown_holds_every_claim_and_every_effect(comparison):
    text = PAGE.render(comparison_page(comparison))
    for run in comparison.runs:
        (part,) = [one for one in text.split("\n### ") if one.startswith(f"{run.label}: ")]
        rows = [line for line in part.splitlines() if line.startswith("| ")][2:]
        checks = [check for check in comparison.checks if check.run == run.label]
        assert [row.split(" | ")[0] for row in rows] == [f"| {check.claim}" for check in checks]
        assert all(check.agreement in row for check, row in zip(checks, rows, strict=True))
    assert text.count("**pooled**") == sum(item.pooled is not None for item in comparison.predictions)
    for line in (*unpooled_lines(comparison)[:1], count_line(comparison.checks)):
        assert line.split(":")[0].split(",")[0] in text
    assert "NaN" not in text and "None" not in text


def test_reasons_are_said_once(comparison):
    lines = reason_lines(comparison.checks)
    assert len(lines) == len({line.split(": ", 1)[1] for line in lines})
    assert any("q-random" in line and "no interval of its own" in line for line in lines)
    assert any("coordination (D)" in line and ": not measured, " in line for line in lines)
    several = [line for line in unpooled_lines(comparison) if "only D asks with contrast" in line]
    assert [line.partition(":")[0] for line in several] == ["specialization", "clustering and spectrum"]
    for line, null in zip(several, ("label_shuffled", "local_matched"), strict=True):
        assert line.endswith(f"contrast {{null: {null}}}")
    (other,) = [line for line in unpooled_lines(comparison) if line.startswith("coordination:")]
    assert (
        "only D asks with options {variance: 0.95, scale: correlation}, contrast {null: local_match" in other
    )


def test_the_spread_between_models_is_in_words(comparison):
    item = next(one for one in comparison.predictions if one.id == "attention")
    line = pooled_line(item)
    assert (
        "I²" in line and "95 % prediction interval" in line and "equivalence within [-0.0500, 0.0500]" in line
    )
    assert "errors over documents counted as shared" in line
    narrow = dataclasses.replace(item, margins_agree=False)
    assert "the narrowest of margins that differ" in pooled_line(narrow)
    two = dataclasses.replace(item, pooled=dataclasses.replace(item.pooled, prediction=None))
    assert "prediction interval" not in pooled_line(two)


@pytest.mark.slow
def test_names_from_outside_do_no_harm(comparison, tmp_path):
    evil = "<b>|x|\x1b[31m"
    runs = tuple(dataclasses.replace(run, model=evil, folder=evil) for run in comparison.runs)
    checks = tuple(dataclasses.replace(check, says=evil, where=evil) for check in comparison.checks)
    changed = dataclasses.replace(
        comparison, runs=runs, checks=checks, claims_title=evil, warnings=(evil,), folder=tmp_path / "c"
    )
    assert "\x1b" not in printed(changed)
    text = PAGE.render(comparison_page(changed))
    assert "\x1b" not in text and "<b>" not in text.replace("\\<b", "")
    write_comparison(changed)
    assert (tmp_path / "c" / "figures" / "05-attention.svg").exists() or list(
        (tmp_path / "c" / "figures").iterdir()
    )


def test_forest_plots_are_the_same_bytes_again(comparison, tmp_path):
    item = next(one for one in comparison.predictions if one.id == "coordination" and one.pooled)
    names = {run.label: run.model for run in comparison.runs}
    with house_style():
        for name in ("one", "two"):
            save(draw_forest(item, names), tmp_path, name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_forest_plots_show_every_run_the_pooled_effect_and_the_margin(comparison):
    item = next(one for one in comparison.predictions if one.id == "attention")
    with house_style():
        figure = draw_forest(item, {run.label: run.model for run in comparison.runs})
        (axes,) = figure.axes
        labels = [label.get_text() for label in axes.get_yticklabels()]
        low, high = axes.get_xlim()
    assert labels == ["pooled", "D: reference", "C: owner/model-2", "B: owner/model-1", "A: owner/model-0"]
    assert low <= item.pooled.prediction[0] and item.pooled.prediction[1] <= high
    assert low <= item.margin[0] and item.margin[1] <= high
    texts = [text.get_text() for text in axes.texts]
    assert sum("weight" in text for text in texts) == sum(effect.weight is not None for effect in item.runs)


def test_forest_plots_without_a_pooled_effect(comparison):
    item = next(one for one in comparison.predictions if one.id == "attention")
    effects = tuple(dataclasses.replace(one, weight=None, interval=None) for one in item.runs[:2])
    bare = dataclasses.replace(item, runs=effects, pooled=None, outcome=None, margin=None)
    with house_style():
        figure = draw_forest(bare, {run.label: run.model for run in comparison.runs})
    said = [text.get_text().split("\n")[1:] for text in figure.axes[0].texts]
    assert said == [["no interval", "equivalent, not pooled"]] * 2


def test_a_forest_plot_in_words_holds_every_number_of_it(comparison):
    item = next(one for one in comparison.predictions if one.id == "attention")
    words = forest_in_words(item, {run.label: run.model for run in comparison.runs})
    assert words.startswith("attention, Gini coefficient, rare - common. A, owner/model-0: −0.0082 [")
    assert words.count("equivalent") == len(item.runs) + 1 and "pooled: −0.0063 [" in words
    text = PAGE.render(comparison_page(comparison, [Picture("06-attention", "1", "A caption.", words)]))
    assert f"![{words}]".replace("[−", "\\[−").replace("],", "\\],") in text


@pytest.mark.slow
def test_wide_pooled_intervals_are_cut_so_that_the_runs_can_be_seen(tmp_path):
    """Two models give an interval of t(1): without a cut it would squeeze their squares to points."""
    runs = [other_model(tmp_path / str(n), f"owner/{n}", 20.0 * n, text=str(n)) for n in range(2)]
    comparison = compare(runs, out=tmp_path / "out")
    item = next(one for one in comparison.predictions if one.id == "clustering")
    with house_style():
        figure = draw_forest(item, {run.label: run.model for run in comparison.runs})
    low, high = figure.axes[0].get_xlim()
    interval = item.pooled.interval_95
    spread = max(one.interval[1] for one in item.runs) - min(one.interval[0] for one in item.runs)
    assert interval.low < low or interval.high > high
    assert high - low < 8 * spread
    cut = [line for line in figure.axes[0].lines if line.get_markersize() == 4]
    assert len(cut) == int(interval.low < low) + int(interval.high > high)


def test_claims_about_other_models_are_counted_apart(comparison):
    checks = comparison.checks[:5]
    own = [dataclasses.replace(item, same_model=True, agreement="agrees") for item in checks[:2]]
    others = [dataclasses.replace(item, same_model=False, agreement="shown") for item in checks[2:]]
    assert count_line([*own, *others]) == (
        "5 claims held against run A. On the model and layer that they are about: agrees 2. On another model "
        "or layer (*): shown 3."
    )
    assert "On another" not in count_line(own)


def test_a_notebook_shows_it_with_names_escaped(comparison):
    importlib.import_module("hypotest.studies.compare.study")  # says how it is shown

    (first, *others) = comparison.runs
    runs = (dataclasses.replace(first, label="<b>bold</b>"), *others)
    shown = dataclasses.replace(comparison, runs=runs)._repr_html_()
    assert "<b>" not in shown and "&lt;b&gt;" in shown


def test_in_how_many_models_an_outcome_holds_is_on_the_page_and_on_the_console(comparison):
    lines = replicability_lines(comparison)
    assert any(
        line.startswith("attention: equivalent in at least ") and " models (p " in line for line in lines
    )
    page = PAGE.render(comparison_page(comparison))
    rows = [line for line in page.split("## Replicability")[1].splitlines() if line.startswith("| ")][2:]
    assert len(rows) == sum(len(item.replicability) for item in comparison.predictions) > 0
    shown = " ".join(printed(comparison).split())
    assert all(line.split(" (p")[0] in shown for line in lines)


def test_errors_of_fixed_groups_are_named_with_what_to_do(comparison):
    (line,) = [one for one in untested_lines(comparison) if "coordination" in one]
    assert "have errors of a fixed group only" in line and "intervals: {reselection: true}" in line
    assert "attention" not in line.split(":")[0]
    item = next(one for one in comparison.predictions if one.id == "coordination" and one.pooled)
    assert "(not tested)" in pooled_line(item) and "Differences are not tested: " in pooled_line(item)
    assert "| fixed group |" in PAGE.render(comparison_page(comparison))
    studies = dataclasses.replace(item, pooled_over="studies", not_replications="")
    assert pooled_line(studies).startswith("Between studies of this network: tau ")
