"""The ladder of nulls as one figure: which claim survives which opponent, at a glance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from hypotest.pages.text import printable
from hypotest.records.protocol.prediction import Outcome
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.figures.style import COLUMN, FAINT, INK, SMALL, new_canvas, text_width
from hypotest.report.ladder import NO_CONCLUSION_SIGN, SIGNS, Ladder, Step, claims_of, ladder_of

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
_NAMES, _CLAIMS, _BORDER = 0.05, 1.45, 0.05
_GAP = 0.1
_MOST, _WIDEST_CELL = 7, 0.95
"""Opponents side by side; others stand below."""
_LINE, _INSET = 0.13, 0.02
_TITLE, _CELL, _APART = 0.17, 0.28, 0.04
"""A row: its name and claims above its cells, or beside them where they are to the left of all cells."""
_HEAD_GAP, _FOOT, _KEY_LINE = 0.1, 0.45, 0.16
_KEY_SIGN, _KEY_GAP = 0.13, 0.1
_SPACE, _SIGN_GAP, _CLAIM_GAP = 0.06, 0.02, 0.12


def draw_ladder_grid(results: Results) -> Figure:
    """Predictions by opponents: colour and sign say what was found, a frame which opponent decides.

    Claims stand above a row's cells with the same signs: a claim survives wherever its sign appears. Cells
    are empty where an opponent makes no sense, and hatched where it describes and never decides. More
    opponents than a column is wide stand in a second block, with the predictions that have them. At least one
    prediction must have an opponent.
    """
    ladder = ladder_of(results)
    blocks = [_Block.of(results, ladder, names) for names in _chunks(ladder.opponents)]
    width = max(COLUMN, *(block.right + _BORDER for block in blocks))
    signs = _key_lines(ladder, width - _BORDER - _NAMES)
    foot = _FOOT + _KEY_LINE * len(signs)
    figure, axes = new_canvas(width, sum(block.height for block in blocks) + foot)
    y = 0.0
    for block in blocks:
        _draw_block(axes, block, ladder, y)
        y += block.height
    _draw_key(axes, y + 0.14, ladder, signs)
    return figure


@dataclass(frozen=True, slots=True)
class _Block:
    """Some opponents side by side, and the predictions that they are opponents of."""

    heads: Mapping[str, Sequence[str]]
    """Opponent -> its name, on lines."""
    lefts: Sequence[float]
    """Left edges of the columns."""
    width: float
    """Of each column."""
    rows: Sequence[PredictionResult]
    opponents: Mapping[str, Collection[str]]
    """Prediction -> those that it has."""

    @classmethod
    def of(cls, results: Results, ladder: Ladder, names: Sequence[str]) -> _Block:
        rows = [item for item in results.predictions if ladder.rungs[item.id].keys() & set(names)]
        apart = [name in ladder.opponents[len(ladder.opponents) - ladder.n_descriptive :] for name in names]
        gap = _GAP if any(apart) and not all(apart) else 0.0
        width = min((COLUMN - _BORDER - _NAMES - gap) / len(names), _WIDEST_CELL)
        lefts = [_NAMES + place * width + (gap if apart[place] else 0) for place in range(len(names))]
        return cls({name: _head_lines(name) for name in names}, lefts, width, rows, ladder.rungs)

    @property
    def right(self) -> float:
        """Where its last column ends, in inches."""
        return self.lefts[-1] + self.width

    @property
    def top(self) -> float:
        """Height of its heads."""
        return _HEAD_GAP + _LINE * max(map(len, self.heads.values())) + 0.06

    @property
    def height(self) -> float:
        """Of all of it."""
        return self.top + sum(self.above(item) + _CELL for item in self.rows)

    def above(self, item: PredictionResult) -> float:
        """What stands above a prediction's cells, in inches."""
        return _APART if _names_end(item) < self.first_cell(item) else _TITLE

    def first_cell(self, item: PredictionResult) -> float:
        """Left edge of a prediction's first cell."""
        return min(
            left for name, left in zip(self.heads, self.lefts, strict=True) if name in self.opponents[item.id]
        )


