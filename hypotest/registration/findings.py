"""What a check finds in a protocol, by the path of the key it is about.

Checks know keys and not lines; `hypotest.registration.load` adds the place in the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the root, such as ``("predictions", 0, "margin")``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, before its place in the file is known."""

    path: KeyPath
    message: str
    """What was required, what was found, what to do."""
    severity: str = "error"
    depends: tuple[KeyPath, ...] = ()
    """Other keys the check has read. If one of them is wrong, this finding is only an echo."""
    mark: tuple[int, int] | None = None
    """Line and column, counted from 0, where they are not those of `path`."""
    at_key: bool = False
    """The key itself is wrong, not its value."""
    taints: bool = True
    """The value cannot be used."""


def related(one: KeyPath, other: KeyPath) -> bool:
    """Whether one path leads to, or into, the other.

    Examples:
        >>> related(("group",), ("group", "select")), related(("group", "by"), ("group", "select"))
        (True, False)
    """
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a misspelled one most likely means.

    Examples:
        >>> nearest("margn", ["measure", "margin"])
        'margin'
    """
    by_lower = {item.lower(): item for item in known}
    matches = difflib.get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=0.65)
    return by_lower[matches[0]] if matches else None


def suggestion(word: Any, known: Iterable[str]) -> str:
    """``; did you mean 'margin'?``, or nothing if no known word is near."""
    match = nearest(word, known) if isinstance(word, str) else None
    return f"; did you mean '{match}'?" if match else ""


def shown(value: Any) -> str:
    """A value as an error message shows it: short, and safe to print.

    Examples:
        >>> shown(True), shown({"a": 1}), shown("less"), shown(3)
        ('true', 'a mapping', "'less'", '3')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = repr(value)
    return text if len(text) <= 60 else text[:45] + "..." + text[-1]


def key_name(path: KeyPath, prediction_ids: dict[int, str]) -> str:
    """The dotted name of a key; predictions are named by their id.

    Examples:
        >>> key_name(("predictions", 0, "margin"), {0: "routing"})
        'predictions.routing.margin'
    """
    parts = []
    for depth, part in enumerate(path):
        if isinstance(part, int) and depth == 1 and path[0] == "predictions":
            parts.append(prediction_ids.get(part, f"#{part + 1}"))
        elif isinstance(part, int):
            parts.append(f"#{part + 1}")
        else:
            parts.append(part if re.fullmatch(r"[\w<-]{1,60}", part, re.ASCII) else shown(part))
    return ".".join(parts)


def ids_of(predictions: Any) -> dict[int, str]:
    """Ids of the predictions that have a presentable one, by their place in the list."""
    if not isinstance(predictions, list):
        return {}
    return {
        place: item["id"]
        for place, item in enumerate(predictions)
        if isinstance(item, dict)
        and isinstance(item.get("id"), str)
        and re.fullmatch(r"[\w-]{1,64}", item["id"], re.ASCII)
    }
