"""Every format that a page can be written in: the files of this folder, and what installed packages add."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import hypotest.pages as package
from hypotest.errors import ProtocolError
from hypotest.pages.document import INTERFACE, Document

ENTRY_POINTS = "hypotest.pages"
"""Where installed packages name theirs: ``html = "package.module:PAGE"``."""


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


def _found() -> Mapping[str, Page]:
    """By name: our own in alphabetical order, then those of other packages."""
    names = (item.name for item in pkgutil.iter_modules(package.__path__) if item.name != "registry")
    modules = (import_module(f"{package.__name__}.{name}") for name in names)
    found: dict[str, Page] = {module.PAGE.name: module.PAGE for module in modules if hasattr(module, "PAGE")}
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda item: item.name):
        try:
            found[entry.name] = _checked(entry.name, entry.load(), found)
        except Exception as error:  # whatever a package does when it is imported: the others are still there
            where = f"page format {entry.name!r} of {entry.value}"
            warnings.warn(f"{where} is left out: {type(error).__name__}: {error}", stacklevel=2)
    return MappingProxyType(found)


def _checked(name: str, page: object, known: Mapping[str, Page]) -> Page:
    """A format of another package.

    Raises:
        ValueError: If it cannot be used here.
    """
    if not isinstance(page, Page):
        missing = [item for item in ("name", "suffix", "interface", "render") if not hasattr(page, item)]
        raise ValueError(f"must have {', '.join(missing)}; found {type(page).__name__}")
    if page.interface != INTERFACE:
        raise ValueError(f"written for version {page.interface} of the interface; this is {INTERFACE}")
    if page.name != name or name in known:
        taken = "which is taken" if name in known else f"but calls itself {page.name!r}"
        raise ValueError(f"is named {name!r}, {taken}")
    if not page.suffix.startswith(".") or not page.suffix[1:].isalnum():
        raise ValueError(f"its suffix must be a dot and letters or digits; found {page.suffix!r}")
    return page


PAGES: Mapping[str, Page] = _found()
"""Every format that a page can be written in."""


def page_of(name: str) -> Page:
    """The format of this name.

    Raises:
        ProtocolError: If there is none.
    """
    if name not in PAGES:
        raise ProtocolError(
            f"there is no page format {name!r} here; there are {', '.join(PAGES)}. Others come from "
            f"installed packages with an entry point in the group {ENTRY_POINTS}."
        )
    return PAGES[name]
