from __future__ import annotations

from pathlib import Path

import pytest

from hypotest.errors import ProtocolError
from hypotest.pages.document import INTERFACE, Document
from hypotest.pages.registry import PAGES, _checked, page_of


class Format:
    name = "other"
    suffix = ".txt"
    interface = INTERFACE

    def render(self, document: Document, folder: Path | None = None) -> str:
        return ""


def test_our_own_are_found() -> None:
    assert list(PAGES) == ["console", "html", "latex", "markdown", "word"]
    assert all(page_of(name) is page and page.name == name for name, page in PAGES.items())


def test_an_unknown_one_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ProtocolError, match="no page format 'rtf' here; there are console, html, latex"):
        page_of("rtf")


def test_what_cannot_be_used_is_refused() -> None:
    page = Format()
    assert _checked("other", page, PAGES) is page
    with pytest.raises(ValueError, match="must have suffix, interface, render; found dict"):
        _checked("other", type("dict", (), {"name": "other"})(), PAGES)
    with pytest.raises(ValueError, match="is named 'another', but calls itself 'other'"):
        _checked("another", page, PAGES)
    with pytest.raises(ValueError, match=r"is a class: name an object of it, Format\(\)"):
        _checked("other", Format, PAGES)
    with pytest.raises(ValueError, match="is named 'other', which is taken"):
        _checked("other", page, {"other": page})
    for change, reason in (
        ({"interface": 1}, "version 1 of the interface"),
        ({"suffix": ".."}, "its suffix"),
    ):
        with pytest.raises(ValueError, match=reason):
            _checked("other", type("Changed", (Format,), change)(), PAGES)