def _chunks(opponents: Sequence[str]) -> list[Sequence[str]]:
    """As few groups of opponents as a column's width allows, as even as can be."""
    number = -(-len(opponents) // _MOST)
    size = -(-len(opponents) // number)
    return [opponents[start : start + size] for start in range(0, len(opponents), size)]


def _draw_block(axes: Axes, block: _Block, ladder: Ladder, y: float) -> None:
    first_apart = len(ladder.opponents) - ladder.n_descriptive
    for (name, lines), left in zip(block.heads.items(), block.lefts, strict=True):
        axes.text(
            left + block.width / 2,
            y + block.top - 0.06,
            "\n".join(lines),
            va="bottom",
            ha="center",
            fontsize=SMALL,
            style="italic" if ladder.opponents.index(name) >= first_apart else "normal",
            linespacing=1.15,
        )
    y += block.top
    for item in block.rows:
        axes.plot([_NAMES, axes.get_xlim()[1] - _BORDER], [y, y], color="#DDDDDD", linewidth=0.6, zorder=0)
        above = block.above(item)
        if above == _TITLE:
            _draw_names(axes, item, y + _TITLE / 2, axes.get_xlim()[1] - _BORDER)
        else:
            _draw_names(axes, item, y + above + _CELL / 2 - _INSET, block.first_cell(item))
        for name, left in zip(block.heads, block.lefts, strict=True):
            rung = ladder.rungs[item.id].get(name)
            if rung is not None:
                _draw_rung(axes, rung, left, y + above, block.width)
        y += above + _CELL


def _head_lines(name: str) -> list[str]:
    """``label_shuffled (type)`` on three lines, broken where a reader would break it."""
    words, bracket, unit = printable(name).partition(" (")
    lines = words.replace("_", "_\n").replace(" ", "\n").split("\n")
    return [*lines, *((bracket.strip() + unit).replace("_", "_\n").split("\n") if bracket else ())]


def _names_end(item: PredictionResult) -> float:
    """Where the names of a row would end if nothing limited them, in inches; as `_draw_names` sets them."""
    x = _NAMES + text_width(item.id, 8)
    if item.role != "deciding":
        x += _SPACE + text_width(f"({item.role})", SMALL)
    claims = claims_of(item)
    if not claims:
        return x
    x = max(x + _CLAIM_GAP, _CLAIMS)
    for hypothesis, signs in claims.items():
        x += sum(text_width(sign, SMALL) + _SIGN_GAP for sign in signs) + text_width(hypothesis, SMALL)
    return x + (_SIGN_GAP + _CLAIM_GAP) * len(claims)


def _draw_names(axes: Axes, item: PredictionResult, y: float, right: float) -> None:
    """Name and role to the left; behind them what each hypothesis claims, shortened to the room left."""
    claims = claims_of(item)
    x = _fitted(axes, (_NAMES, y), item.id, right / 2 if claims else right, fontsize=8, color=INK)
    if item.role != "deciding":
        x = _fitted(axes, (x + _SPACE, y), f"({item.role})", right, fontsize=SMALL, color=FAINT)
    x = max(x + _CLAIM_GAP, _CLAIMS)
    for place, (hypothesis, signs) in enumerate(claims.items()):
        end = x + (right - x) / (len(claims) - place)
        for sign in signs:
            outcome = next(outcome for outcome, known in SIGNS.items() if known == sign)
            x = _fitted(axes, (x, y), sign, right, fontsize=SMALL, color=_DARK[outcome]) + _SIGN_GAP
        x = _fitted(axes, (x + _SIGN_GAP, y), hypothesis, end, fontsize=SMALL, color=INK) + _CLAIM_GAP


def _fitted(axes: Axes, place: tuple[float, float], said: str, right: float, **style: Any) -> float:
    """Write a text that ends before `right`, shortened if it has to be; returns where it ends."""
    said = printable(said)
    text = axes.text(*place, said, va="center", **style)
    while _after(axes, text) > right and len(said) > 1:
        said = said[:-1]
        text.set_text(f"{said}…")
    return _after(axes, text)


def _after(axes: Axes, text: Text) -> float:
    """Where a text ends, in inches."""
    figure = axes.figure
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # of Agg
    return float(text.get_window_extent(renderer).x1) / figure.dpi


def _draw_rung(axes: Axes, rung: Step, left: float, y: float, width: float) -> None:
    corner, size = (left + _INSET, y), (width - 2 * _INSET, _CELL - 2 * _INSET)
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
    middle, centre = y + size[1] / 2, left + width / 2
    aside = 0.4 * size[1] / 2
    upper = middle - aside if rung.p_text else middle
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
        centre,
        middle + aside,
        rung.p_text.removeprefix("p "),
        ha="center",
        va="center",
        fontsize=SMALL,
        color=INK,
        zorder=4,
    )


def _key_lines(ladder: Ladder, room: float) -> list[list[tuple[str, str, str]]]:
    """Sign, colour and meaning, on as few lines as hold them."""
    rungs = ladder.every_rung
    entries = [(sign, _DARK[outcome], _WORDS[outcome]) for outcome, sign in SIGNS.items()]
    if all(rung.outcome != "undefined" for rung in rungs):
        entries.pop()
    if any(rung.sign == NO_CONCLUSION_SIGN for rung in rungs):
        entries.append((NO_CONCLUSION_SIGN, INK, "no conclusion"))
    lines, x = [list[tuple[str, str, str]]()], 0.0
    for entry in entries:
        width = _KEY_SIGN + text_width(entry[2], SMALL) + _KEY_GAP
        if lines[-1] and x + width - _KEY_GAP > room:
            lines.append([])
            x = 0.0
        lines[-1].append(entry)
        x += width
    return lines


def _draw_key(axes: Axes, y: float, ladder: Ladder, signs: Sequence[Sequence[tuple[str, str, str]]]) -> None:
    """What signs, frame and hatching mean."""
    descriptive = any(rung.descriptive for rung in ladder.every_rung)
    equivalence = any(rung.of_equivalence for rung in ladder.every_rung)
    for line in signs:
        x = _NAMES
        for sign, colour, words in line:
            axes.text(x, y, sign, va="center", fontsize=SMALL, color=colour)
            x = _after(axes, axes.text(x + _KEY_SIGN, y, words, va="center", fontsize=SMALL)) + _KEY_GAP
        y += _KEY_LINE
    x = _NAMES
    for word, hatched in (("decides", False), ("describes, never decides", True)):
        if hatched and not descriptive:
            continue
        edge, face = ("#BBBBBB", _TINTS["inconclusive"]) if hatched else (INK, "white")
        hatch, width = ("//////", 0.0) if hatched else (None, 1.5)
        box = Rectangle((x, y - 0.05), 0.16, 0.1, fc=face, ec=edge, hatch=hatch, lw=width)
        axes.add_patch(box)
        x = _after(axes, axes.text(x + 0.22, y, word, va="center", fontsize=SMALL)) + 0.15
    words = (
        "numbers: z among the opponent's draws, below it the unadjusted p"
        + "; ‡ p of equivalence" * equivalence
    )
    axes.text(_NAMES, y + _KEY_LINE, words, va="center", fontsize=SMALL, color=FAINT)
