"""Specification curves: the effect under every specification, and which choices each one makes.

References:
    Simonsohn, Simmons & Nelson (2020), doi:10.1038/s41562-020-0912-z.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from hypotest.measures.registry import words_of
from hypotest.records.protocol.conditions import UNNAMED
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.report.figures.effects import OUTCOME_MARKS
from hypotest.report.figures.style import COLUMN, INK, MARGIN, SMALL, new_stack, widen_border, wrapped
from hypotest.report.numbers import count_text
from hypotest.studies.multiverse.record import SpecificationResult, Value
from hypotest.studies.multiverse.words import choice_name, value_text

_CURVE, _ROW, _AROUND = 2.0, 0.155, 0.4
"""Inches: the panel of effects, a row of the choices, and what stands above and below either."""
_NAMES = 1.2
"""Room for the values of a choice, in inches."""
_FEW, _MANY = 40, 120
"""Specifications up to which marks are large, and hollow; and from which they are small."""
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
    n_lines = len(rows) + len({name for name, _, _ in rows})
    figure, (top, bottom) = new_stack(COLUMN, [_CURVE, _ROW * (n_lines + 0.6)], _AROUND)
    widen_border(figure)
    _draw_effects(top, results, scaled)
    _draw_choices(bottom, rows, results)
    for axes in (top, bottom):
        axes.axvline(declared, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
        axes.set_xlim(-0.8, len(results) - 0.2)
    top.set_ylabel("effect (SDs of the null)" if in_sds else "effect (unit of the measure)")
    title = words_of(results[0].measure, results[0].title, UNNAMED).label.split(" (")[0]
    top.set_title(wrapped(title, 3.0, 9))
    bottom.set_xlabel(wrapped(_counted(results), 4.0, SMALL), fontsize=SMALL, x=1.0, ha="right")
    figure.legend(
        handles=_legend(results), loc="outside upper center", ncols=4, columnspacing=1.2, handletextpad=0.4
    )
    return figure


def curve_in_words(tests: Sequence[SpecificationResult]) -> str:
    """What the figure shows, for those who cannot see it."""
    outcomes = Counter(item.result.outcome for item in tests)
    (declared,) = (item.result for item in tests if item.specification.is_declared)
    said = ", ".join(f"{count_text(number)} {outcome}" for outcome, number in outcomes.most_common())
    return f"{_counted([item.result for item in tests])}: {said}; the declared one: {declared.outcome}."


def _counted(results: Sequence[PredictionResult]) -> str:
    """How many there are, and how many of them have less to show than the others."""
    undefined = sum(item.effect is None for item in results)
    bare = sum(item.effect is not None and item.interval is None for item in results)
    said = f"{count_text(len(results))} specifications, by effect"
    said += f"; {count_text(undefined)} without a value, at the right end" if undefined else ""
    return said + (f"; {count_text(bare)} without an interval" if bare else "")


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


def _size(n: int) -> float:
    """Of a mark, in points, where so many stand side by side."""
    return 5.0 if n <= _FEW else 3.5 if n <= _MANY else 2.4


def _draw_effects(axes: Axes, results: Sequence[PredictionResult], scales: Sequence[float]) -> None:
    size, few = _size(len(results)), len(results) <= _FEW
    for column, (result, scale) in enumerate(zip(results, scales, strict=True)):
        marker, colour = OUTCOME_MARKS[result.outcome]
        if result.margin is not None:
            low, high = (bound / scale for bound in result.margin)
            axes.fill_betweenx([low, high], column - 0.5, column + 0.5, color=MARGIN, alpha=0.22, linewidth=0)
        if result.interval is not None:
            bounds = [result.interval.low / scale, result.interval.high / scale]
            axes.plot([column, column], bounds, color=INK, linewidth=1.2 if few else 0.5, zorder=4)
        if result.effect is not None:
            axes.plot(
                [column], [result.effect / scale], marker, color=colour, markersize=size, zorder=3,
                markerfacecolor="white" if few else colour, markeredgewidth=1.1 if few else 0.3,
            )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _draw_choices(
    axes: Axes, rows: Sequence[tuple[str, Value, list[int]]], results: Sequence[PredictionResult]
) -> None:
    """The name of each choice on a line of its own, beneath it a line for each of its values."""
    size = _size(len(results)) * 0.75
    names = list(dict.fromkeys(name for name, _, _ in rows))
    values: dict[int, str] = {}
    line = 0
    for name in names:
        mine = [(value, columns) for each, value, columns in rows if each == name]
        if names.index(name) % 2 == 0:
            axes.axhspan(line - 0.5, line + len(mine) + 0.5, color=_BAND, linewidth=0, zorder=0)
        axes.text(
            0.02, line, wrapped(choice_name(name), COLUMN - 0.2, SMALL, 1), va="center", fontsize=SMALL,
            style="italic", transform=blended_transform_factory(axes.figure.transFigure, axes.transData),
            in_layout=False,
        )  # fmt: skip
        for value, columns in mine:
            line += 1
            values[line] = wrapped(value_text(name, value), _NAMES, SMALL, 1)
            for outcome, (marker, colour) in OUTCOME_MARKS.items():
                places = [column for column in columns if results[column].outcome == outcome]
                axes.plot(places, [line] * len(places), marker, color=colour, markersize=size, zorder=3)
        line += 1
    axes.set_yticks(list(values), list(values.values()))
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    axes.set_ylim(line - 0.4, -0.6)
    axes.set_xticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


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
