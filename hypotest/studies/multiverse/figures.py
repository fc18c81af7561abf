"""Specification curves: the effect under every specification, and which choices each one makes.

References:
    Simonsohn, Simmons & Nelson (2020), doi:10.1038/s41562-020-0912-z.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hypotest.measures.registry import words_of
from hypotest.records.protocol.conditions import UNNAMED
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.report.figures.effects import OUTCOME_MARKS
from hypotest.report.figures.style import INK, MARGIN, WIDTH, NotebookFigure
from hypotest.studies.multiverse.record import SpecificationResult, Value
from hypotest.studies.multiverse.words import choice_name, value_text

_CURVE = 2.3
_ROW = 0.155
"""Inches."""
_BAND = "#F2F2F2"


def draw_specification_curve(tests: Sequence[SpecificationResult]) -> Figure:
    """Draw the specifications of one prediction, sorted by effect.

    Above, each effect with its interval and margin, in SDs of the null where there is one (else in the
    measure's unit), its outcome by marker and colour; undefined ones have none. Below, a dot for each
    choice that the specification makes. A dashed line through both marks the declared one.
    """
    in_sds = all(item.result.null_sd is not None for item in tests if item.result.effect is not None)
    scales = [item.result.null_sd or 1.0 if in_sds else 1.0 for item in tests]
    order = sorted(range(len(tests)), key=lambda place: _effect(tests[place].result, scales[place]))
    results = [tests[place].result for place in order]
    scaled = [scales[place] for place in order]
    declared = next(column for column, place in enumerate(order) if tests[place].specification.is_declared)
    rows = choice_rows(tests, order)
    figure = NotebookFigure(figsize=(WIDTH, _CURVE + _ROW * (len(rows) + 1.6)))
    FigureCanvasAgg(figure)
    figure.set_layout_engine("constrained", w_pad=0.12)  # else the widest label of the choices is cut
    top, bottom = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [_CURVE, _ROW * (len(rows) + 0.6)]}
    )
    _draw_effects(top, results, scaled)
    _draw_choices(bottom, rows, results)
    for axes in (top, bottom):
        axes.axvline(declared, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    top.set_ylabel("effect (SDs of the null)" if in_sds else "effect (unit of the measure)")
    top.set_title(words_of(results[0].measure, results[0].title, UNNAMED).label.split(" (")[0])
    top.set_xlim(-0.8, len(results) - 0.2)
    top.legend(
        handles=_legend(results), loc="lower right", bbox_to_anchor=(1.0, 1.08), ncols=6, columnspacing=1.2,
        handletextpad=0.4, borderaxespad=0.0,
    )  # fmt: skip
    return figure


def _effect(result: PredictionResult, scale: float) -> float:
    """Undefined ones stand at the right end, where only their choices are drawn."""
    return inf if result.effect is None else result.effect / scale


def choice_rows(
    tests: Sequence[SpecificationResult], order: Sequence[int]
) -> list[tuple[str, Value, list[int]]]:
    """Each value of each choice that varies, and the columns in which it was made.

    Args:
        tests: Of one prediction, the declared one first.
        order: Place of the test in each column.

    Returns:
        Rows from top to bottom. Numbers of a choice stand upwards, words as in the protocol.
    """
    rows = []
    for name in tests[0].specification.choices:
        made = [item.specification.choices[name] for item in tests]
        values = list(dict.fromkeys(value for value in made if value is not None))
        if len(values) < 2 and None not in made:
            continue
        values.sort(key=lambda value: (isinstance(value, str), 0 if isinstance(value, str) else value))
        for value in values:
            rows.append((name, value, [column for column, place in enumerate(order) if made[place] == value]))
    return rows


def _draw_effects(axes: Axes, results: Sequence[PredictionResult], scales: Sequence[float]) -> None:
    size = 6.0 if len(results) <= 40 else 4.5 if len(results) <= 120 else 3.2
    for column, (result, scale) in enumerate(zip(results, scales, strict=True)):
        marker, colour = OUTCOME_MARKS[result.outcome]
        if result.margin is not None:
            low, high = (bound / scale for bound in result.margin)
            axes.fill_betweenx([low, high], column - 0.5, column + 0.5, color=MARGIN, alpha=0.14, linewidth=0)
        if result.interval is not None:
            bounds = [result.interval.low / scale, result.interval.high / scale]
            axes.plot([column, column], bounds, color=colour, linewidth=size / 4, solid_capstyle="butt")
        if result.effect is not None:
            axes.plot(
                [column], [result.effect / scale], marker, color=colour, markersize=size,
                markeredgecolor="white", markeredgewidth=0.4, zorder=3,
            )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.spines["bottom"].set_visible(False)


def _draw_choices(
    axes: Axes, rows: Sequence[tuple[str, Value, list[int]]], results: Sequence[PredictionResult]
) -> None:
    size = 12.0 if len(results) <= 40 else 7.0 if len(results) <= 120 else 3.5
    names = list(dict.fromkeys(name for name, _, _ in rows))
    for row, (name, _, columns) in enumerate(rows):
        if names.index(name) % 2 == 0:
            axes.axhspan(row - 0.5, row + 0.5, color=_BAND, linewidth=0, zorder=0)
        colours = [OUTCOME_MARKS[results[column].outcome][1] for column in columns]
        axes.scatter(
            columns, np.full(len(columns), row), s=size, c=colours, marker="o", linewidths=0, zorder=3
        )
    first = {name: min(row for row, item in enumerate(rows) if item[0] == name) for name in names}
    labels = [
        f"{choice_name(name)}   {value_text(name, value)}" if first[name] == row else value_text(name, value)
        for row, (name, value, _) in enumerate(rows)
    ]
    axes.set_yticks(range(len(rows)), labels)
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(f"{len(results)} specifications, by effect")


def _legend(results: Sequence[PredictionResult]) -> list[Line2D | Patch]:
    shown = [name for name in OUTCOME_MARKS if any(item.outcome == name for item in results)]
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker=OUTCOME_MARKS[name][0], color=OUTCOME_MARKS[name][1], linestyle="", label=name)
        for name in shown
    ]
    if any(item.margin is not None for item in results):
        handles.append(Patch(color=MARGIN, alpha=0.2, linewidth=0, label="margin"))
    handles.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), label="declared"))
    return handles
