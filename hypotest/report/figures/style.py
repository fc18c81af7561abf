"""How every figure looks, and how it is saved so that the same data give the same bytes.

Colours are Okabe and Ito's, which stay apart for colour-blind readers; shape and label always say
what colour says. Figures are built without pyplot: no global state, no display.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import FuncFormatter, NullFormatter

from hypotest.pages.text import printable

FIRST = "#D55E00"
SECOND = "#0072B2"
NULL = "#999999"
OBSERVED = "#D55E00"
MARGIN = "#009E73"
INK = "#222222"
FAINT = "#636363"

WIDTH = 6.5
"""Inches: the text width of a paper, for a figure that no column can hold."""
COLUMN = 4.4
"""Inches: a figure of this width stays legible where it is shrunk to one column of a paper."""
SMALL = 7.0
"""Points: the smallest letters; 5 of them are left in a column of 84 mm."""
FORMATS = ("svg", "png")
_RESOLUTION = 160

_STYLE: dict[Any, Any] = {  # keys are checked by matplotlib's own update
    "font.family": "DejaVu Sans",  # shipped with matplotlib: the same on every machine
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",  # GitHub's dark mode shows through a transparent one
    "text.parse_math": False,  # names may hold a dollar sign
    "axes.unicode_minus": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "hypotest",
    "pdf.fonttype": 42,  # publishers refuse the other kind
}


_DOTS = 720
_RULER = RendererAgg(1, 1, _DOTS)  # type: ignore[no-untyped-call]
"""Measures letters; at so many dots to the inch they are as wide as in a vector file."""


@contextmanager
def house_style() -> Iterator[None]:
    """The style of all figures, from matplotlib's defaults whatever the user has configured."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


class NotebookFigure(Figure):
    """A figure that a notebook shows as it is, with or without ``%matplotlib inline``."""

    def _repr_png_(self) -> bytes:
        return png_of(self)


def png_of(figure: Figure) -> bytes:
    """A figure as a PNG."""
    with io.BytesIO() as stream:
        figure.savefig(stream, format="png", dpi=_RESOLUTION, metadata={"Software": None})
        return stream.getvalue()


def new_figure(
    height: float, columns: int = 1, rows: int = 1, width: float = WIDTH
) -> tuple[Figure, list[Axes]]:
    """A figure, by default of text width, with its axes, row by row."""
    figure = NotebookFigure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, [axes for row in grid for axes in row]


def new_stack(width: float, heights: Sequence[float], around: float) -> tuple[Figure, list[Axes]]:
    """A figure of axes that stand above one another.

    Args:
        width: Of the figure, in inches.
        heights: Of each of the axes, in inches.
        around: What stands above and below each, in inches.
    """
    figure = NotebookFigure(figsize=(width, 0.35 + sum(heights) + around * len(heights)))
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    return figure, [axes for row in grid for axes in row]


def widen_border(figure: Figure) -> None:
    """Room at both sides of a figure whose widest words stand there.

    Letters are fitted to the dots of one resolution, and at another one they are some percent wider.
    """
    figure.set_layout_engine("constrained", w_pad=0.1)


def new_canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure whose bare axes are measured in inches, from the top left corner."""
    figure = NotebookFigure(figsize=(width, height))
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return figure, axes


def wrapped(said: str, inches: float, size: float, lines: int = 2) -> str:
    """A text on as few lines as hold it, broken at spaces and behind hyphens, underscores and slashes.

    Args:
        said: The text; what is not printable is left out of it.
        inches: Room.
        size: Of the letters, in points.
        lines: How many there may be; what the last one cannot hold is an ellipsis.
    """
    rest, made = printable(said), list[str]()
    while text_width(rest, size) > inches and len(made) < lines - 1:
        fitting = _fitting(rest, inches, size)
        breaks = [place.end() for place in re.finditer(r"\s+|[-_/]+", rest[: fitting + 1])]
        end = max([place for place in breaks if len(rest[:place].rstrip()) <= fitting], default=fitting)
        made.append(rest[:end].rstrip())
        rest = rest[end:]
    if text_width(rest, size) > inches:
        rest = rest[: _fitting(rest, inches - text_width("…", size), size)].rstrip() + "…"
    return "\n".join([*made, rest])


def _fitting(said: str, inches: float, size: float) -> int:
    """How many of the first letters there is room for; one at least."""
    return max((n for n in range(1, len(said) + 1) if text_width(said[:n], size) <= inches), default=1)


@lru_cache(maxsize=4096)
def text_width(said: str, size: float) -> float:
    """Width of a line in inches, its letters of so many points."""
    font = FontProperties(family=[_STYLE["font.family"]], size=size)
    width, _, _ = _RULER.get_text_width_height_descent(said, font, ismath=False)  # type: ignore[no-untyped-call]
    return float(width) / _DOTS


def plain_number(value: float, _position: int | None = None) -> str:
    """Tick label of a logarithmic axis: ``1,000``, ``0.01``, ``10⁻⁶``; no typeset mathematics."""
    if value >= 1:
        return f"{value:,.0f}" if value < 5e6 else _power(value)
    return f"{value:.6f}".rstrip("0") if value >= 9e-5 else _power(value)


def _power(value: float) -> str:
    exponent = round(math.log10(value))
    if not math.isclose(value, 10.0**exponent, rel_tol=1e-6):
        return f"{value:.0e}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def plain_ticks(*axes: Axis) -> None:
    """Plain numbers on the decades of logarithmic axes, and nothing between them."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(plain_number))
        axis.set_minor_formatter(NullFormatter())


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write ``name.svg`` and ``name.png`` without dates or versions in them."""
    # The canvases' own methods, untyped in matplotlib: ``savefig`` would draw every file twice, to lay it
    # out again.
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    figure.set_layout_engine("none")
    # matplotlib has no types for what its canvases print
    FigureCanvasSVG(figure).print_svg(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    figure.set_dpi(_RESOLUTION)
    FigureCanvasAgg(figure).print_png(folder / f"{name}.png", metadata={"Software": None})  # type: ignore[no-untyped-call]


def save_pdf(figure: Figure, file: Path) -> None:
    """Write a figure for a paper, without dates or versions in it."""
    undated = {"CreationDate": None, "Creator": None, "Producer": None}
    FigureCanvasPdf(figure).print_pdf(file, metadata=undated)  # type: ignore[no-untyped-call]
