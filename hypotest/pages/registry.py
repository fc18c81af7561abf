"""Every format that a page can be written in: the files of this folder, and what installed packages add."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from hypotest.errors import ProtocolError
from hypotest.pages.document import INTERFACE, Document
from hypotest.records.stored.plugins import discover, require_place

PACKAGE = "hypotest.pages"
"""Our own; and the entry points of installed packages: ``html = "package.module:PAGE"``."""


@runtime_checkable
class Page(Protocol):
    """A format: one object in one file, which calls it ``PAGE``."""

    name: str
    """What users call it."""
    suffix: str
    """Of its files, with the dot."""
    interface: int
    """The version of the interface that it was written for."""

    def render(self, document: Document, folder: Path | None = None) -> str:
        """Write a page.

        Args:
            document: What it says. Its text comes from outside: whatever means something in the format must
                be escaped, and what a format has no way to say is left out or said in words.
            folder: Where the page will lie, and where its figures lie; None where there are no figures.
        """
        ...


def _checked(name: str, page: object, known: Mapping[str, Page]) -> Page:
    """A format of another package.

    Raises:
        ValueError: If it cannot be used here.
    """
    if isinstance(page, type):
        raise ValueError(f"is a class: name an object of it, {page.__name__}()")
    if not isinstance(page, Page):
        missing = [item for item in ("name", "suffix", "interface", "render") if not hasattr(page, item)]
        raise ValueError(f"must have {', '.join(missing)}; found {type(page).__name__}")
    require_place(name, page.name, page.interface, INTERFACE, known)
    if not page.suffix.startswith(".") or not page.suffix[1:].isalnum():
        raise ValueError(f"its suffix must be a dot and letters or digits; found {page.suffix!r}")
    return page


PAGES: Mapping[str, Page] = discover(PACKAGE, "PAGE", _checked, what="page format")
"""Every format that a page can be written in."""


def page_of(name: str) -> Page:
    """The format of this name.

    Raises:
        ProtocolError: If there is none.
    """
    if name not in PAGES:
        raise ProtocolError(
            f"there is no page format {name!r} here; there are {', '.join(PAGES)}. Others come from "
            f"installed packages with an entry point in the group {PACKAGE}."
        )
    return PAGES[name]
