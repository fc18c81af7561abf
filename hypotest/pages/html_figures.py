"""Figures as part of an HTML page: the SVG itself, so that parts can be opened and nothing is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePosixPath

from hypotest.pages.document import PART, Figure

_DROPPED = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<style[^>]*>.*?</style>", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r"""(?<=href="#)[^"]+(?=")|(?<=url\(#)[^)]+(?=\))""")
_COORDINATES = re.compile(r'(?<= d=")[^"]*(?=")')
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")
_PAPER = re.compile(r'style="fill: #ffffff"')
_TINT = re.compile(r'style="fill: #[0-9a-f]{6}; (?:fill-)?opacity: 0\.[12]\d*"')
"""A colour so thin that on dark ground nothing is left of it."""
_WHITE_SPACE = re.compile(r"\s*\n\s*")
_SVG = re.compile(r"<svg [^>]*>")
_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True, slots=True)
class InlineFigures:
    """Those of one page by their path, as elements that share one document: no two have an id in common."""

    elements: dict[str, str]
    """Path -> an ``svg`` element."""
    groups: dict[str, frozenset[str]]
    """Path -> ids of groups in the file, which may be opened by themselves."""

    @classmethod
    def of(cls, figures: Sequence[Figure], folder: Path | None) -> InlineFigures:
        """Read what is there.

        Args:
            figures: Of the page.
            folder: Their paths start from; None where there are none.
        """
        elements, groups = {}, {}
        for figure in figures:
            file = None if folder is None else folder / f"{figure.path}.svg"
            if file is None or not file.is_file():
                continue
            source = file.read_text(encoding="utf-8", errors="replace")
            if not _SVG.search(source):
                continue
            groups[figure.path] = frozenset(_ID.findall(source))
            elements[figure.path] = _element(source, figure)
        return cls(elements, groups)

    def id_of(self, figure: Figure) -> str:
        """Id of a figure in the page."""
        return figure_id(figure.path)

    def element(self, figure: Figure) -> str:
        """The figure itself."""
        from markupsafe import Markup

        return Markup(self.elements[figure.path])

    def anchor(self, opens: str) -> str:
        """Id in the page of what a span opens; empty where the page has no such thing."""
        name, _, group = opens.partition("#")
        if group and group in self.groups.get(name, ()):
            return f"{figure_id(name)}--{group}"
        return figure_id(name) if name in self.elements else ""


def figure_id(name: str) -> str:
    """Of a figure's element in the page."""
    return "figure-" + re.sub(r"[^a-z0-9_-]+", "-", PurePosixPath(name).name.lower())


def _element(source: str, figure: Figure) -> str:
    """The ``svg`` element of a file, made to live among others."""
    whole = _DROPPED.sub("", source[source.index("<svg ") :])
    whole = _COORDINATES.sub(lambda match: _DECIMALS.sub(_rounded, match.group()), whole)
    referenced, prefix = set(_REFERENCE.findall(whole)), f"{figure_id(figure.path)}--"
    kept = referenced | {name for name in _ID.findall(whole) if name.startswith(PART)}
    whole = _ID.sub(lambda match: f' id="{prefix}{match[1]}"' if match[1] in kept else "", whole)
    whole = _REFERENCE.sub(lambda match: prefix + match.group(), whole)
    whole = _PAPER.sub('class="paper" style="fill: #ffffff"', whole)
    whole = _TINT.sub(lambda match: f'class="tint" {match.group()}', whole)
    return _SVG.sub(
        lambda match: _opening(match.group(), figure), _WHITE_SPACE.sub("\n", whole), count=1
    ).strip()


def _opening(tag: str, figure: Figure) -> str:
    view = _VIEW.search(tag)
    size = f'viewBox="0 0 {view[1]} {view[2]}" ' if view else ""
    width = f'style="--width: {float(view[1]) * 4 / 3:.0f}px" ' if view else ""
    return "".join(_attributes(size, width, escape(figure.alternative or figure.caption)))


def _attributes(size: str, width: str, label: str) -> Iterator[str]:
    yield '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    yield f'{size}{width}role="img" aria-label="{label}" stroke-linejoin="round" stroke-linecap="butt">'


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}".rstrip("0").rstrip(".")
