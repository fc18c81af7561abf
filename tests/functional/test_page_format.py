"""A package with one file and an entry point adds a page format: a run's report can be written in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hypotest.pages.inline import spans
from hypotest.report.export import read_results
from tests.example import EXAMPLE

PLUGIN = Path(__file__).parents[1] / "plugins" / "plainhtml"
NO_BYTECODE = shutil.ignore_patterns("__pycache__")
"""Of a file that is changed within the second, to the same length, Python would take the old one."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / "plainhtml"
    shutil.copytree(PLUGIN, source)  # building leaves files beside them
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--target", str(folder), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def report(installed: Path | None, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Write the example's report with, or without, the package beside those that are installed."""
    path = [] if installed is None else [str(installed)]
    python_path = os.pathsep.join([*path, *filter(None, [os.environ.get("PYTHONPATH")])])
    call = [sys.executable, "-m", "hypotest", "report", str(EXAMPLE), *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": python_path})


class Reader(HTMLParser):
    """Elements that are open, and what they held."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.rows = 0
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("br", "img", "meta"):
            self.open.append(tag)
        self.rows += tag == "tr"
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append(data)


def test_a_run_is_reported_in_it_whole_and_the_folder_stays(installed, tmp_path):
    before = {path: path.read_bytes() for path in EXAMPLE.rglob("*") if path.is_file()}
    out = tmp_path / "page.html"
    done = report(installed, "--format", "plainhtml", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    page = Reader()
    page.feed(out.read_text(encoding="utf-8"))
    assert page.open == []  # every element is closed
    markdown = (EXAMPLE / "report.md").read_text(encoding="utf-8")
    assert len(page.headings) == len(re.findall(r"^#+ ", markdown, flags=re.M))
    rules = re.findall(r"^\| :?---", markdown, flags=re.M)
    assert page.rows == len(re.findall(r"^\| ", markdown, flags=re.M)) - len(rules)
    assert len(page.images) == markdown.count("![")
    assert all(source.startswith("data:image/png;base64,") for source in page.images)
    assert {path: path.read_bytes() for path in EXAMPLE.rglob("*") if path.is_file()} == before


def test_where_it_is_not_installed_it_is_refused_at_once_by_name(tmp_path):
    done = report(None, "--format", "plainhtml", "--out", tmp_path / "page.html")
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "there is no page format 'plainhtml' here; there are console, html, latex, markdown, word" in said
    assert "hypotest.pages" in said
    assert not list(tmp_path.iterdir())


def test_a_place_without_a_format_is_refused(tmp_path):
    done = report(None, "--out", tmp_path / "page.html")
    assert done.returncode == 2
    assert "add --format" in done.stderr


def test_a_page_without_contexts_quotes_no_line_of_the_text(tmp_path):
    pages = [tmp_path / name for name in ("with.html", "without.html")]
    for out, option in zip(pages, ("--contexts", "--no-contexts"), strict=True):
        done = report(None, "--format", "html", "--out", out, option)
        assert done.returncode == 0, done.stderr
    whole, private = (out.read_text(encoding="utf-8") for out in pages)
    lines = read_results(EXAMPLE / "results.json").contexts.contexts
    befores = [escape(spans(item.before)[0].text) for item in lines if len(item.before) > 20]
    assert befores and any(text in whole for text in befores)
    assert not any(text in private for text in befores)
    assert "Example contexts" in whole and "leave contexts out" in private


def test_no_contexts_is_about_a_page_of_a_format():
    done = report(None, "--no-contexts")
    assert done.returncode == 2 and "add --format" in done.stderr


def test_one_of_our_own_is_printed():
    done = report(None, "--format", "console")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "The ladder of nulls" in done.stdout


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("interface = 2", "interface = 0"), "version 0 of the interface"),
        (('name = "plainhtml"', 'name = "html"'), "calls itself 'html'"),
        (('suffix = ".html"', 'suffix = "html"'), "its suffix must be a dot and letters"),
        (("def render(", "def rendered("), "must have render"),
        (("from html import escape", "from html import no_such_thing"), "ImportError"),
    ],
)
def test_one_that_cannot_be_used_is_left_out_with_the_reason(installed, tmp_path, change, reason):
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True, ignore=NO_BYTECODE)
    module = tmp_path / "hypotest_plainhtml.py"
    text = module.read_text(encoding="utf-8")
    assert change[0] in text
    module.write_text(text.replace(*change), "utf-8")
    done = report(tmp_path, "--format", "plainhtml")
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "page format 'plainhtml' of hypotest_plainhtml:PAGE is left out" in said
    assert reason in said
    assert "there is no page format 'plainhtml' here" in said
