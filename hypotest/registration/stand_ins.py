"""What stands in for the wrong parts of a protocol, so that the rest can be checked."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.registration.findings import KeyPath

_CONDITIONS = {"first": {"index": {"below": 64}}, "second": {"index": {"from": 64}}}
_NULL = next(iter(NULLS))
_PREDICTION = {
    "id": "stand-in",
    "measure": next(name for name, item in MEASURES.items() if NULLS[_NULL].form in item.contrasts),
    "contrast": {"null": _NULL},
    "role": "descriptive",
}
_STAND_INS: dict[str, Any] = {
    "hypotest": 1,
    "id": "stand-in",
    "title": "stand-in",
    "conditions": _CONDITIONS,
    "group": {"select": {"top_fraction": 0.02}},
    "nulls": {name: {} for name in NULLS},
    "seed": 0,
}
"""What a required key is given while the rest of a broken protocol is checked."""


def filled(data: dict[str, Any], gone: set[KeyPath]) -> dict[str, Any]:
    """Data without what is wrong, and with something in its place where a plan cannot do without."""
    left: dict[str, Any] = without(data, gone)
    left |= {key: value for key, value in _STAND_INS.items() if (key,) in gone}
    written = data.get("conditions")
    if isinstance(written, dict) and ("conditions",) not in gone:
        others = cycle(_CONDITIONS.values())  # of more than two, which is wrong too, some are the same
        left["conditions"] = {
            name: next(others) if ("conditions", name) in gone else left["conditions"][name]
            for name in written
        }
    if not left.get("predictions"):
        left["predictions"] = [_PREDICTION]
    return left


def without(value: Any, gone: set[KeyPath], path: KeyPath = ()) -> Any:
    """Copy data without what lies at some paths; the depth is bounded by the reader."""
    if isinstance(value, dict):
        return {
            key: without(item, gone, (*path, key)) for key, item in value.items() if (*path, key) not in gone
        }
    if isinstance(value, list):
        return [
            without(item, gone, (*path, place))
            for place, item in enumerate(value)
            if (*path, place) not in gone
        ]
    return value
