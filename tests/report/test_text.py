from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hypotest.report.text import escape_markdown, file_slug, printable, sentence_list, token_text

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
    shown, escaped = printable(name), escape_markdown(name)
    blocks = {token.type for token in MARKDOWN.parse(escaped)}
    assert blocks <= {"paragraph_open", "inline", "paragraph_close"}
    assert texts(escaped) == ([shown] if shown else [])
    cells = texts(f"| head |\n| --- |\n| {escaped} |\n")
    assert cells == ["head", shown]


@settings(deadline=None, max_examples=100)
@given(NAMES)
def test_printable_is_one_line_without_control_codes(name: str) -> None:
    shown = printable(name)
    assert not any(unicodedata.category(character).startswith("C") for character in shown)
    assert shown == printable(shown)
    shown.encode("utf-8")  # no lone surrogates


@settings(deadline=None, max_examples=100)
@given(NAMES)
def test_a_slug_is_a_file_name(name: str) -> None:
    slug = file_slug(name)
    assert slug and set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@pytest.mark.parametrize("bait", ["$x^2$", "https://a.b", "www.a.b", "@someone"])
def test_what_only_github_would_read(bait: str) -> None:
    escaped = escape_markdown(bait)
    assert escaped != bait
    assert texts(escaped) == [bait]


def test_words_with_underscores_stay_readable() -> None:
    assert escape_markdown("size_matched (type)") == "size_matched (type)"
    assert escape_markdown("0.1.0") == "0.1.0"


def test_white_space_of_tokens_is_visible() -> None:
    assert token_text("\n\n x") == "\\n\\n␣x"
    assert token_text("\x00") == "(not printable)"


def test_sentence_list() -> None:
    assert sentence_list([]) == ""
    assert sentence_list(("a", "b")) == "a and b"
