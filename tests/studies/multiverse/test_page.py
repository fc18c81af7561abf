"""Report, table and figures of a multiverse, from tests made by hand."""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from hypotest.errors import OutputError
from hypotest.pages.console import shown
from hypotest.pages.markdown import PAGE
from hypotest.records.stored.folders import replace_folder
from hypotest.registration import load_protocol
from hypotest.report.figures.effects import OUTCOME_MARKS
from hypotest.report.figures.style import FAINT, FIRST, MARGIN, house_style
from hypotest.studies.multiverse.figures import choice_rows, curve_in_words, draw_specification_curve
from hypotest.studies.multiverse.page import (
    multiverse_json,
    multiverse_page,
    multiverse_summary,
    write_multiverse,
)
from hypotest.studies.multiverse.record import (
    ChoiceFlips,
    MultiverseResult,
    Robustness,
    SharedVerdict,
    Specification,
    SpecificationResult,
)
from tests.report.conftest import synthetic_run


def _result(id, effect, outcome):
    results, _ = synthetic_run()
    item = next(item for item in results.predictions if item.id == id)
    observed = item.reference_value + effect
    interval = (
        dataclasses.replace(item.interval, low=effect - 0.1, high=effect + 0.1) if item.interval else None
    )
    return dataclasses.replace(item, observed=observed, effect=effect, outcome=outcome, interval=interval)


def _test(id, effect, outcome, declared=False, **choices):
    return SpecificationResult(Specification(id, choices, declared), _result(id, effect, outcome))


LARGER = '{"top_fraction": 0.05}'
CLUSTERING = [
    _test("clustering", 0.2, "greater", True, select="plateau", estimator="gaussian_copula", bins=None),
    _test("clustering", 0.1, "greater", select=LARGER, estimator="gaussian_copula", bins=None),
    _test("clustering", -0.1, "inconclusive", select="plateau", estimator="binned", bins=8),
    _test("clustering", 0.0, "equivalent", select=LARGER, estimator="binned", bins=8),
]


@pytest.fixture
def result(tmp_path: Path) -> MultiverseResult:
    return MultiverseResult(
        protocol=load_protocol("protocols/rare-tokens.yaml").model_dump(mode="json"),
        protocol_id="rare-tokens",
        title="A title with | and <b>",
        level=0.05,
        draws=999,
        n_definitions=2,
        n_evidence=1,
        choices={"select": ("plateau", LARGER), "estimator": ("gaussian_copula", "binned"), "bins": (8,)},
        tests=(*CLUSTERING, _test("attention", 0.01, "equivalent", True)),
        robustness=(
            Robustness(
                "clustering", 4, "greater", {"greater": 2, "inconclusive": 1, "equivalent": 1}, 2,
                (ChoiceFlips("select", 1, 0, 2, 1), ChoiceFlips("estimator", 1, 1, 2, 2)),
            ),
            Robustness("attention", 1, "equivalent", {"equivalent": 1}, 0, ()),
        ),
        verdicts=(
            SharedVerdict(
                {"select": "plateau"}, True, {"modular": "refuted", "distributed": "undecided"}
            ),
            SharedVerdict({"select": LARGER}, False, {"modular": "refuted", "distributed": "supported"}),
        ),
        folder=tmp_path / "rare-tokens" / "multiverse",
    )  # fmt: skip


def test_the_table_is_tidy(result):
    table = result.table
    assert table["select"].to_list() == ["plateau", LARGER, "plateau", LARGER, None]
    assert table["bins"].to_list() == [None, None, 8, 8, None]
    assert "variance" not in table.columns  # an option that nobody varied
    assert table["effect"].to_list() == [0.2, 0.1, -0.1, 0.0, 0.01]
    assert table["interval_low"].to_list()[:2] == pytest.approx([0.1, 0.0])
    assert table.filter("is_declared")["prediction"].to_list() == ["clustering", "attention"]


def test_the_report_says_what_flips_and_that_nothing_is_decided(result):
    text = PAGE.render(multiverse_page(result, ()))
    assert "describes robustness and never decides" in text
    assert "unadjusted level 0.05" in text
    # 2 of 3 alternatives flip; the estimator changes the outcome in both of its pairs
    assert (
        "| clustering | 4 | **greater** | 2 (67%) | 50% greater, 25% inconclusive, 25% equivalent | "
        "estimator (100%) |"
    ) in text
    assert "| attention | 1 | **equivalent** | - | 100% equivalent |  |" in text
    assert "| estimator | 1 of 1 flip | 2 of 2 differ (100%) |" in text
    assert "| distributed | **undecided** | 2 | 1 | 50% undecided, 50% supported |" in text
    assert "| modular | **refuted** | 2 | 0 | 100% refuted |" in text
    assert "| group top 5 % | refuted | supported |" in text
    assert "### attention" not in text  # nothing was varied
    assert text.startswith("# A title with | and \\<b\\> (multiverse)\n")


