from __future__ import annotations

import pytest

from hypotest.pages.document import (
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Table,
    Together,
    blocks,
    document,
    table,
    together,
)
from hypotest.pages.inline import BREAK, strong


def test_text_is_a_paragraph_and_what_is_empty_is_left_out() -> None:
    said = ("a ", strong("b"))
    assert blocks(["", said, ("", [""]), Heading("c"), "d"]) == (
        Paragraph(said),
        Heading("c"),
        Paragraph("d"),
    )
    assert document(iter(["a"])) == Document((Paragraph("a"),))
    assert together("a", "") == Together((Paragraph("a"),))


def test_a_row_has_as_many_cells_as_there_are_columns() -> None:
    with pytest.raises(ValueError, match="a table of 2 columns has a row of 1"):
        Table((Column("a"), Column("b")), (("x",),))


def test_columns_of_numbers_and_names() -> None:
    numbered = table(["a", "n"], [["x", "1"]], numeric=(1,), whole=16)
    assert numbered.columns == (Column("a", whole=16), Column("n", "number"))
    assert numbered.rows == (("x", "1"),)
    assert numbered.has_head and not table(["", ("", BREAK)], []).has_head


def test_sections_have_ids_and_a_page_its_title() -> None:
    assert Heading("The ladder of nulls: a|b").anchor == "the-ladder-of-nulls-a-b"
    assert Heading("The ladder", id="ladder").anchor == "ladder"
    assert Heading("  ").anchor == "section"
    page = document([Heading("second", 2), Heading(("The ", strong("title")), 1)])
    assert page.title == "The title" and Document(()).title == ""


def test_items_without_depths_are_not_set_in() -> None:
    assert list(Items(("a", "b")).at_depth) == [(0, "a"), (0, "b")]
    assert list(Items(("a", "b"), (0, 2)).at_depth) == [(0, "a"), (2, "b")]
