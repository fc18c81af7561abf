"""Sentences that quote numbers: equal but for the rounding of their decimals."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def same_sentence(
    stored: str, fresh: str, relative: float, absolute: float = 0.0, counts: float = 0.0
) -> bool:
    """Whether two sentences have the same words and, within their last digit, the same numbers.

    Whole numbers are counts and must be equal. A decimal, or a number with an exponent, was rounded before it
    was written: it may differ by one unit of its last digit, beyond what the number itself may.

    Args:
        stored: One sentence.
        fresh: The other.
        relative: By which share decimals may differ.
        absolute: By how much they may differ besides.
        counts: By which share whole numbers may differ.

    Examples:
        >>> same_sentence("17 of 20, p = 0.0120", "17 of 20, p = 0.0121", 1e-5)
        True
        >>> same_sentence("17 of 20", "18 of 20", 1e-5), same_sentence("p = 0.012", "p = 0.020", 1e-5)
        (False, False)
    """
    if _NUMBER.sub("#", stored) != _NUMBER.sub("#", fresh):
        return False
    pairs = zip(_NUMBER.findall(stored), _NUMBER.findall(fresh), strict=True)
    return all(one == two or _near(one, two, relative, absolute, counts) for one, two in pairs)


def _near(one: str, two: str, relative: float, absolute: float, counts: float) -> bool:
    values = [float(text.replace(",", "")) for text in (one, two)]
    distance, largest = abs(values[0] - values[1]), max(values)
    if _is_whole(one) and _is_whole(two):
        return distance <= counts * largest
    unit = max(_unit(one), _unit(two))
    return distance <= 1.001 * unit + relative * largest + absolute  # 1.001: units have no exact binary form


def _is_whole(text: str) -> bool:
    return "." not in text and "e" not in text


def _unit(text: str) -> float:
    """One of the last digit that is written.

    Examples:
        >>> _unit("1.20e-5"), _unit("0.012")
        (1e-07, 0.001)
    """
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(f"1e{int(exponent or 0) - decimals}")
