"""How much the cache may take, as the user says."""

from __future__ import annotations

import math
import os
import re

from hypotest.errors import ProtocolError

QUOTA = "HYPOTEST_CACHE_QUOTA"
"""Variable of the environment that holds it."""
_UNITS = {"": 1e9, "B": 1.0}
_UNITS |= {f"{letter}B": 1000.0 ** (place + 1) for place, letter in enumerate("KMGT")}
_UNITS |= {f"{letter}IB": 1024.0 ** (place + 1) for place, letter in enumerate("KMGT")}
_SIZE = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)\s*([A-Za-z]*)")


def quota_bytes() -> int | None:
    """What the cache may take, from ``$HYPOTEST_CACHE_QUOTA``; None without.

    Raises:
        ProtocolError: If it is no size.
    """
    text = os.environ.get(QUOTA, "").strip()
    if not text:
        return None
    size = size_in_bytes(text)
    if size is None:
        raise ProtocolError(f"{QUOTA}={text}: must be a number with a unit, such as 20GB, 500MB or 1.5TiB")
    return size


def size_in_bytes(text: str) -> int | None:
    """A size that somebody wrote; None if it is none. A number alone is in GB.

    Examples:
        >>> size_in_bytes("1.5 GB"), size_in_bytes("20"), size_in_bytes("2KiB"), size_in_bytes("much")
        (1500000000, 20000000000, 2048, None)
    """
    match = _SIZE.fullmatch(text)
    unit = None if match is None else _UNITS.get(match[2].upper())
    if match is None or unit is None or not math.isfinite(size := float(match[1]) * unit):
        return None
    return int(size)
