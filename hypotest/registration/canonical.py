"""One form for each plan: what two protocols that differ only in their writing have in common."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypotest.records.protocol import Protocol
from hypotest.registration.measures import filled_options


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
    text = json.dumps(
        canonical(protocol),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
        allow_nan=False,
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()
