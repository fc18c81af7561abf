"""The figure of an estimate: beside its reference, with its interval and the margin."""

from __future__ import annotations

from matplotlib.figure import Figure

from hypotest.measures.registry import words_of
from hypotest.pages.text import printable
from hypotest.records.protocol.conditions import UNNAMED
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.report.figures.style import COLUMN, INK, MARGIN, OBSERVED, SMALL, new_figure
from hypotest.report.numbers import decimals_for, fixed


def draw_estimate(result: PredictionResult, observed: float, reference: float) -> Figure:
    """An estimate with its interval beside what it is compared with, and the margin.

    Args:
        result: The prediction.
        observed: Its value, which is defined.
        reference: What it is compared with, which is, too.
    """
    figure, (axes,) = new_figure(1.6, width=COLUMN)
    if result.margin is not None:
        axes.axvspan(
            reference + result.margin[0],
            reference + result.margin[1],
            color=MARGIN,
            alpha=0.14,
            linewidth=0,
            label="margin",
        )
    axes.axvline(
        reference,
        color=INK,
        linestyle="--",
        linewidth=1,
        label="reference value" if result.reference == "value" else printable(result.against),
    )
    for interval, weight in ((result.interval_95, 1.0), (result.interval, 3.0)):
        if interval is not None:
            axes.plot(
                [reference + interval.low, reference + interval.high],
                [0, 0],
                "|-",
                color=OBSERVED,
                linewidth=weight,
                markersize=7 + 3 * weight,
                markeredgewidth=1.2,
                solid_capstyle="butt",
                label=f"{100 * interval.level:g} % interval",
            )
    axes.plot([observed], [0], "o", color=INK, markersize=3, zorder=4, label="observed")
    if result.interval is not None:
        ends = (
            fixed(reference + end, decimals_for(result.interval.standard_error, (end,)))
            for end in (result.interval.low, result.interval.high)
        )
        axes.annotate(
            f"{100 * result.interval.level:g} %: {' to '.join(ends)}".replace("-", "−"),
            (observed, 0),
            xytext=(0, 14),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
            color=INK,
        )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-1, 1)
    axes.margins(x=0.12)
    axes.set_xlabel(words_of(result.measure, result.title, UNNAMED).label)
    figure.legend(loc="outside upper center", ncols=3)
    return figure
