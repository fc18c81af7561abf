from __future__ import annotations

import io

import pytest
from rich.console import Console

from hypotest.pages.console import PAGE, shown
from hypotest.pages.document import (
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
from hypotest.pages.inline import INDENTED, Span, aside, lines, path, strong


def printed(*blocks: Block, width: int = 80, soft_wrap: bool = False, colour: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=colour, _environ={"TERM": "xterm"})
    console.print(shown(Document(blocks)), soft_wrap=soft_wrap)
    return file.getvalue()


def test_a_line_is_free_between_blocks_but_not_below_a_heading_or_in_a_group() -> None:
    text = printed(Heading("a"), Paragraph("b"), Together((Paragraph("c"), Paragraph("d"))), Paragraph("e"))
    assert text == "a\nb\n\nc\nd\n\ne\n"


def test_columns_stand_two_spaces_apart_where_there_is_room_and_one_elsewhere() -> None:
    rows = [("x" * 10, "1"), ("y", "22")]
    assert printed(table(["name", "n"], rows, numeric=(1,))).splitlines() == [
        "name         n",
        "──────────────",
        "xxxxxxxxxx   1",
        "y           22",
    ]
    wide = [("x" * 38, "y" * 40)]
    assert printed(table(["a", "b"], wide)).splitlines()[2] == f"{'x' * 38}  {'y' * 40}"
    wide = [("x" * 39, "y" * 40)]
    assert printed(table(["a", "b"], wide)).splitlines()[2] == f"{'x' * 39} {'y' * 40}"


def test_what_does_not_fit_is_said_in_fewer_characters() -> None:
    short = Together((table(["a"], [("+",)]), Paragraph("+ is a very long word")))
    whole = Table((Column("a"),), (("supports " * 12,),), short)
    assert "+ is a very long word" in printed(whole, width=100)
    assert "supports supports" in printed(whole, width=120) and "+" not in printed(whole, width=120)


@pytest.mark.parametrize("width", [78, 90])
def test_numbers_and_names_stay_whole_and_text_gives_way(width: int) -> None:
    columns = (Column("name", whole=20), Column("said"), Column("n", "number"))
    row = ("head-specificity", "many words " * 20, "[-0.123456, 0.123456]")
    text = printed(Table(columns, (row,)), width=width)
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    assert "head-specificity" in words and "[-0.123456," in words


def test_second_lines_are_set_in_and_dropped_where_all_are_empty() -> None:
    head = [lines("name", "against", indented=True), lines("p", "adjusted")]
    text = printed(table(head, [(lines("a", "b", indented=True), lines("1", "")), (lines("c", ""), "2")]))
    assert [line.rstrip() for line in text.splitlines()] == [
        "name       p",
        "  against  adjusted",
        "───────────────────",
        "a          1",
        "  b",
        "c          2",
    ]
    assert printed(Paragraph((INDENTED, "set in"))) == "  set in\n"


def test_without_names_of_columns_there_is_no_head() -> None:
    assert [line.rstrip() for line in printed(table(["", ""], [("lock", path("a b"))])).splitlines()] == [
        "lock a b"
    ]


def test_a_long_path_can_be_copied_where_lines_may_be_long() -> None:
    long = "/a" * 60
    rows = table(["", ""], [("lock", path(long))])
    assert long in printed(rows, Paragraph(path(long)), soft_wrap=True).splitlines()[2]
    assert f"lock {long}" in printed(rows, soft_wrap=True)


def test_items_hang_below_their_marks() -> None:
    text = printed(Items(("one two three four five six seven", "b"), (0, 1)), width=30)
    assert text == "- one two three four five\n  six seven\n  - b\n"
    unmarked = Items((("a ", strong("b")),), (1,), marked=False)
    assert printed(unmarked) == "    a b\n"


def test_every_other_block() -> None:
    assert printed(Note("warning", (Paragraph("careful"),))) == "WARNING:\ncareful\n"
    assert printed(Details("All", (Paragraph("of it"),))) == "All:\nof it\n"
    assert printed(Figure("figures/a", "What.")) == "Figure: figures/a.png What.\n"
    assert printed(Code("a:\n  b\x1b[0m")) == "  a:\n    b\\x1b[0m\n"
    spans = (Span("10"), Span("3", "superscript"), " ", Span("x", "code"))
    assert printed(Paragraph(spans)) == "10^3 `x`\n"


def test_colour_says_nothing_alone() -> None:
    said = (strong("good", "good"), " ", aside("dim"))
    text = printed(Paragraph((said, Span("!", tone="careful"))), colour=True)
    assert "\x1b[1;32mgood" in text and "\x1b[2mdim" in text and "\x1b[33m!" in text
    assert PAGE.render(Document((Paragraph(said),))) == "good dim\n"
