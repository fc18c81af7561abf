from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hypotest.estimators import elbow
from hypotest.records.protocol.wording import OF_TEXT
from hypotest.records.results.prediction_result import OwnIntervals, PredictionResult, SecondaryNumber
from hypotest.records.results.results import Results
from hypotest.report.export import read_nulls, read_results
from hypotest.report.figures.curves import (
    ELBOW_WINDOW,
    collapsed,
    draw_frequencies,
    draw_regimes,
    draw_spectrum,
    elbow_window,
)
from hypotest.report.figures.effects import draw_effects, effects_in_words
from hypotest.report.figures.estimate import draw_estimate
from hypotest.report.figures.figures import draw_figures
from hypotest.report.figures.group import draw_group
from hypotest.report.figures.heads import draw_attention, draw_head_impacts, draw_routing
from hypotest.report.figures.nulls import draw_ladder, draws_of, modes_of, modes_text
from hypotest.report.figures.style import (
    COLUMN,
    house_style,
    new_figure,
    plain_number,
    save,
    text_width,
    wrapped,
)
from hypotest.report.numbers import p_text, prediction_text
from hypotest.report.picture import panel_id
from tests.example import EXAMPLE

SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml"}


def prediction(results: Results, id: str) -> PredictionResult:
    return next(item for item in results.predictions if item.id == id)


@pytest.mark.slow
def test_every_figure_is_there_in_both_formats(drawn_run: Path) -> None:
    paths = sorted((drawn_run / "figures").iterdir())
    stems = {path.stem for path in paths}
    assert {
        "effects",
        "frequencies",
        "ladder",
        "02-regimes-curves",
        "03-coordination-eigenvalues",
        "05-attention-heads",
        "06-routing-heads",
        "08-head-specificity-heads",
    } <= stems
    assert {stem[:2] for stem in stems if stem[0].isdigit()} == {f"0{n}" for n in range(1, 10)}
    assert {path.name for path in paths} == {stem + end for stem in stems for end in SIGNATURES}
    for path in paths:
        assert path.read_bytes().startswith(SIGNATURES[path.suffix])


