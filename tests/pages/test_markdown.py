from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hypotest.pages.document import Code, Details, Figure, Heading, Items, Note, Paragraph, table
from hypotest.pages.inline import BREAK, Span, code, emphasis, link, prose, strong
from hypotest.pages.markdown import markdown
from hypotest.pages.text import printable

NAMES = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\\`*_[]<>|#~!$&-+=1.) \n")))
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def texts(markdown: str) -> list[str]:
    """Content of every inline part; fails where Markdown saw anything but text."""
    contents = []
    for token in MARKDOWN.parse(markdown):
        if token.type == "inline":
            kinds = {child.type for child in token.children or []}
            assert kinds <= {"text", "text_special"}, kinds
            contents.append("".join(child.content for child in token.children or []))
    return contents


@settings(deadline=None, max_examples=200)
@given(NAMES)
@example("<b onload=x>")
@example("a|b")
@example("\\|")
@example("1. x")
@example("--- ")
@example("&lt;")
@example("__init__")
@example("[x](javascript:y)")
def test_markdown_shows_a_name_as_it_was_written(name: str) -> None:
    shown, escaped = printable(name), markdown(Paragraph(name))
    blocks = {token.type for token in MARKDOWN.parse(escaped)}
    assert blocks <= {"paragraph_open", "inline", "paragraph_close"}
    assert texts(escaped) == ([shown] if shown else [])
    cells = texts(markdown(table(["head"], [(name,)])))
    assert cells == ["head", shown]


@pytest.mark.parametrize("bait", ["$x^2$", "https://a.b", "www.a.b", "@someone"])
def test_what_only_github_would_read(bait: str) -> None:
    escaped = markdown(Paragraph(bait))
    assert escaped != bait
    assert texts(escaped) == [bait]


def test_what_means_nothing_stays_readable() -> None:
    for text in (
        "size_matched (type)",
        "0.1.0",
        "90 % interval [-0.5, 0.1], p <0.0001, p <= 0.05",
        "41.0*",
        "|x| / 2!",
    ):
        assert markdown(Paragraph(text)) == text


def test_spans_and_blocks_are_githubs() -> None:
    said = prose("the rule *{}* is **{}**, see `{}`{}", "a*b", "c", "d`e", Span("2", "superscript"))
    assert markdown(Paragraph(said)) == r"the rule *a\*b* is **c**, see ``d`e``<sup>2</sup>"
    assert markdown(Paragraph(link("a] b", "x y.md"))) == r"[a\] b](x%20y.md)"
    assert markdown(Heading("T", 3)) == "### T"
    assert markdown(Items(("a", strong("b")), (0, 1))) == "- a\n  - **b**"
    rows = [(code("x|y"), ("1", BREAK, "2"))]
    assert (
        markdown(table(["a|b", "n"], rows, numeric=(1,)))
        == "| a\\|b | n |\n| --- | ---: |\n| x\\|y | 1<br>2 |"
    )
    assert markdown(Figure("figures/a", "What *it* shows.")) == (
        "![What \\*it\\* shows.](figures/a.svg)\n\n*What \\*it\\* shows.* ([png](figures/a.png))"
    )
    assert markdown(Code("a\n```\nb", "yaml")) == "````yaml\na\n```\nb\n````"
    assert markdown(Note("note", (Paragraph("a"), Items(("b",))))) == "> [!NOTE]\n> a\n>\n> - b"
    assert markdown(Details("<x>", (Paragraph(emphasis("a")),))) == (
        "<details><summary>&lt;x&gt;</summary>\n\n*a*\n\n</details>"
    )
