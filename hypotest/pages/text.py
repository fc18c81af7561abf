"""Text that comes from outside, made safe to show.

Titles, token strings and package names are written by others: a token may well be ``|``, ``<b>`` or
an escape sequence of the terminal. Whoever writes a page hands them on as they are; renderers call this.
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: object) -> str:
    """Visible characters alone, white space as single spaces: no control codes, no direction marks."""
    spaced = re.sub(r"\s+", " ", str(text))
    shown = "".join(character for character in spaced if unicodedata.category(character) not in _HIDDEN)
    return re.sub(" +", " ", shown)  # what was hidden may have stood between two spaces


def printable(name: object) -> str:
    r"""One line of visible characters: no control codes, no direction marks, no line breaks.

    Examples:
        >>> printable("a\x1b[31mb\n c")
        'a[31mb c'
    """
    return visible(name).strip()


def terminal_text(text: object) -> str:
    r"""Lines for a terminal, in which whatever is not visible is written out; nothing is lost.

    Examples:
        >>> print(terminal_text("a\x1b[31mb\nc"))
        a\x1b[31mb
        c
    """
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape", errors="surrogatepass").decode("ascii")
        for character in str(text)
    )


def untaken(wanted: str, taken: set[str], numbered: str) -> str:
    """A name that nothing else of a page has, which is taken from then on.

    Args:
        wanted: The name, if it is free.
        taken: Those that are not; gets this one.
        numbered: What it is else, such as ``{}-{}``: of the wanted name and the first number that is free.

    Examples:
        >>> taken = {"nulls"}
        >>> untaken("nulls", taken, "{}-{}"), untaken("nulls", taken, "{}-{}")
        ('nulls-2', 'nulls-3')
    """
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = numbered.format(wanted, number)
    taken.add(name)
    return name