@pytest.mark.slow
def test_svg_carries_no_date_no_fonts_and_is_xml(drawn_run: Path) -> None:
    for path in (drawn_run / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert "dc:date" not in text and "<text" not in text
        assert not re.search(r"20\d\d-\d\d-\d\d", text)
        assert ElementTree.fromstring(text).tag.endswith("svg")


@pytest.mark.slow
def test_the_user_s_style_changes_nothing(
    results: Results, nulls: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = dataclasses.replace(results, predictions=())
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.size": 20.0}):
        pictures = draw_figures(first, nulls, tmp_path)
        assert matplotlib.rcParams["lines.linewidth"] == 9.0
    again = tmp_path / "again"
    again.mkdir()
    monkeypatch.chdir(tmp_path)  # a folder relative to another one than the first call's
    assert draw_figures(first, nulls, Path(again.name)) == pictures
    names = [path.name for path in again.iterdir()]
    assert "frequencies.png" in names and "heads.svg" in names
    for name in names:
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_ladder_has_a_panel_per_null(results: Results, nulls: pl.DataFrame) -> None:
    item = prediction(results, "coordination")
    with house_style():
        figure = draw_ladder(item, draws_of(item, nulls))
    ladder = item.ladder
    drawn = [axes for axes in figure.axes if axes.axison]
    titles = [re.sub(r"(?<!_)\n", " ", axes.get_title(loc="left")).replace("\n", "") for axes in drawn]
    assert titles == [f"{ladder[0].id}, decides", *(rung.id for rung in ladder[1:])]
    assert [axes.get_gid() for axes in drawn] == [panel_id(rung.id) for rung in ladder]
    assert [axes.spines["top"].get_visible() for axes in drawn] == [True] + [False] * (len(ladder) - 1)
    for axes, rung in zip(drawn, ladder, strict=True):
        said = axes.texts[0].get_text()
        if rung.n_draws < 10:  # each of so few draws has its own mark, and there is no p to read
            marks = next(line for line in axes.lines if line.get_marker() == "D")
            assert len(marks.get_xdata()) == rung.n_draws
            assert "p =" not in said
            continue
        assert f"p = {p_text(rung.p_value)}\n{rung.n_draws:,} draws" in said
        bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert sum(bar.get_height() for bar in bars) == rung.n_draws  # no draw is left out
        assert np.unique(axes.lines[0].get_xdata()).tolist() == [rung.observed]
        low, high = axes.get_xlim()
        assert low < rung.observed < high


def test_a_panel_says_that_its_comparison_allows_no_conclusion(results: Results, nulls: pl.DataFrame) -> None:
    item = prediction(results, "coordination")
    first, second, *others = item.ladder
    blocked = dataclasses.replace(second, blocked="matching leaves it apart")
    item = dataclasses.replace(item, ladder=(first, blocked, *others))
    with house_style():
        drawn = draw_ladder(item, draws_of(item, nulls)).axes
    said = [axes.texts[0].get_text().split("\n")[0] for axes in drawn[:3]]
    assert said[1] == f"no conclusion (p {p_text(second.p_value)})"
    assert said[0].startswith("p ") and said[2].startswith("p ")


def test_the_observed_value_is_written_once_as_everywhere_else(results: Results, nulls: pl.DataFrame) -> None:
    """Beside the draws it ran over the axis, and the decimals were those of each null."""
    item = prediction(results, "coordination")
    with house_style():
        figure = draw_ladder(item, draws_of(item, nulls))
    (legend,) = figure.legends
    assert legend.get_texts()[0].get_text() == f"observed {prediction_text(item).observed}"
    assert not [text for axes in figure.axes for text in axes.texts if "observed" in text.get_text()]
    other = dataclasses.replace(item.ladder[1], observed=item.ladder[1].observed + 1)
    mixed = dataclasses.replace(item, ladder=(item.ladder[0], other, *item.ladder[2:]))
    with house_style():
        figure = draw_ladder(mixed, draws_of(mixed, nulls))
    (legend,) = figure.legends
    assert legend.get_texts()[0].get_text() == "observed"
    assert all("observed " in axes.texts[0].get_text() for axes in figure.axes if axes.axison)


def test_panels_name_their_axis_once_or_each_its_own(results: Results, nulls: pl.DataFrame) -> None:
    item = prediction(results, "coordination")
    difference = dataclasses.replace(item.ladder[1], statistic="T(rare) - T(common)")
    mixed = dataclasses.replace(item, ladder=(item.ladder[0], difference))
    with house_style():
        same = draw_ladder(item, draws_of(item, nulls))
        first, second = draw_ladder(mixed, draws_of(mixed, nulls)).axes
    assert same.get_supxlabel().endswith("(dimensions)")
    assert not any(axes.get_xlabel() for axes in same.axes)
    assert first.get_xlabel().endswith("(dimensions)") and second.get_xlabel().endswith("rare − common")


@pytest.mark.parametrize(
    ("id", "null", "modes"),
    [
        ("head-specificity", "covariate_matched", 3),
        ("head-specificity", "local_matched", 2),
        ("head-specificity", "size_matched", 1),
        ("regimes-common", "label_shuffled (type)", 3),
        ("clustering", "local_matched", 1),
    ],
)
def test_modes_are_those_that_a_reader_sees(id: str, null: str, modes: int) -> None:
    item = prediction(read_results(EXAMPLE / "results.json"), id)
    assert modes_of(draws_of(item, read_nulls(EXAMPLE))[null]) == modes


@pytest.mark.parametrize("n", [199, 1999])
def test_chance_makes_no_modes(n: int) -> None:
    rng = np.random.default_rng(5)
    samples = [*rng.normal(size=(100, n)), *rng.exponential(size=(100, n))]
    assert sum(modes_of(sample) > 1 for sample in samples) <= 2
    assert modes_of(np.r_[rng.normal(size=n), rng.normal(6, 1, size=n), rng.normal(12, 1, size=n)]) == 3
    assert modes_text(np.repeat(np.arange(4.0), n)) == "many modes"


def test_a_null_that_does_not_vary_is_drawn(results: Results, tmp_path: Path) -> None:
    item = prediction(results, "spectrum")
    constant = pl.DataFrame(
        {
            "prediction": [item.id] * 4,
            "null": [item.ladder[0].key] * 4,
            "draw": range(4),
            "value": [item.ladder[0].observed] * 4,
        }
    )
    with house_style():
        figure = draw_ladder(item, draws_of(item, constant))
        save(figure, tmp_path, "constant")
    assert (tmp_path / "constant.png").stat().st_size > 1000


def test_without_draws_there_is_no_ladder(results: Results, nulls: pl.DataFrame) -> None:
    assert not draws_of(prediction(results, "single-head"), nulls)
    assert not draws_of(prediction(results, "spectrum"), nulls.clear())


def test_the_forest_names_every_prediction(results: Results) -> None:
    with house_style():
        scaled, raw = draw_effects(results).axes
    names = [[label.get_text() for label in axes.get_yticklabels()] for axes in (scaled, raw)]
    assert names[1] == ["single-head", "routing"]  # compared with a number, which has no SD
    assert sorted(names[0] + names[1]) == sorted(item.id for item in results.predictions)
    assert scaled.get_xscale() == raw.get_xscale() == "linear"
    low, high = scaled.get_xlim()
    said = " ".join(text.get_text() for text in scaled.texts)
    for item in results.predictions:
        if item.standardized is not None and not low < item.standardized < high:
            assert f"{item.standardized:.3g} ".replace("-", "−") in said  # at the axis' end, by its number
    missing = [item.id for item in results.predictions if item.effect is not None and item.interval is None]
    assert said.count("no interval") == len(missing) > 0


def test_what_lies_beyond_the_axis_has_its_interval_in_numbers(results: Results) -> None:
    item = prediction(results, "specialization")
    interval = item.interval
    assert interval is not None and item.reference_sd is not None
    far = dataclasses.replace(
        item, effect=22.3 * item.reference_sd, standardized=22.3,
        interval=dataclasses.replace(interval, low=20.7 * item.reference_sd, high=23.9 * item.reference_sd),
    )  # fmt: skip
    said = []
    for one in (far, dataclasses.replace(far, interval=None)):
        with house_style():
            axes = draw_effects(dataclasses.replace(results, predictions=(one,))).axes[0]
        said.append(axes.texts[0].get_text())
    assert said == ["22.3 [20.7, 23.9] SDs", "22.3 SDs"]


def test_the_words_of_the_forest_hold_every_outcome(results: Results) -> None:
    words = effects_in_words(results)
    assert all(f"{item.id}: {item.outcome}" in words for item in results.predictions)
    assert "specialization: greater, 8.16 SDs" in words and "single-head: less, -0.318" in words


def test_the_cumulated_curve_is_of_groups_and_not_of_medians(results: Results) -> None:
    spectrum = results.figures.spectrum
    with house_style():
        _, summed = draw_spectrum(spectrum, 0.95).axes
    median = next(line for line in summed.lines if line.get_label() == "their median")
    assert tuple(median.get_ydata()) == spectrum.cumulated_median


def test_the_group_is_marked_by_whether_it_is_shared(results: Results) -> None:
    members = [dataclasses.replace(item, in_both=place < 3) for place, item in enumerate(results.members)]
    with house_style():
        (axes,) = draw_group(results.figures.influence, members, ("rare", "common"), OF_TEXT).axes
    marks = {str(line.get_label()): len(line.get_xdata()) for line in axes.lines}
    assert marks["group, for rare alone (38)"] == 38 and marks["group, also for common (3)"] == 3


def test_an_estimate_without_interval_or_margin(results: Results) -> None:
    bare = dataclasses.replace(prediction(results, "single-head"), interval=None, interval_95=None)
    with house_style():
        assert isinstance(draw_estimate(bare, 0.7, 0.5), Figure)


def test_names_are_not_typeset(results: Results, tmp_path: Path) -> None:
    fit = dataclasses.replace(results.figures.regimes[0], condition="$\\frac{$")
    with house_style():
        figure = draw_regimes((fit,))
        save(figure, tmp_path, "odd")
    assert figure.axes[0].get_title(loc="left").startswith("$\\frac{$")


def test_a_curve_without_elbow(results: Results) -> None:
    curve = dataclasses.replace(results.figures.frequencies, elbow_rank=None, n_dropped_types=0)
    with house_style():
        figure = draw_frequencies(curve)
    assert len(figure.axes[0].lines) == 1  # the curve alone, no cut


def test_the_range_that_the_elbow_s_slope_is_taken_over_is_marked(results: Results) -> None:
    """The elbow is where the slope over that range bends, which is before the curve does."""
    assert getattr(elbow, "_WINDOW_DECADES") == ELBOW_WINDOW  # noqa: B009  # private there
    curve = results.figures.frequencies
    with house_style():
        _, tail = draw_frequencies(curve).axes
    (bracket,) = (line for line in tail.lines if line.get_gid() == "elbow-window")
    low, high = bracket.get_xdata()
    assert (low, high) == elbow_window(curve) and low < curve.elbow_rank < high
    assert np.log10(high / low) == pytest.approx(0.15)
    last = 10 ** curve.log10_rank[-1]  # at the end the range is as wide
    at_end = elbow_window(dataclasses.replace(curve, elbow_rank=int(last)))
    assert at_end == pytest.approx((last * 10**-0.15, last))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1000.0, "1,000"), (0.01, "0.01"), (1e-6, "10⁻⁶"), (1e8, "10⁸")],
)
def test_ticks_are_plain_numbers(value: float, text: str) -> None:
    assert plain_number(value) == text


