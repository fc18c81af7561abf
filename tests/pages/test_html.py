"""The page as text: nothing is fetched, nothing of others means something, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from hypotest.pages.document import Details, Document, Figure, Heading, Paragraph, Table, document, table
from hypotest.pages.html import PAGE
from hypotest.pages.inline import Span, link, strong, term

SVG = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36">
 <metadata>made by a machine</metadata>
 <defs><style type="text/css">*{stroke-linecap: butt}</style><path id="m1" d="M 0.123456 1"/></defs>
 <!-- text -->
 <g id="unused"><path d="M 0 0 L 72.987654 36" style="fill: #ffffff"/></g>
 <g id="part-one" clip-path="url(#c1)"><use href="#m1"/></g><clipPath id="c1"></clipPath>
</svg>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two figures that use the same ids."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.svg").write_text(SVG, encoding="utf-8")
    return tmp_path


def test_figures_are_inside_and_share_no_id(folder: Path) -> None:
    page = PAGE.render(Document((Figure("a", "first"), Figure("b", "second", "a line"))), folder)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {"figure-a", "figure-b", "figure-a--part-one", "figure-b--m1"} <= set(ids)
    assert 'href="#figure-b--m1"' in page and "url(#figure-a--c1)" in page
    assert 'role="img" aria-label="first"' in page and 'aria-label="a line"' in page
    assert "made by a machine" not in page and "stroke-linecap: butt}" not in page
    assert 'd="M 0.12 1"' in page and "72.99 36" in page  # coordinates as fine as anybody sees
    assert 'class="paper" style="fill: #ffffff"' in page


def test_a_figure_that_is_not_there_is_named() -> None:
    page = PAGE.render(Document((Figure("figures/none", "what it shows"),)))
    assert "what it shows" in page and "figures/none.svg" in page and "<svg" not in page


def test_a_span_opens_a_part_of_a_figure_only_where_it_is(folder: Path) -> None:
    spans = [Span(name, opens=name) for name in ("a#part-one", "a", "a#part-two", "none")]
    page = PAGE.render(document([*spans, Figure("a", "first")]), folder)
    assert re.findall(r'<a class="opens" href="([^"]+)">', page) == [
        "#figure-a--part-one",
        "#figure-a",
        "#figure-a",
    ]


def test_a_word_of_the_glossary_leads_there_once_in_a_section() -> None:
    said = Paragraph("Margins, a margin and a p of marginal p; a pre-margin")
    page = PAGE.render(
        document(
            [Heading("Margin", 2), said, Heading("Next", 2), said],
            {"margin": "how far", "p": "how rare", "q": "-"},
        )
    )
    assert (
        re.findall(r'<a class="term" href="#term-(\w+)">(\w+)</a>', page)
        == [("margin", "Margins"), ("p", "p")] * 2
    )
    assert re.findall(r'<dt id="term-(\w+)">', page) == ["margin", "p"]  # of those that occur
    assert "<dd>how far</dd>" in page


def test_a_word_with_other_senses_is_explained_only_where_it_stands_by_itself() -> None:
    sentence = "Its head, less of an effect: no plan.lock.json in out/lock."
    page = PAGE.render(
        document(
            [sentence, table(["head", "found"], [["a", "less"], ["b", (term("Effect"), " 0.2")]])],
            {"head": "of attention", "less": "below", "effect": "observed less reference", "lock": "a file"},
            ("head", "less", "effect"),
        )
    )
    assert re.findall(r'<a class="term" href="#term-(\w+)">(\w+)</a>', page) == [
        ("head", "head"),
        ("less", "less"),
        ("effect", "Effect"),
    ]
    assert f"<p>{sentence}</p>" in page


def test_every_table_has_a_name_of_its_own() -> None:
    one = [table(["null", "p"], [["a", "1"]]), table(["", "p"], [["b", "2"]])]
    folded = Details("more", (table(["null"], [["c"]]),))
    page = PAGE.render(document([Heading("Nulls"), *one, folded, table(["null"], [["d"]])]))
    assert re.findall(r'role="region" aria-label="([^"]*)"', page) == [
        "Nulls, by null",
        "Nulls",
        "more, by null",
        "Nulls, by null (2)",
    ]


def test_a_table_wider_than_paper_is_told_apart_and_breaks_in_names_alone() -> None:
    narrow, wide = (table([f"null_{n}" for n in range(number)], [["greater"] * number]) for number in (9, 16))
    page = PAGE.render(document([narrow, wide, table(["hash"], [["0" * 64]])]))
    assert re.findall(r'class="scroll( wide)?"', page) == ["", " wide", ""]
    assert '<th scope="col" class="text">null_<wbr>0</th>' in page and "greater<" in page
    assert ">" + "<wbr>".join(["0" * 20, "0" * 20, "0" * 24]) + "<" in page


def test_headings_are_sections_and_what_folds_is_folded() -> None:
    page = PAGE.render(
        document(
            [
                "before",
                Heading("Title", 1),
                Heading("One"),
                Heading("deep", 3, folds=True),
                "x",
                Heading("One"),
                "y",
            ]
        )
    )
    assert '<header><h1 id="title">Title</h1>' in re.sub(r"\n", "", page)
    assert '<details class="folded"><summary>' in page
    assert re.findall(r'<li><a href="#([\w-]+)">', page) == ["one", "one-2"]  # no two anchors alike
    assert page.index("before") < page.index("<h1")


def test_no_link_leads_to_a_script() -> None:
    page = PAGE.render(
        document([link("x", "javascript:alert(1)"), link("y", "data:text/html,z"), link("z", "a b/c.html")])
    )
    assert "javascript:" not in page and "data:text" not in page
    assert '<a href="a b/c.html">z</a>' in page


def test_the_policy_allows_this_script_alone() -> None:
    page = PAGE.render(Document((Paragraph("<script>x</script>"),)))
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert page.count("<script") == 1


def test_the_same_document_gives_the_same_bytes(folder: Path) -> None:
    page = Document(
        (
            Heading("T", 1),
            table(["a", "n"], [[strong("x", "good"), "1"]], numeric=(1,), sorts=True),
            Figure("a", "f"),
        )
    )
    assert PAGE.render(page, folder) == PAGE.render(page, folder)
    assert '<table class="sorts">' in PAGE.render(page) and '<strong class="good">x</strong>' in PAGE.render(
        page
    )


def test_details_hold_tables() -> None:
    inner = Table((), ())
    assert "<details><summary>more</summary>" in PAGE.render(Document((Details("more", (inner,)),)))
