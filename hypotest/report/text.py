"""Names that come from outside, made safe for a terminal and for Markdown.

Titles, token strings and package names are written by others: a token may well be ``|``, ``<b>`` or
an escape sequence of the terminal.
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_LONE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_SPECIAL = re.compile(r"([\\`*\[\]<>|#~!$@{}^])")
_LIST_MARKER = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=:])")


def printable(name: object) -> str:
    r"""One line of visible characters: no control codes, no direction marks, no line breaks.

    Examples:
        >>> printable("a\x1b[31mb\n c")
        'a[31mb c'
    """
    spaced = re.sub(r"\s+", " ", str(name))
    visible = "".join(character for character in spaced if unicodedata.category(character) not in _HIDDEN)
    return re.sub(" +", " ", visible).strip()  # what was hidden may have stood between two spaces


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


def escape_markdown(name: object) -> str:
    r"""Text that GitHub shows as it was written: no emphasis, links, HTML, mathematics or cells.

    Underscores inside words stay as they are, since they never mean emphasis there.

    Examples:
        >>> escape_markdown("size_matched"), escape_markdown("<b>|*")
        ('size_matched', '\\<b\\>\\|\\*')
    """
    text = _SPECIAL.sub(r"\\\1", printable(name).replace("&", "&amp;"))
    text = _LONE_UNDERSCORE.sub(r"\\_", text)
    text = text.replace("://", r"\://").replace("www.", r"www\.")
    return _LIST_MARKER.sub(_escaped_marker, text)


def _escaped_marker(found: re.Match[str]) -> str:
    number, stop, sign = found.groups()
    return f"{number}\\{stop}" if number else f"\\{sign}"


def token_text(token: str) -> str:
    r"""A token with its white space made visible: ``␣`` for a space, ``\n`` for a line break.

    Examples:
        >>> token_text(" the"), token_text("a\n")
        ('␣the', 'a\\n')
    """
    shown = token.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return printable(shown.replace(" ", "␣")) or "(not printable)"


def file_slug(name: str) -> str:
    """A part of a file name, from any name.

    Examples:
        >>> file_slug("head-specificity"), file_slug("../Ä b")
        ('head-specificity', 'b')
    """
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:64].strip("-") or "unnamed"


def sentence_list(names: list[str] | tuple[str, ...]) -> str:
    """Names joined as in a sentence.

    Examples:
        >>> sentence_list(["a"]), sentence_list(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
