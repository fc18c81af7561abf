"""A document as LaTeX: a part of a paper's appendix, which compiles by itself as well.

Tables are those of booktabs, over as many pages as they need, with columns as wide as their words ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from hypotest.pages.document import (
    INTERFACE,
    Block,
    Code,
    Details,
    Document,
    Figure,
    Heading,
    Items,
    Note,
    Paragraph,
    Table,
    Together,
)
from hypotest.pages.inline import Inline, plain
from hypotest.pages.latex_text import MACROS, PREAMBLE, escaped, escaped_line, inline
from hypotest.pages.text import visible

_BEGIN = rf"""% Part of an appendix, by \input{{...}} where one column is set. The paper's preamble needs:
{re.sub("^", "%   ", PREAMBLE, flags=re.M)}
% It compiles by itself as well.
\ifdefined\section
\def\hypotestend{{}}
\else
\documentclass[11pt]{{article}}
{PREAMBLE}
\usepackage[margin=1in]{{geometry}}
\usepackage[hidelinks]{{hyperref}}
\IfFileExists{{lmodern.sty}}{{\usepackage{{lmodern}}}}{{}}
\def\hypotestend{{\end{{document}}}}
\begin{{document}}
\fi
\providecommand{{\href}}[2]{{#2}}
{MACROS}
\providecommand{{\hypotestfigure}}{{}}
\renewcommand{{\hypotestfigure}}[1]{{\IfFileExists{{#1}}{{%
  \sbox0{{\includegraphics{{#1}}}}%
  \ifdim\wd0>\linewidth\sbox0{{\includegraphics[width=\linewidth]{{#1}}}}\fi
  \ifdim\ht0>.8\textheight\includegraphics[height=.8\textheight]{{#1}}\else\usebox0\fi}}{{\texttt{{\detokenize{{#1}}}}}}}}
"""
_HEADINGS = ("section", "subsection", "subsubsection", "paragraph")
_DEEPEST = 3
"""Lists in lists; LaTeX itself takes four."""
_CHARACTERS = {"footnotesize": 96, "scriptsize": 108}
"""Size of a table's letters -> how many stand in a line, and still leave room between columns."""
_SMALLEST = ("scriptsize", _MOST := _CHARACTERS["scriptsize"])
_BETWEEN = 3
"""Characters that a column takes beside its words."""


class Latex:
    """What a paper's appendix takes in."""

    name = "latex"
    suffix = ".tex"
    interface = INTERFACE

    def render(self, document: Document, folder: Path | None = None) -> str:
        r"""Write it.

        Args:
            document: The page.
            folder: Not looked at: figures are ``<path>.pdf`` from where LaTeX runs; if one is not there, its
                name stands in its place.
        """
        return f"{_BEGIN}\n{_latex(document.blocks)}\n\n\\hypotestend\n"


PAGE = Latex()


def _latex(blocks: tuple[Block, ...]) -> str:
    return "\n\n".join(part for block in blocks for part in _parts(block) if part)


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            command = _HEADINGS[min(block.level, len(_HEADINGS)) - 1]
            shown = inline(block.text, " ")
            yield f"\\{command}{{{shown}}}" if shown else ""
        case Paragraph():
            shown = inline(block.text)
            yield f"\\noindent {shown}" if shown else ""
        case Items():
            yield _items(block)
        case Table():
            yield _table(block)
        case Figure():
            yield _figure(block)
        case Code():
            lines = [escaped_line(line) or "\\ " for line in block.text.rstrip().split("\n")]
            shown = "\\\\\n".join(f"\\mbox{{}}{line}" for line in lines)
            yield f"\\begin{{flushleft}}\\ttfamily\\footnotesize\n{shown}\n\\end{{flushleft}}"
        case Note():
            said = f"\\textbf{{{block.kind.capitalize()}.}}\n\n{_latex(block.blocks)}"
            yield f"\\begin{{quote}}\n{said}\n\\end{{quote}}"
        case Details():
            shown = inline(block.summary, " ")
            yield f"\\paragraph{{{shown}}}" if shown else ""
            yield _latex(block.blocks)
        case Together():
            for each in block.blocks:
                yield from _parts(each)


def _figure(figure: Figure) -> str:
    said = _line(figure.alternative)
    lines = [
        "\\begin{figure}[htbp]",
        "\\centering",
        *([f"% {said}"] if said else []),
        f"\\hypotestfigure{{{figure.path}.pdf}}",
        f"\\caption{{{escaped(_line(figure.caption))}}}",
        "\\end{figure}",
    ]
    return "\n".join(lines)


def _line(text: str) -> str:
    return visible(text).strip()


def _items(items: Items) -> str:
    shown = [(min(depth, _DEEPEST - 1), inline(item)) for depth, item in items.at_depth]
    if not shown:
        return ""
    begin, end = "\\begin{itemize}", "\\end{itemize}"
    lines: list[str] = []
    for (before, _), (depth, text) in pairwise([(-1, ""), *shown]):
        lines += [begin] * (depth - before) + [end] * (before - depth)
        lines.append(f"\\item {text}" if items.marked else f"\\item[] {text}")
    return "\n".join([*lines, *[end] * (shown[-1][0] + 1)])


def _table(table: Table) -> str:
    """The table; where it is too wide for a page, one after the other with as many columns as fit."""
    return "\n\n".join(_longtable(part) for part in _parts_that_fit(table))


def _parts_that_fit(table: Table) -> Iterator[Table]:
    """Columns as they are, the first repeated in each part: it says what a row is about."""
    least = _least(table)
    first, *others = range(len(least)) if least else (None,)
    if first is None:
        return
    chosen = [first]
    for place in others:
        if len(chosen) > 1 and sum(least[item] for item in chosen) + least[place] > _MOST:
            yield _columns(table, chosen)
            chosen = [first]
        chosen.append(place)
    yield _columns(table, chosen)


def _columns(table: Table, places: list[int]) -> Table:
    rows = (tuple(row[place] for place in places) for row in table.rows)
    return Table(tuple(table.columns[place] for place in places), tuple(rows))


def _longtable(table: Table) -> str:
    rows = [[inline(cell) for cell in row] for row in table.rows]
    head = [inline(column.name) for column in table.columns] if table.has_head else []
    size, widths = _widths(table)
    columns = "".join(
        f">{{\\ragged{'left' if column.kind == 'number' else 'right'}\\arraybackslash}}"
        f"p{{\\dimexpr {width:.4f}\\linewidth-2\\tabcolsep\\relax}}"
        for column, width in zip(table.columns, widths, strict=True)
    )
    lines = [
        f"{{\\{size}\\setlength{{\\tabcolsep}}{{2.5pt}}",
        f"\\begin{{longtable}}{{{columns}}}",
        "\\toprule",
        *([f"{' & '.join(head)} \\\\", "\\midrule"] if head else []),
        "\\endhead",
        "\\bottomrule",
        "\\endlastfoot",
        *(f"{' & '.join(cells)} \\\\[2pt]" for cells in rows),
        "\\end{longtable}}",
    ]
    return "\n".join(lines)


def _widths(table: Table) -> tuple[str, list[float]]:
    """The size of a table's letters, and the share of the line that each column gets.

    Each has room for its longest word; what is left goes to those whose lines are longer.
    """
    least = _least(table)
    whole = [_BETWEEN + max(len(plain(cell)) for cell in cells) for cells in _cells(table)]
    size, room = next((item for item in _CHARACTERS.items() if sum(least) <= item[1]), _SMALLEST)
    if sum(whole) <= room:
        return size, [width / room for width in whole]
    wanted = [most - few for most, few in zip(whole, least, strict=True)]
    left = max(0, room - sum(least)) / max(1, sum(wanted))
    shares = [few + left * want for few, want in zip(least, wanted, strict=True)]
    return size, [share / max(room, sum(shares)) for share in shares]


def _least(table: Table) -> list[int]:
    """What each column takes, so that its longest word has room."""
    return [_BETWEEN + max(_longest_word(cell) for cell in cells) for cells in _cells(table)]


def _cells(table: Table) -> list[list[Inline]]:
    """Column by column, with its name."""
    return [[column.name, *(row[place] for row in table.rows)] for place, column in enumerate(table.columns)]


def _longest_word(cell: Inline) -> int:
    """A line may break behind an underscore and a hyphen."""
    return max((len(word) for word in re.split(r"\s+|(?<=[_-])", plain(cell))), default=0)