@pytest.mark.parametrize(
    ("inches", "lines", "text"),
    [
        (9.0, 2, "no-plateau of_common tokens"),
        (1.3, 2, "no-plateau of_common\ntokens"),
        (0.95, 2, "no-plateau of_\ncommon tokens"),
        (0.95, 1, "no-plateau of_…"),
        (0.6, 2, "no-\nplateau…"),
        (0.01, 2, "n\no…"),
    ],
)
def test_a_text_is_broken_where_a_reader_would_break_it(inches: float, lines: int, text: str) -> None:
    made = wrapped("no-plateau of_common tokens", inches, 8.0, lines)
    assert made == text
    assert all(text_width(line, 8.0) <= max(inches, 0.2) for line in made.split("\n"))


def test_a_line_is_as_wide_as_matplotlib_draws_it() -> None:
    with house_style():
        figure, (axes,) = new_figure(2.0, width=COLUMN)
        text = axes.text(0, 0, "no-plateau of common tokens", fontsize=8.0)
        drawn = text.get_window_extent().width / figure.dpi
    assert text_width("no-plateau of common tokens", 8.0) == pytest.approx(drawn, rel=0.02)


def test_members_that_do_nothing_in_the_other_condition_stand_on_the_edge(results: Results) -> None:
    """A perfect module has no influence on the other condition at all, and a logarithmic axis has no 0."""
    members = [dataclasses.replace(item, influence=(item.influence[0], 0.0)) for item in results.members]
    alone = dataclasses.replace(results.figures.influence, first=(), second=())
    with house_style():
        (axes,) = draw_group(alone, members, ("rare", "common"), OF_TEXT).axes
    low, high = axes.get_ylim()
    marked = [
        value
        for line in axes.lines
        if str(line.get_label()).startswith("group")
        for value in line.get_ydata()
    ]
    assert marked == [low] * len(members) and high > low > 0


