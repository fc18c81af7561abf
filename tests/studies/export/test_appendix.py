"""A run as an appendix: what it says, what lies beside it, the same bytes each time."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hypotest.errors import OutputError, ProtocolError
from hypotest.pages.latex_text import escaped
from hypotest.report.run import Run
from hypotest.studies.export.appendix import export_appendix
from tests.example import EXAMPLE
from tests.pages.latex import compiled, needs_latex


@pytest.fixture(scope="module")
def latex(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_appendix(EXAMPLE, "latex", tmp_path_factory.mktemp("latex") / "my Appendix.tex")


@pytest.fixture(scope="module")
def word(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_appendix(EXAMPLE, "word", tmp_path_factory.mktemp("word") / "tables.html")


def test_it_says_what_the_run_found(latex: Path) -> None:
    text, run = latex.read_text("utf-8"), Run.open(EXAMPLE).results
    for heading in ("Verdict", "Predictions", "The ladder of nulls", "Methods", "Limitations of this run"):
        assert f"\\subsection{{{heading}}}" in text
    assert text.count("\\toprule") == text.count("\\bottomrule") == text.count("\\begin{longtable}")
    (table,) = re.findall(r"adjusted p & outcome.*?\\end\{longtable\}", text, flags=re.S)
    for item in run.predictions:
        assert f"\\textbf{{{item.outcome}}}" in table and escaped(item.id) in table
        if item.interval is not None:
            assert "{[}" in table
    assert "\\midrule" in table
    for said in run.limitations:
        parts = [escaped(part) for part in said.split("`")]  # every other one is code
        assert (
            "".join(f"\\texttt{{{part}}}" if place % 2 else part for place, part in enumerate(parts)) in text
        )
    for verdict in run.verdicts:
        assert f"\\textbf{{{verdict.status}}}" in text


def test_figures_lie_beside_it_and_have_no_dates(latex: Path) -> None:
    named = re.findall(r"\\hypotestfigure\{(.+)\}", latex.read_text("utf-8"))
    assert named == ["my-appendix-figures/effects.pdf", "my-appendix-figures/ladder.pdf"]
    for name in named:
        data = (latex.parent / name).read_bytes()
        assert data.startswith(b"%PDF") and b"CreationDate" not in data and b"Producer" not in data
        assert b"/Type3" not in data  # publishers refuse such fonts


def test_the_same_run_gives_the_same_bytes(latex: Path, tmp_path: Path) -> None:
    again = export_appendix(EXAMPLE, "latex", tmp_path / latex.name)
    files = {path.relative_to(latex.parent) for path in latex.parent.rglob("*.*")}
    assert files == {path.relative_to(tmp_path) for path in again.parent.rglob("*.*")} and len(files) == 3
    for name in files:
        assert (latex.parent / name).read_bytes() == (tmp_path / name).read_bytes(), name


@needs_latex
def test_it_compiles_and_nothing_is_wider_than_the_page(latex: Path) -> None:
    compiled(latex)
    said = compiled(latex)
    assert "Overfull" not in said
    assert "LaTeX Warning: File" not in said


class Cells(HTMLParser):
    """Rows of tables, and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")


def test_a_word_processor_finds_tables_and_pictures(word: Path) -> None:
    reader = Cells()
    reader.feed(word.read_text("utf-8"))
    run = Run.open(EXAMPLE).results
    assert reader.elements.count("table") == 3  # verdicts, predictions, ladder
    assert reader.elements.count("tr") == 3 + len(run.verdicts) + 2 * len(run.predictions)
    assert not {"script", "style", "link", "svg"} & set(reader.elements)
    assert reader.images == ["tables-figures/effects.png", "tables-figures/ladder.png"]
    for name in reader.images:
        assert (word.parent / name).read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="page=html: must be one of latex, word"):
        export_appendix(EXAMPLE, "html", tmp_path / "x")
    with pytest.raises(OutputError, match="folder of a run"):
        export_appendix(tmp_path, "latex", tmp_path / "x.tex")
    (tmp_path / "x-figures").write_text("", "utf-8")
    with pytest.raises(OutputError, match="x-figures"):
        export_appendix(EXAMPLE, "latex", tmp_path / "x.tex")
