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
