"""The ladder of nulls as one figure: which claim survives which opponent, at a glance."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hypotest.pages.text import printable
from hypotest.records.protocol.prediction import Outcome
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.figures.style import FAINT, FIRST, INK, MARGIN, SECOND, WIDTH, new_canvas
from hypotest.report.ladder import SIGNS, Ladder, Step, claims_of, ladder_of

_COLOURS: dict[Outcome, str] = {
    "less": SECOND,
    "greater": FIRST,
    "equivalent": MARGIN,
    "inconclusive": FAINT,
    "undefined": FAINT,
}
_DARK: dict[Outcome, str] = {  # for letters on the tints
    "less": "#00466F",
    "greater": "#8F3D00",
    "equivalent": "#005C43",
    "inconclusive": INK,
    "undefined": INK,
}
_TINTS: dict[Outcome, str] = {
    "less": "#C6DDF0",
    "greater": "#F8D3B8",
    "equivalent": "#C3E6D8",
    "inconclusive": "#F1F1F1",
    "undefined": "#F1F1F1",
}
_WORDS: dict[Outcome, str] = {
    "less": "below the opponent",
    "greater": "above it",
    "equivalent": "inside the margin",
    "inconclusive": "not told apart",
    "undefined": "no value",
}
# Inches, from the top left corner.
_NAMES, _CLAIMS, _CELLS, _BORDER = 0.05, 1.17, 2.12, 0.05
_GAP = 0.13
_NARROWEST_CELL, _WIDEST_CELL = 0.7, 0.95
_LINE = 0.125
_HEAD_GAP, _FOOT = 0.1, 0.6
_LONGEST_NAME, _LONGEST_CLAIM = 17, 13


def draw_ladder_grid(results: Results) -> Figure:
    """Predictions by opponents: colour and sign say what was found, a frame which opponent decides.

    Claims stand to the left with the same signs: a claim survives wherever its sign appears. Cells are
    empty where an opponent makes no sense, and hatched where it describes and never decides. At least one
    prediction must have an opponent.
    """
    ladder = ladder_of(results)
    heads = [_head_lines(name) for name in ladder.opponents]
    top = _HEAD_GAP + _LINE * max(map(len, heads), default=1) + 0.06
    heights = [_row_height(item) for item in results.predictions]
    total = top + sum(heights) + _FOOT
    lefts, width, right = _columns(ladder)
    figure, axes = new_canvas(right + _BORDER, total)
    for text, left in (("prediction", _NAMES), ("claimed", _CLAIMS)):
        axes.text(left, top - 0.06, text, va="bottom", color=FAINT, fontsize=7)
    first_apart = len(ladder.opponents) - ladder.n_descriptive
    for place, (lines, left) in enumerate(zip(heads, lefts, strict=True)):
        axes.text(
            left + width / 2,
            top - 0.06,
            "\n".join(lines),
            va="bottom",
            ha="center",
            fontsize=6.8,
            style="italic" if place >= first_apart else "normal",
            linespacing=1.15,
        )
    y = top
    for item, height in zip(results.predictions, heights, strict=True):
        axes.plot([_NAMES, right], [y, y], color="#DDDDDD", linewidth=0.6, zorder=0)
        _draw_names(axes, item, y, height)
        for name, left in zip(ladder.opponents, lefts, strict=True):
            rung = ladder.rungs[item.id].get(name)
            if rung is not None:
                _draw_rung(axes, rung, left, y, width, height)
        y += height
    _draw_key(axes, y + 0.14, ladder)
    return figure


def _columns(ladder: Ladder) -> tuple[list[float], float, float]:
    """Left edges of the columns, the descriptive ones behind a gap; their width; where the last one ends.

    The figure is as wide as a page, or wider where many opponents need it.
    """
    n_apart, n_opponents = ladder.n_descriptive, len(ladder.opponents)
    gap = _GAP if 0 < n_apart < n_opponents else 0.0
    room = (WIDTH - _BORDER - _CELLS - gap) / n_opponents
    width = min(max(room, _NARROWEST_CELL), _WIDEST_CELL)
    first_apart = n_opponents - n_apart
    lefts = [_CELLS + place * width + (gap if place >= first_apart else 0) for place in range(n_opponents)]
    return lefts, width, max(lefts[-1] + width, WIDTH - _BORDER)


def _row_height(item: PredictionResult) -> float:
    return 0.14 + _LINE * max(2, len(claims_of(item)))


def _head_lines(name: str) -> list[str]:
    """``label_shuffled (type)`` on three lines, broken where a reader would break it."""
    words, bracket, unit = printable(name).partition(" (")
    lines = words.replace("_", "_\n").replace(" ", "\n").split("\n")
    return [*lines, *((bracket.strip() + unit).replace("_", "_\n").split("\n") if bracket else ())]


def _draw_names(axes: Axes, item: PredictionResult, y: float, height: float) -> None:
    middle = y + height / 2
    name = _shortened(item.id, _LONGEST_NAME)
    if item.role == "deciding":
        axes.text(_NAMES, middle, name, va="center", fontsize=8)
    else:
        axes.text(_NAMES, middle - 0.055, name, va="center", fontsize=8)
        axes.text(_NAMES, middle + 0.075, item.role, va="center", fontsize=6.2, color=FAINT)
    claims = claims_of(item)
    for place, (hypothesis, signs) in enumerate(claims.items()):
        line = middle + _LINE * (place - (len(claims) - 1) / 2)
        for number, sign in enumerate(signs):
            outcome = next(outcome for outcome, known in SIGNS.items() if known == sign)
            axes.text(_CLAIMS + 0.1 * number, line, sign, va="center", fontsize=7, color=_COLOURS[outcome])
        start = _CLAIMS + 0.1 * len(signs) + 0.04
        axes.text(start, line, _shortened(hypothesis, _LONGEST_CLAIM), va="center", fontsize=7)


def _draw_rung(axes: Axes, rung: Step, left: float, y: float, width: float, height: float) -> None:
    inset = 0.025
    corner, size = (left + inset, y + inset), (width - 2 * inset, height - 2 * inset)
    tint = Rectangle(
        corner,
        *size,
        facecolor=_TINTS[rung.outcome],
        edgecolor="white",
        hatch="////" if rung.descriptive else None,
        linewidth=0,
        zorder=1,
    )
    axes.add_patch(tint)
    if rung.decides:
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=INK, linewidth=1.5, zorder=3))
    weight = "bold" if rung.decides else "normal"
    middle, centre = y + height / 2, left + width / 2
    upper = middle - _LINE / 2 if rung.p_text else middle
    axes.text(
        centre,
        upper,
        f"{rung.sign} {rung.z_text}".strip().replace("-", "−"),
        ha="center",
        va="center",
        fontsize=7,
        weight=weight,
        color=_DARK[rung.outcome],
        zorder=4,
    )
    axes.text(
        centre, middle + _LINE / 2, rung.p_text, ha="center", va="center", fontsize=6.2, color=INK, zorder=4
    )


def _draw_key(axes: Axes, y: float, ladder: Ladder) -> None:
    """What signs, frame and hatching mean."""
    descriptive = any(rung.descriptive for rung in ladder.every_rung)
    equivalence = any(rung.of_equivalence for rung in ladder.every_rung)
    x = _NAMES
    undefined = any(rung.outcome == "undefined" for rung in ladder.every_rung)
    for outcome, sign in SIGNS.items():
        if outcome == "undefined" and not undefined:
            continue
        axes.text(x, y, sign, va="center", fontsize=7, color=_COLOURS[outcome])
        axes.text(x + 0.13, y, _WORDS[outcome], va="center", fontsize=7)
        x += 0.25 + 0.058 * len(_WORDS[outcome])
    x, y = _NAMES, y + 0.17
    for word, hatched in (("decides", False), ("describes, never decides", True)):
        if hatched and not descriptive:
            continue
        axes.add_patch(
            Rectangle(
                (x, y - 0.05),
                0.16,
                0.1,
                facecolor=_TINTS["inconclusive"] if hatched else "white",
                edgecolor="#BBBBBB" if hatched else INK,
                hatch="//////" if hatched else None,
                linewidth=0 if hatched else 1.5,
            )
        )
        axes.text(x + 0.22, y, word, va="center", fontsize=7)
        x += 0.37 + 0.056 * len(word)
    words = "numbers: z and unadjusted p among the opponent's draws"
    words += "; ‡ p of equivalence" if equivalence else ""
    axes.text(x, y, words, va="center", fontsize=7, color=FAINT)


def _shortened(name: str, longest: int) -> str:
    name = printable(name)
    return name if len(name) <= longest else name[: longest - 1] + "…"
