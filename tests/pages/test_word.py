"""What word processors open: nothing but text, tables and pictures, whatever the text holds."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from hypotest.pages.document import Document
from hypotest.pages.inline import plain
from hypotest.pages.word import PAGE
from tests.pages.test_conformance import every_block

PLAIN = {
    *("html", "head", "meta", "title", "body", "h1", "h3", "p", "table", "tr", "th", "td", "img", "br"),
    *("em", "strong", "small", "span", "pre"),
}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(max_size=40) | st.just("<script>alert(1)</script><b onclick='x'>&amp;"))
def test_text_stays_text(text: str) -> None:
    reader = Reader()
    reader.feed(PAGE.render(Document(every_block(text))))
    assert reader.elements <= PLAIN
    assert plain(text) in " ".join(reader.text.split()) or not plain(text).isprintable()
