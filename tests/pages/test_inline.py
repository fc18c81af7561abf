from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hypotest.pages.inline import (
    BREAK,
    INDENTED,
    Span,
    aside,
    emphasis,
    joined,
    lines,
    listed,
    path,
    plain,
    prose,
    spans,
    strong,
)


def test_neighbours_of_one_kind_are_one_and_white_space_is_single() -> None:
    assert spans((" a ", ("\x1bb ", " c "), strong(" d "), " ")) == (Span("a b c "), strong("d"))
    assert spans(("a ", BREAK, " b", INDENTED, aside("c"))) == (
        Span("a"),
        BREAK,
        Span("b"),
        INDENTED,
        aside("c"),
    )
    assert spans(("", [], ("",))) == ()


def test_a_path_keeps_every_character() -> None:
    assert spans(("Report: ", path("a  b\n"), " c")) == (Span("Report: "), path("a  b\n"), Span(" c"))


def test_no_value_of_a_template_is_read_as_marks() -> None:
    said = spans(prose("**{}** is {} or *{}*, `x`", "*a*", ("**b**", strong("{}")), "`c`"))
    assert [(item.kind, item.text) for item in said] == [
        ("strong", "*a*"),
        ("plain", " is **b**"),
        ("strong", "{}"),
        ("plain", " or "),
        ("emphasis", "`c`"),
        ("plain", ", "),
        ("code", "x"),
    ]


def test_lists_of_pieces() -> None:
    assert plain(listed(["a", strong("b"), "c"])) == "a, b and c"
    assert plain(listed(["a"])) == "a" and plain(listed([])) == ""
    assert plain(joined("; ", ["a", emphasis("b")])) == "a; b"
    assert plain(lines("a", "b")) == "a b"


@given(st.lists(st.text()))
def test_what_is_plain_stays_so(pieces: list[str]) -> None:
    once = plain(pieces)
    assert plain(once) == once and "\n" not in once