def test_a_group_without_any_influence_has_axes(results: Results) -> None:
    members = [dataclasses.replace(item, influence=(0.0, 0.0)) for item in results.members]
    alone = dataclasses.replace(results.figures.influence, first=(0.0,), second=(0.0,))
    with house_style():
        (axes,) = draw_group(alone, members, ("rare", "common"), OF_TEXT).axes
    assert 0 < axes.get_xlim()[0] < axes.get_xlim()[1]


def intervals_of(figure: Figure) -> list[tuple[float, float]]:
    """Rows of interval marks, and where they begin."""
    return [
        (float(line.get_xdata()[0]), float(line.get_xdata()[1]))
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "|" and len(line.get_xdata()) == 2
    ]


def test_heads_have_the_intervals_that_the_results_have(results: Results) -> None:
    """Of the means over heads, and of the top head; a single other head has none."""
    heads, names = results.figures.heads, results.corpus.conditions
    attention, top = (prediction(results, id) for id in ("attention", "head-specificity"))
    attention = dataclasses.replace(attention, own_intervals=OwnIntervals((0.2, 0.4), (0.1, 0.3)))
    layer, head = heads[3].layer, heads[3].head
    said = {"top_head_layer": SecondaryNumber(layer), "top_head": SecondaryNumber(head)}
    top = dataclasses.replace(top, secondary=said, own_intervals=OwnIntervals((0.05, 0.09)))
    mean = SecondaryNumber(0.8, (0.7, 0.9))
    with house_style():
        assert intervals_of(draw_attention(heads, names, attention)) == [(0.1, 0.3), (0.2, 0.4)]
        assert intervals_of(draw_routing(heads, names, mean)) == [(0.7, 0.9)]
        figure = draw_head_impacts(heads, results.figures.layer_impacts, top)
        assert intervals_of(figure) == [(0.05, 0.09)]
        for bare in (draw_attention(heads, names), draw_routing(heads, names), draw_head_impacts(heads, {})):
            assert intervals_of(bare) == []
    (line,) = (line for line in figure.axes[0].lines if line.get_marker() == "|")
    row = int(line.get_ydata()[0])
    assert figure.axes[0].get_yticklabels()[row].get_text() == f"L{layer}H{head}"
    names_of_rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    by_impact = sorted(heads, key=lambda head: head.impact)
    assert names_of_rows == [f"L{item.layer}H{item.head}" for item in by_impact]


def test_eigenvalues_that_are_nothing_but_rounding_are_named_and_not_drawn_as_if_they_were(
    results: Results,
) -> None:
    """Two neurons that repeat others: their eigenvalues are 1e-17, and would stretch the axis to there."""
    spectrum = results.figures.spectrum
    n = len(spectrum.observed)
    rng = np.random.default_rng(7)
    activations = rng.normal(size=(500, n))
    activations[:, 3], activations[:, 4] = activations[:, 0], 2 * activations[:, 1]
    values = np.linalg.eigvalsh(np.corrcoef(activations, rowvar=False))[::-1]
    doubled = dataclasses.replace(spectrum, observed=tuple(np.abs(values / values.sum()).tolist()))
    assert (collapsed(spectrum), collapsed(doubled)) == (0, 2)
    with house_style():
        single = draw_spectrum(doubled, 0.95).axes[0]
        clean = draw_spectrum(spectrum, 0.95).axes[0]
    assert f"2 of {n} eigenvalues are 0 up to rounding" in single.texts[0].get_text() and not clean.texts
    (group,) = (line for line in single.lines if line.get_label() == "group")
    assert len(group.get_ydata()) == n - 2 and single.get_ylim()[0] > 1e-6
