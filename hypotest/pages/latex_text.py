"""Text of typed spans as LaTeX that every engine takes, whatever characters it holds."""

from __future__ import annotations

import re

from hypotest.pages.inline import Inline, Kind, Span, spans
from hypotest.pages.text import terminal_text

PREAMBLE = r"""\usepackage[T1]{fontenc}
\usepackage{amssymb,array,booktabs,graphicx,longtable}"""
"""What the text below needs, all of it part of every LaTeX."""

MACROS = r"""\providecommand{\hypotestletters}{}
\DeclareRobustCommand{\hypotestletters}[2]{\ifdefined\Umathchar #2\else\texttt{#1}\fi}"""
"""Letters that pdfLaTeX has no font for: themselves where the engine reads Unicode, else their numbers."""

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_\allowbreak{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # behind the end of a row it would be a distance
    "]": "{]}",
    "*": "{*}",  # and this would keep rows together
}
_GREEK = re.findall(
    r"(\S) (\S+)",
    "α alpha β beta γ gamma δ delta ε varepsilon ζ zeta η eta θ theta κ kappa λ lambda μ mu ν nu ξ xi π pi "
    "ρ rho σ sigma τ tau φ varphi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma "
    "Φ Phi Ψ Psi Ω Omega",
)
_SYMBOLS = {
    "▲": "$\\blacktriangle$",
    "▼": "$\\blacktriangledown$",
    "≈": "$\\approx$",
    "○": "$\\circ$",
    "⊘": "$\\oslash$",
    "×": "$\\times$",
    "−": "$-$",
    "≤": "$\\leq$",
    "≥": "$\\geq$",
    "≠": "$\\neq$",
    "→": "$\\rightarrow$",
    "←": "$\\leftarrow$",
    "∞": "$\\infty$",
    "√": "$\\surd$",
    "·": "$\\cdot$",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "␣": r"\textvisiblespace{}",
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", (f"\\textsuperscript{{{sign}}}" for sign in "0123456789-"), strict=True)),
    **{letter: f"$\\{name}$" for letter, name in _GREEK},
}
_LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)|(?<=[?!])(?=`)")
"""Between signs that fonts join: two hyphens are no dash."""
WITHOUT_GLYPH = "ĦħĸĿŀŉŦŧſ\xad\xa0"
"""Of the letters up to U+017F, those for which pdfLaTeX's usual fonts have none."""
_PUNCTUATION = "–—‘’‚“”„•…‰‹›€™"  # meant as they are
_OTHERS = re.compile(f"[^\x20-\x7e\xa1-\u017f{_PUNCTUATION}]+|[{WITHOUT_GLYPH}]+")
_COMMANDS: dict[Kind, str] = {
    "strong": "textbf",
    "match": "textbf",
    "emphasis": "emph",
    "code": "texttt",
    "path": "texttt",
    "superscript": "textsuperscript",
}
_LEADS = re.compile(r"(https?://|mailto:)")
_UNSAFE = re.compile(r"[^\w/:?=.,;+@!'()-]", re.ASCII)


def escaped(text: str) -> str:
    r"""Characters as LaTeX that shows them, also where arguments move and in cells of a table.

    Examples:
        >>> print(escaped("50 % of_it, a--b κ"))
        50 \% of\_\allowbreak{}it, a-{}-b $\kappa$
    """
    parts = []
    for part in re.split(f"([{''.join(map(re.escape, _SYMBOLS))}])", text):
        if part in _SYMBOLS:
            parts.append(_SYMBOLS[part])
            continue
        marked = _LIGATURES.sub("\0", part)
        shown = "".join(_SPECIAL.get(sign, sign) for sign in marked)
        parts.append(_OTHERS.sub(_letters, shown))
    return "".join(parts)


def escaped_line(text: str) -> str:
    """A line of code: spaces stay as many as they are."""
    return escaped(terminal_text(text)).replace(" ", "\\ ")


def inline(text: Inline, breaks: str = r"\newline{}") -> str:
    """A piece of text.

    Args:
        text: What it says.
        breaks: What begins a new line; none does at either end.
    """
    parts = list(spans(text))
    while parts and parts[0].kind == "break":
        parts.pop(0)
    while parts and parts[-1].kind == "break":
        parts.pop()
    return "".join(_span(item, breaks) for item in parts)


def _span(item: Span, breaks: str) -> str:
    if item.kind == "break":
        return breaks
    shown = escaped(terminal_text(item.text) if item.kind == "path" else item.text)
    command = _COMMANDS.get(item.kind)
    shown = f"\\{command}{{{shown}}}" if command else shown
    if not _LEADS.match(item.address):
        return shown
    address = _UNSAFE.sub(
        lambda sign: "".join(f"\\%{byte:02X}" for byte in sign.group().encode()), item.address
    )
    return f"\\href{{{address.replace('_', chr(92) + '_')}}}{{{shown}}}"


def _letters(match: re.Match[str]) -> str:
    letters = match.group()
    if letters == "\0" * len(letters):
        return "{}"
    shown = letters.replace("\0", "")
    numbers = " ".join(f"U+{ord(letter):04X}" for letter in shown)
    return f"\\hypotestletters{{{numbers}}}{{{shown}}}"
