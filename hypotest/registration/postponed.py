"""Keys that belong to the protocol language and are not available yet.

Somebody who writes one of them has read the specification correctly; "unknown key" would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypotest.registration.findings import Finding, KeyPath


def postponed(data: dict[str, Any]) -> Iterator[Finding]:
    """Find keys and values that a later version will accept.

    Args:
        data: A protocol as plain data, not yet validated.

    Yields:
        One error for each.
    """
    if _get(data, "decision", "correction") == "shaffer":
        available = "available: bonferroni, holm"
        yield _not_yet(("decision", "correction"), "Shaffer's correction", available)


def _not_yet(path: KeyPath, what: str, available: str) -> Finding:
    return Finding(path, f"not available yet: {what}; {available}")


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
