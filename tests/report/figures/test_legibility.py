"""Every figure in one column of a paper, in grey, as the colour-blind see it, and with long names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from hypotest.report.figures.style import COLUMN, FAINT, OBSERVED, SECOND, house_style, new_figure
from tests.figures import every_figure

COLUMN_MM, HIGHEST_MM = 84, 215
"""A column of a page is some 230 mm high, and a caption stands in it, too."""
SMALLEST_POINTS = 5
RESOLUTION = 160
"""Of the files; letters are wider there than where the figure was laid out."""
APART = 15.0
"""Of the 100 steps of CIE lightness from black to white; neighbours in print differ by 3 to 5."""
BACKGROUND = 93.0
"""Lightness of stripes and rules that say nothing."""
# Machado, Oliveira & Fernandes 2009, doi:10.1109/TVCG.2009.113, table of severity 1.0; linear RGB. The rows
# of grey are the luminances of ITU-R BT.709.
SEEN_BY = {
    "grey": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
Colour = tuple[float, float, float]
Shape = tuple[object, ...]


def lightness(colour: Colour, sight: str) -> float:
    """CIE L* of an sRGB colour."""
    values = np.asarray(colour)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    luminance = float(np.array([0.2126, 0.7152, 0.0722]) @ np.clip(SEEN_BY[sight] @ linear, 0, 1))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def on_paper(colour: object, alpha: float | None) -> Colour:
    red, green, blue, opacity = to_rgba(colour, alpha)  # type: ignore[arg-type]
    return tuple(opacity * part + 1 - opacity for part in (red, green, blue))  # type: ignore[return-value]


def drawn(axes: Axes) -> Iterator[tuple[Shape, Colour]]:
    """Shape and colour of everything that stands in a panel; text inside a patch is part of its shape."""
    for line in axes.lines:
        if len(line.get_xdata()):  # type: ignore[arg-type]
            marker = line.get_marker()
            hollow = marker not in ("None", "", None) and line.get_markerfacecolor() == "white"
            dashes = getattr(line, "_unscaled_dash_pattern")  # noqa: B009  # of dashes of one's own, too
            yield ("line", marker, str(dashes), hollow), on_paper(line.get_color(), line.get_alpha())
    for patch in axes.patches:
        if patch.get_fill():
            said = "".join(text.get_text()[:1] for text in axes.texts if inside(text, patch))
            yield (
                ("patch", type(patch).__name__, patch.get_hatch(), said),
                on_paper(patch.get_facecolor(), None),
            )
    for band in axes.collections:
        assert isinstance(band, Collection)
        for colour in band.get_facecolor():
            yield ("band",), on_paper(colour, None)


def inside(text: Text, patch: Patch) -> bool:
    edge, box = patch.get_window_extent(), text.get_window_extent()
    return bool(edge.x0 <= (box.x0 + box.x1) / 2 <= edge.x1 and edge.y0 <= (box.y0 + box.y1) / 2 <= edge.y1)


def alike(figure: Figure) -> list[str]:
    """Pairs of colours that nothing else tells apart."""
    pairs = []
    for axes in figure.axes:
        marks = [mark for mark in dict.fromkeys(drawn(axes)) if lightness(mark[1], "grey") < BACKGROUND]
        for (shape, colour), (other_shape, other) in itertools.combinations(marks, 2):
            if shape == other_shape:
                pairs += [
                    f"{sight}: {shape} in {colour} and {other}"
                    for sight in SEEN_BY
                    if abs(lightness(colour, sight) - lightness(other, sight)) < APART
                ]
    return pairs


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(False, id="short names"),
        pytest.param(True, id="long names", marks=pytest.mark.slow),
    ],
)
def figures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Figure]:
    """As today's code draws them of committed runs, laid out."""
    drawn_once = dict(every_figure(tmp_path_factory.mktemp("runs"), long=request.param))
    for figure in drawn_once.values():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it is laid out
        figure.set_dpi(RESOLUTION)
        figure.draw_without_rendering()
    return drawn_once


def texts_of(figure: Figure) -> list[Text]:
    """Whatever is written; not the labels of axes that are off, nor of ticks beyond the ends of an axis."""
    hidden: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
        if not axes.axison:
            hidden |= {text for text in axes.findobj(Text) if text not in axes.texts}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in texts if text not in hidden]


def test_every_figure_is_as_wide_as_one_column_and_no_letter_too_small(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        assert figure.get_size_inches()[0] == pytest.approx(COLUMN), name
        shrunk = COLUMN_MM / 25.4 / COLUMN
        texts = texts_of(figure)
        small = [item.get_text() for item in texts if item.get_fontsize() * shrunk < SMALLEST_POINTS]
        assert texts and not small, f"{name}: {small}"


def test_every_figure_fits_a_column_with_its_caption(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        width, height = figure.get_size_inches()
        assert height * COLUMN_MM / width <= HIGHEST_MM, name


def test_no_number_is_typeset_mathematics(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        assert not [text.get_text() for text in texts_of(figure) if "mathdefault" in text.get_text()], name


def test_nothing_is_told_by_colour_alone(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        assert not alike(figure), name


def test_no_letter_is_beyond_the_edge(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        assert not beyond(figure), name


def test_no_two_texts_run_into_each_other(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        assert not crossing(figure), name


def beyond(figure: Figure) -> list[str]:
    """Texts that the edge of the figure cuts."""
    width, height = figure.bbox.width, figure.bbox.height
    return [
        text.get_text()
        for text in texts_of(figure)
        for box in [text.get_window_extent()]
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]


def crossing(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts of which one stands in the other."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts_of(figure)]
    return [
        (one, other)
        for (one, box), (other, second) in itertools.combinations(boxes, 2)
        if min(box.x1, second.x1) - max(box.x0, second.x0) > 1
        and min(box.y1, second.y1) - max(box.y0, second.y0) > 2
    ]


def test_texts_that_cross_or_leave_the_figure_would_be_seen() -> None:
    with house_style():
        figure, (axes,) = new_figure(1.0)
        axes.text(0.5, 0.5, "one", transform=figure.transFigure)
        axes.text(0.51, 0.5, "two", transform=figure.transFigure)
        axes.text(0.99, 0.9, "beyond", transform=figure.transFigure, in_layout=False)
        figure.draw_without_rendering()
        assert beyond(figure) == ["beyond"] and ("one", "two") in crossing(figure)


def test_orange_and_blue_lines_would_be_told_apart_and_orange_and_grey_would_not() -> None:
    def of(*colours: str) -> list[str]:
        figure, (axes,) = new_figure(1.0)
        axes.add_line(Line2D([0, 1], [0, 1], color=colours[0]))
        axes.add_line(Line2D([0, 1], [1, 0], color=colours[1]))
        figure.draw_without_rendering()
        return alike(figure)

    with house_style():
        assert {pair.partition(":")[0] for pair in of(OBSERVED, FAINT)} >= {"grey"}
        assert of("black", FAINT) == []
        assert of(OBSERVED, SECOND)  # Okabe and Ito's pair of a like lightness: markers must say it too


def test_lightness_is_that_of_the_cie() -> None:
    """White 100, black 0; middle grey of sRGB 119 is 50 (L* of 0.184)."""
    for sight in SEEN_BY:
        assert lightness((1, 1, 1), sight) == pytest.approx(100, abs=0.1)
        assert lightness((0, 0, 0), sight) == 0
        assert lightness((119 / 255,) * 3, sight) == pytest.approx(50, abs=0.5)
