"""Records that show themselves in a notebook; how, the report says, since records know no pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_SHOWN: dict[type, tuple[Callable[[Any], str], Callable[[Any], str]]] = {}
"""Class -> what renders its records as HTML and as lines of text."""


class Shown:
    """A record that people look at."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """A fragment of HTML, for notebooks; None where nothing says how, which leaves the text."""
        as_html, _ = _SHOWN.get(type(self), (None, None))
        return None if as_html is None else as_html(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """HTML, and lines for where there is none: a record's own text would be all of its numbers."""
        if type(self) not in _SHOWN:
            return {}
        as_html, as_text = _SHOWN[type(self)]
        return {"text/html": as_html(self), "text/plain": as_text(self)}


def shown_by(record: type[Shown], as_html: Callable[[Any], str], as_text: Callable[[Any], str]) -> None:
    """Say how records of a class are shown.

    Args:
        record: The class.
        as_html: Record to a fragment of HTML in which everything that is not the report's own is escaped.
        as_text: Record to lines of text.
    """
    _SHOWN[record] = (as_html, as_text)