def test_full_draws_are_said(result):
    text = PAGE.render(multiverse_page(dataclasses.replace(result, draws=None), ()))
    assert "as many draws of each null as the protocol declares" in text


def test_the_summary_fits_eighty_columns(result):
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(shown(multiverse_summary(result)))
    text = console.export_text()
    assert "2 (67%)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_has_everything_and_no_nan(result):
    data = json.loads(multiverse_json(result), parse_constant=pytest.fail)
    assert [row["outcome"] for row in data["specifications"]] == [
        "greater", "greater", "inconclusive", "equivalent", "equivalent",
    ]  # fmt: skip
    assert data["robustness"][0]["by_choice"][1]["n_pair_flips"] == 2
    assert data["verdicts"][1]["statuses"]["distributed"] == "supported"


def test_rows_of_choices():
    # Numbers upwards before words; bins only where something is binned.
    assert choice_rows(CLUSTERING, [3, 2, 1, 0]) == [
        ("select", "plateau", [1, 3]),
        ("select", LARGER, [0, 2]),
        ("estimator", "gaussian_copula", [2, 3]),
        ("estimator", "binned", [0, 1]),
        ("bins", 8, [0, 1]),
    ]
    same = [item for item in CLUSTERING if item.specification.choices["select"] == LARGER]
    assert [name for name, _, _ in choice_rows(same, [0, 1])] == ["estimator", "estimator", "bins"]


def test_the_curve_is_sorted_and_scaled():
    with house_style():
        figure = draw_specification_curve(CLUSTERING)
    top, bottom = figure.axes
    sd = CLUSTERING[0].result.reference_sd
    points = [line for line in top.lines if line.get_marker() not in ("None", "", None)]
    assert [line.get_ydata()[0] for line in points] == pytest.approx([-0.1 / sd, 0.0, 0.1 / sd, 0.2 / sd])
    assert [line.get_color() for line in points] == [FAINT, MARGIN, FIRST, FIRST]
    (declared,) = (line for line in bottom.lines if line.get_linestyle() == "--")
    assert set(declared.get_xdata()) == {3}
    assert [label.get_text() for label in bottom.get_yticklabels()] == [
        "plateau", "top 5 %", "gaussian copula", "binned", "8",
    ]  # fmt: skip
    assert [text.get_text() for text in bottom.texts] == ["group", "estimator", "bins"]
    marks = {line.get_marker() for line in bottom.lines if len(line.get_xdata()) and line is not declared}
    assert marks == {OUTCOME_MARKS[item.result.outcome][0] for item in CLUSTERING}
    assert top.get_ylabel() == "effect (SDs of the null)"


def test_what_a_curve_lacks_is_said():
    """One specification without a value, one without an interval."""
    tests = list(CLUSTERING)
    tests[1] = dataclasses.replace(
        tests[1], result=dataclasses.replace(tests[1].result, effect=None, outcome="undefined", interval=None)
    )
    tests[2] = dataclasses.replace(tests[2], result=dataclasses.replace(tests[2].result, interval=None))
    with house_style():
        said = draw_specification_curve(tests).axes[1].get_xlabel().replace("\n", " ")
    assert said == ("4 specifications, by effect; 1 without a value, at the right end; 1 without an interval")
    assert curve_in_words(tests) == (
        f"{said}: 1 greater, 1 undefined, 1 inconclusive, 1 equivalent; the declared one: greater."
    )


def test_without_a_null_the_curve_is_in_the_measure_s_unit():
    tests = [
        _test("attention", 0.01, "equivalent", True, scale="correlation"),
        _test("attention", -0.02, "equivalent", scale="covariance"),
    ]
    with house_style():
        top = draw_specification_curve(tests).axes[0]
    assert top.get_ylabel() == "effect (unit of the measure)"


def test_writing_again_replaces_the_folder_whole(result):
    write_multiverse(result)
    figures = result.folder / "figures"
    assert sorted(path.name for path in figures.iterdir()) == ["01-clustering.png", "01-clustering.svg"]
    assert pl.read_parquet(result.folder / "multiverse.parquet").equals(result.table)
    before = {path: path.read_bytes() for path in result.folder.rglob("*") if path.is_file()}
    (figures / "old.png").write_bytes(b"old")
    write_multiverse(result)
    assert {path: path.read_bytes() for path in result.folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in result.folder.parent.iterdir()] == ["multiverse"]


def test_what_was_there_stays_when_writing_fails(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "a").write_text("old")
    with pytest.raises(OutputError, match="kept"), replace_folder(folder) as aside:
        (aside / "a").write_text("new")
        raise OSError(28, "No space left on device")
    assert (folder / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_notebook_shows_it_with_names_escaped(result):
    importlib.import_module("hypotest.studies.multiverse.study")  # says how it is shown

    shown = dataclasses.replace(result, title="<script>alert(1)</script>")._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown
