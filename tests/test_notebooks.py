"""The tutorials run as they are, and say what they say on their page: ``make docs-test``."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import NOTEBOOKS, executed, is_progress, outputs, said, shown
from tests.texts import DOCS

MOST_LINES = 30
MOST_SECONDS = 900
"""Two minutes are meant; the machine of a test may be shared by many."""
_NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*")
_PATH = re.compile(r"/(?:tmp|home|root|work|Users|usr)/|[A-Z]:\\")


def read(path: Path) -> Any:
    nbformat = pytest.importorskip("nbformat", reason="of the extra docs, which `make docs` installs")
    return nbformat.read(path, as_version=4)


def words(text: str) -> str:
    return " ".join(_NUMBER.sub("0", text).split())


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in _NUMBER.findall(text) if number.strip(",")]


def test_every_tutorial_is_on_the_list() -> None:
    listed = (DOCS / "tutorials" / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\((.*?)\.ipynb\)", listed)
    assert sorted(linked) == [path.stem for path in NOTEBOOKS]
    assert "\n".join(linked) in listed  # the same ones, in the same order, in the table of contents


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_has_its_outputs_and_they_are_short(path: Path) -> None:
    every = list(outputs(read(path)))
    assert every
    for output in every:
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.text
        text = shown(output)
        assert len(text.splitlines()) <= MOST_LINES
        assert not _PATH.search(text + output.get("data", {}).get("text/html", ""))


def test_a_run_in_a_notebook_shows_progress_then_table_and_effects() -> None:
    """In one cell, and nothing else: ``hypotest.run(...)`` of a kernel as readers have it."""
    cells = [
        cell for cell in read(DOCS / "tutorials" / "own-question.ipynb").cells if cell.cell_type == "code"
    ]
    (cell,) = (cell for cell in cells if cell.source.endswith("\nrun"))
    line, table = cell.outputs
    assert is_progress(line) and re.search(r"report and figures, (\d+) of \1,", shown(line))
    html = table.data["text/html"]
    assert html.index("<pre") < html.index("Verdict") < html.index('<img width="')
    assert html.count("\n") < 60 and "max-height" in html
    assert shown(table).startswith("Run('reports/numbers/")


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # of kernels, not of ours
def test_a_tutorial_runs_as_its_page_says(path: Path, tmp_path: Path) -> None:
    """Word for word; numbers to a hundredth, since another processor adds in another order."""
    committed = said(read(path))
    begun = time.monotonic()
    again = said(executed(path, tmp_path))
    assert time.monotonic() - begun < MOST_SECONDS
    assert [words(text) for text in again] == [words(text) for text in committed]
    for now, before in zip(again, committed, strict=True):
        assert numbers(now) == pytest.approx(numbers(before), rel=0.01, abs=0.002)
