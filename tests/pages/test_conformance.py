"""Every page format takes every kind of block, odd text, empty and wide tables, and loses no word."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypotest.pages.document import (
    INTERFACE,
    Block,
    Code,
    Column,
    Details,
    Document,
    Figure,
    Heading,
    Items,
    Note,
    Paragraph,
    Table,
    Together,
    table,
)
from hypotest.pages.inline import BREAK, INDENTED, Inline, Kind, Span, Tone, joined, lines, plain
from hypotest.pages.registry import PAGES, Page

ODD = (
    "<b>|*_",
    "`tick` ``two``",
    "a\nb\r\nc\td",
    "␣ü漢字🙂 e\u0301",
    "# no heading",
    "- no item",
    "1. no number",
    "[x](javascript:y) ![i](z)",
    "**a** __b__ ~~c~~ $d$ &amp; <script>e</script>",
    "\\| \\\\",
    "\x1b[31mred\x07\u202e",
    "   ",
    "",
)


def _example() -> Page:
    """The format of the example package."""
    file = Path(__file__).parents[1] / "plugins" / "plainhtml" / "hypotest_plainhtml.py"
    spec = importlib.util.spec_from_file_location("hypotest_plainhtml", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page: Page = module.PAGE
    return page


LATEX_LETTERS = re.compile(r"\\hypotestletters\{[^}]*\}\{([^}]*)\}")
"""Letters of a word that LaTeX may have no font for, with their numbers beside them."""
FORMATS = [*PAGES.values(), _example()]


def every_block(text: Inline) -> tuple[Block, ...]:
    """Each kind of block, with a text wherever one can stand."""
    said = plain(text)
    cell = (text, BREAK, Span(said, "aside"), INDENTED, Span(said, "strong", "bad"))
    paragraph = Paragraph(text)
    columns = (Column(text), Column("n", "number"), Column("s", "sign", whole=3))
    numbers = Table(columns, ((cell, "1", "+"),) * 2)
    return (
        Heading(text, 1),
        Heading(text, 3, "chosen"),
        paragraph,
        Items((text, cell), (0, 1)),
        Items((text,), marked=False),
        numbers,
        Table(columns, numbers.rows, narrow=Together((paragraph,))),
        table(["", ""], [(text, text)]),
        Figure("figures/one", said, "what it shows"),
        Code(said or "code", "yaml"),
        Note("warning", (paragraph, Items((text,)))),
        Details(text, (paragraph, numbers)),
        Together((paragraph, numbers)),
    )


def words(text: str) -> list[str]:
    """What must be found again: letters and digits, in whatever marks."""
    kept = "".join(c if unicodedata.category(c)[0] in "LN" else " " for c in text)
    return [word for word in kept.split() if word]


def test_the_blocks_are_all_of_them() -> None:
    assert {type(block) for block in every_block("x")} == set(get_args(Block))


@pytest.mark.parametrize("page", FORMATS, ids=lambda page: page.name)
def test_it_is_what_the_registry_asks_for(page: Page) -> None:
    assert isinstance(page, Page)
    assert page.interface == INTERFACE
    assert page.suffix.startswith(".")
    assert len({item.name for item in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("text", ODD, ids=ascii)
@pytest.mark.parametrize("page", FORMATS, ids=lambda page: page.name)
def test_every_block_takes_odd_text_and_loses_no_word(page: Page, text: str, tmp_path: Path) -> None:
    shown = page.render(Document(every_block(text)), tmp_path)
    assert shown.endswith("\n")
    assert "\x1b" not in shown and "\u202e" not in shown
    shown = LATEX_LETTERS.sub(r"\1", shown)
    for word in words(plain(text)):
        assert shown.count(word) >= len(every_block(text))
    shown.encode("utf-8")


@pytest.mark.parametrize("page", FORMATS, ids=lambda page: page.name)
def test_every_span_is_shown(page: Page) -> None:
    kinds = [Span(f"word-{kind}", kind, tone) for kind in get_args(Kind) for tone in (None, *get_args(Tone))]
    shown = page.render(
        Document((Paragraph(joined(" ", kinds)), Paragraph(Span("leads", address="https://a.b/c d"))))
    )
    assert all(shown.count(f"word-{kind}") == 5 for kind in get_args(Kind) if kind != "break")
    assert "leads" in shown


@pytest.mark.parametrize("page", FORMATS, ids=lambda page: page.name)
def test_tables_without_rows_and_of_many_columns(page: Page) -> None:
    empty = table(["one", "two"], [])
    wide = table([f"head-{n}" for n in range(60)], [[f"cell-{n}" for n in range(60)]] * 3, numeric=(5,))
    shown = page.render(Document((empty, wide, Table((), ()))))
    assert "one" in shown and "two" in shown
    together = "".join(shown.split())
    if page.name != "console":  # 60 columns have no room in 80 characters
        assert all(together.count(f"cell-{n}") >= 3 for n in range(60))


@pytest.mark.parametrize("page", FORMATS, ids=lambda page: page.name)
def test_a_page_without_anything_is_a_page(page: Page) -> None:
    assert isinstance(page.render(Document(())), str)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FORMATS), st.text(max_size=40))
def test_no_text_breaks_a_page(page: Page, text: str) -> None:
    page.render(Document(every_block(lines(text, text, indented=True)))).encode("utf-8")
