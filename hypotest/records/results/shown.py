"""Records that show themselves in a notebook; how, the report says, since records know no pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_SHOWN: dict[type, Callable[[Any], str]] = {}


class Shown:
    """A record that people look at."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """A fragment of HTML, for notebooks; None where nothing says how, which leaves the text."""
        render = _SHOWN.get(type(self))
        return None if render is None else render(self)


def shown_by(record: type[Shown], render: Callable[[Any], str]) -> None:
    """Say how records of a class are shown.

    Args:
        record: The class.
        render: Record to a fragment of HTML in which everything that is not the report's own is escaped.
    """
    _SHOWN[record] = render
