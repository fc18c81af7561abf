"""Words put together, as every layer's texts need them."""

from __future__ import annotations

from collections.abc import Sequence


def sentence_list(words: Sequence[str]) -> str:
    """Words joined as in a sentence.

    Examples:
        >>> sentence_list(["a"]), sentence_list(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return "".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    Examples:
        >>> counted(1, "network"), counted(9999, "draw")
        ('1 network', '9,999 draws')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
