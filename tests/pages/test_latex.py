"""LaTeX takes every character of every text, and shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypotest.pages.document import Document, Figure, Paragraph, table
from hypotest.pages.inline import Span, link, plain
from hypotest.pages.latex import PAGE
from hypotest.pages.latex_text import _PUNCTUATION, _SYMBOLS, WITHOUT_GLYPH, escaped, inline
from tests.pages.latex import compiled, needs_latex
from tests.pages.test_conformance import ODD, every_block

KNOWN = {"textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar"}
COMMAND = re.compile(r"\\([a-zA-Z]+|.)")
LETTERS = re.compile(r"\\hypotestletters\{[^}]*\}\{([^}]*)\}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("50 % & #1 $x$ {a}", r"50 \% \& \#1 \$x\$ \{a\}"),
        ("a_b^c~d\\e", r"a\_\allowbreak{}b\textasciicircum{}c\textasciitilde{}d\textbackslash{}e"),
        ("a--b ---", "a-{}-b -{}-{}-"),
        ("'' ,, ?` !`", r"'{}' ,{}, ?{}\textasciigrave{} !{}\textasciigrave{}"),
        ("[x]* <y>", r"{[}x{]}{*} \textless{}y\textgreater{}"),
        ("p ≤ 0.05, κ = −1", r"p $\leq$ 0.05, $\kappa$ = $-$1"),
        ("Größe", "Größe"),
        ("漢字x", r"\hypotestletters{U+6F22 U+5B57}{漢字}x"),
    ],
)
def test_characters_that_mean_something_are_written_as_what_they_are(text: str, shown: str) -> None:
    assert escaped(text) == shown


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=40))
def test_no_character_keeps_a_meaning(text: str) -> None:
    r"""What is left beside our own commands holds no special sign, and no letter without a font."""
    shown = escaped(text)
    rest = LETTERS.sub("", shown)
    for symbol in set(_SYMBOLS.values()):
        rest = rest.replace(symbol, "")
    names = COMMAND.findall(rest)
    words = {name for name in names if name.isalpha()}
    assert words <= KNOWN | {"allowbreak", "symbol", "textasciigrave"}
    assert {name for name in names if not name.isalpha()} <= set("{}$&#%_")
    rest = COMMAND.sub("", rest)
    assert not set('\\$&#%_^~|<>"`') & set(rest)
    assert rest.count("{") == rest.count("}")
    assert all(letter < "\u0180" or letter in _PUNCTUATION for letter in rest)
    assert not set(WITHOUT_GLYPH) & set(rest)


@given(st.text(st.characters(min_codepoint=0x180), min_size=1, max_size=8))
def test_letters_without_a_font_keep_their_numbers_and_themselves(text: str) -> None:
    rare = "".join(sign for sign in text if sign not in _SYMBOLS and sign not in _PUNCTUATION)
    if rare:
        shown = escaped(rare)
        assert "".join(LETTERS.findall(shown)) == rare
        assert all(f"U+{ord(sign):04X}" in shown for sign in rare)


def test_links_lead_out_alone() -> None:
    assert inline(link("a_b", "https://x.org/a_b?c=1&d=50%#e")) == (
        r"\href{https://x.org/a\_b?c=1\%26d=50\%25\%23e}{a\_\allowbreak{}b}"
    )
    for address in ("javascript:alert(1)", "file:///etc", "other.md"):
        assert "href" not in inline(link("text", address))


def test_a_figure_is_a_pdf_beside_the_page() -> None:
    shown = PAGE.render(Document((Figure("figures/one", "50 %", "what\n% it shows"),)))
    assert "\\hypotestfigure{figures/one.pdf}" in shown
    assert "\\caption{50 \\%}" in shown
    assert "% what % it shows\n" in shown  # in a comment, of one line


def test_a_table_too_wide_for_a_page_goes_on_with_its_first_column() -> None:
    names = [f"a-long-name-of-column-number-{number}" for number in range(9)]
    cells = [f"wordwithoutabreak{number}" for number in range(9)]
    shown = PAGE.render(Document((table(names, [cells]),)))
    tables = re.findall(r"\\begin\{longtable\}(.*?)\\end\{longtable\}", shown, flags=re.S)
    assert len(tables) > 1
    assert all("wordwithoutabreak0 " in item for item in tables)
    for number in range(1, 9):
        assert shown.count(f"wordwithoutabreak{number} ") == 1
    for item in tables:
        widths = [float(width) for width in re.findall(r"dimexpr ([\d.]+)", item)]
        assert sum(widths) <= 1.001


@needs_latex
def test_every_block_compiles_with_odd_text(tmp_path: Path) -> None:
    letters = "".join(map(chr, range(0xA1, 0x180)))
    texts = [
        *ODD,
        letters,
        "".join(_SYMBOLS),
        _PUNCTUATION,
        "?` !` ,, '' -- --- << >> [x] *a* \\\\",
        "a" * 300,
    ]
    file = tmp_path / "odd.tex"
    file.write_text(
        PAGE.render(Document(tuple(item for text in texts for item in every_block(text)))), "utf-8"
    )
    compiled(file)


@needs_latex
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=60), min_size=20, max_size=20))
def test_any_text_compiles(tmp_path: Path, texts: list[str]) -> None:
    cells = tuple(
        Paragraph((text, Span(text, "strong"), Span(text, address="https://x.y/" + text))) for text in texts
    )
    rows = table([*texts[:5]], [texts[5:10], texts[10:15]])
    file = tmp_path / "any.tex"
    file.write_text(PAGE.render(Document((*cells, rows))), "utf-8")
    compiled(file)


@needs_latex
def test_it_is_part_of_a_paper(tmp_path: Path) -> None:
    """Twice in one, with what its head asks for and without hyperref."""
    page = PAGE.render(Document(every_block("text")))
    (tmp_path / "one.tex").write_text(page, "utf-8")
    asked = re.findall(r"^%\s+(\\usepackage.*)$", page, flags=re.M)
    paper = ["\\documentclass{article}", *asked, "\\begin{document}", "\\appendix"]
    paper += ["\\input{one}", "\\input{one}", "the end", "\\end{document}"]
    (tmp_path / "paper.tex").write_text("\n".join(paper), "utf-8")
    compiled(tmp_path / "paper.tex")


def test_plain_text_is_as_it_was() -> None:
    assert inline("a plain sentence, with 1.5 and (brackets).") == plain(
        "a plain sentence, with 1.5 and (brackets)."
    )
