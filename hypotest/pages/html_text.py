"""Text of typed spans as HTML, with words of the glossary that lead to what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape

from hypotest.pages.document import Document
from hypotest.pages.html_figures import InlineFigures
from hypotest.pages.inline import Inline, Kind, Span, plain, spans
from hypotest.pages.text import terminal_text

_ELEMENTS: dict[Kind, str] = {
    "strong": "strong",
    "emphasis": "em",
    "code": "code",
    "path": "code",
    "aside": "small",
    "superscript": "sup",
    "match": "mark",
}
_EXPLAINED: frozenset[Kind] = frozenset({"plain", "aside", "strong", "emphasis", "term"})
_SCHEME = re.compile(r"([^/?#]*):")
_SCHEMES = ("http", "https", "mailto")
"""What a link may lead to, beside the page itself and files near it; a browser would run some others."""
_SHORT = 3
WHOLE = 31
"""Letters of a word that a cell keeps on one line; of a longer one, parts go on in the next."""
_BREAKS = re.compile(rf"_(?=\w)|[^\s_]{{20}}(?=[^\s_]{{{WHOLE - 19}}})")
"""Behind which a line of a cell may end: within names of several words, and within hashes."""


class HtmlText:
    """Renders text; remembers which words were explained."""

    def __init__(self, document: Document, figures: InlineFigures) -> None:
        self._terms: Mapping[str, str] = document.terms
        self._ordinary = document.ordinary
        self._figures = figures
        self._by_form = {form: name for name in self._terms for form in _forms(name)}
        longest_first = sorted(self._by_form, key=lambda form: (-len(form), form))
        forms = "|".join(re.escape(form) for form in longest_first)
        # not within a name: pre-margin, plan.lock.json, out/group
        self._pattern = re.compile(rf"(?<![\w./\\{{-])(?:{forms})(?![\w-]|[./\\]\w)") if forms else None
        self._here: set[str] = set()
        self._used: set[str] = set()

    def section(self) -> str:
        """Begin a section, in which words are explained once more."""
        self._here.clear()
        return ""

    def plain(self, text: Inline) -> str:
        """Characters alone."""
        return plain(text)

    def visible_lines(self, text: str) -> str:
        """Lines as they are, without what a reader would not see."""
        return terminal_text(text.rstrip())

    def inline(self, text: Inline, explains: bool = True) -> str:
        """A piece of text.

        Args:
            text: What it says.
            explains: Whether words of the glossary lead there.
        """
        return self._spans(text, explains, escape)

    def cell(self, text: Inline) -> str:
        """A piece of text in a table, where long names may go on in the next line."""
        return self._spans(text, True, _breakable)

    def terms(self) -> list[tuple[str, str, str]]:
        """Id, word and meaning of those that occurred, in the order of the alphabet."""
        used = sorted(self._used, key=lambda name: (name.lower(), name))
        by_id: dict[str, str] = {}
        for name in used:  # a measure and a word of the glossary may be one term
            by_id.setdefault(_term_id(name), name)
        return [(identity, name, self._terms[name]) for identity, name in by_id.items()]

    def _spans(self, text: Inline, explains: bool, written: Callable[[str], str]) -> str:
        from markupsafe import Markup

        items = spans(text)
        return Markup("".join(self._span(item, explains, len(items) == 1, written) for item in items))

    def _span(self, item: Span, explains: bool, alone: bool, written: Callable[[str], str]) -> str:
        if item.kind == "break":
            return "<br>"
        scheme = _SCHEME.match(item.address)
        leads = bool(item.address) and (scheme is None or scheme[1] in _SCHEMES)
        opened = self._figures.anchor(item.opens) if item.opens else ""
        if explains and not leads and not opened and item.kind in _EXPLAINED:
            shown = "".join(self._explained(item.text, alone or item.kind != "plain", written))
        else:
            shown = written(item.text)
        element = _ELEMENTS.get(item.kind)
        tone = f' class="{item.tone}"' if item.tone else ""
        if element or tone:
            shown = f"<{element or 'span'}{tone}>{shown}</{element or 'span'}>"
        if leads:
            return f'<a href="{escape(item.address)}">{shown}</a>'
        return f'<a class="opens" href="#{escape(opened)}">{shown}</a>' if opened else shown

    def _explained(self, text: str, by_itself: bool, written: Callable[[str], str]) -> Iterator[str]:
        end = 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            name = self._by_form[match.group()]
            if name in self._here or (
                name in self._ordinary and not (by_itself and match.group() == text.strip())
            ):
                continue
            self._here.add(name)
            self._used.add(name)
            yield written(text[end : match.start()])
            yield f'<a class="term" href="#{_term_id(name)}">{written(match.group())}</a>'
            end = match.end()
        yield written(text[end:])


def _forms(name: str) -> Iterator[str]:
    """How a word is written: also as the first of a sentence, and of more than one."""
    yield name
    if len(name) > _SHORT and name.isascii() and name[0].islower():
        for form in (name, f"{name}s"):
            yield form
            yield form[0].upper() + form[1:]


def _breakable(text: str) -> str:
    """Text whose long names tell a browser where to break them."""
    parts, end = [], 0
    for match in _BREAKS.finditer(text):
        parts.append(escape(text[end : match.end()]))
        end = match.end()
    return "<wbr>".join([*parts, escape(text[end:])])


def _term_id(name: str) -> str:
    letters = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"term-{letters or 'x' + name.encode().hex()}"
