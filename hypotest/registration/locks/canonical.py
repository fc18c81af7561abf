"""One form for each plan, and one text and hash for equal data.

What two protocols that differ only in their writing have in common; locks and registry are hashed alike.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypotest.measures.registry import filled_options
from hypotest.records.protocol.protocol import Protocol


def canonical(protocol: Protocol) -> dict[str, Any]:
    """Give a protocol as plain data that says everything.

    Defaults are filled in, those of the measures' options included; keys without a value are left
    out, so that a later version with a new optional key gives the same form. Expectations are
    sorted, since their order says nothing; ``any`` is an empty list.

    Args:
        protocol: A valid protocol.

    Returns:
        Data that ``json`` can write and ``Protocol.model_validate`` reads back as an equal plan.
    """
    data: dict[str, Any] = protocol.model_dump(mode="json", exclude_none=True)
    # a list, since sorted keys would lose which condition is the first
    data["conditions"] = [{name: condition} for name, condition in data["conditions"].items()]
    for written, prediction in zip(data["predictions"], protocol.predictions, strict=True):
        written["options"] = filled_options(prediction)
        # A hypothesis that is not named expects as much as one with `any`.
        written["expects"] = {name: sorted(prediction.expects.get(name, ())) for name in protocol.hypotheses}
    return data


def protocol_hash(protocol: Protocol) -> str:
    """Hash the plan, not its writing: comments, formatting and order of keys do not matter.

    Returns:
        SHA-256 of the canonical form as JSON with sorted keys, 64 hexadecimal digits.
    """
    return canonical_hash(canonical(protocol))


def canonical_json(value: Any) -> str:
    """One text for equal data: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_hash(value: Any) -> str:
    """SHA-256 of `canonical_json`, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def refuse_constant(name: str) -> None:
    """For ``json.loads``: NaN and infinities are no JSON.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not a JSON number")
