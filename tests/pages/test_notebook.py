"""What people look at in a notebook shows itself there, with every name that comes from outside escaped."""

from __future__ import annotations

import html
import importlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from hypotest.pages.document import document
from hypotest.pages.inline import strong
from hypotest.pages.notebook import notebook_html, show_as
from hypotest.records.results.shown import Shown

HOSTILE = "<script>alert(1)</script>"
SHOWN = [
    ("hypotest.records.cache", "CacheContents", "hypotest.studies.cache.study"),
    ("hypotest.records.cache", "Pruned", "hypotest.studies.cache.study"),
    ("hypotest.studies.bundle.record", "Bundled", "hypotest.studies.bundle.study"),
    ("hypotest.studies.compare.record", "Comparison", "hypotest.studies.compare.study"),
    ("hypotest.studies.controls.record", "Controls", "hypotest.studies.controls.study"),
    ("hypotest.studies.explore.record", "Exploration", "hypotest.studies.explore.study"),
    ("hypotest.studies.forecast.record", "Forecast", "hypotest.studies.forecast.study"),
    ("hypotest.studies.multiverse.record", "MultiverseResult", "hypotest.studies.multiverse.study"),
    ("hypotest.records.registered", "Registered", "hypotest.studies.register.study"),
    ("hypotest.studies.power.record", "PowerResult", "hypotest.studies.power.study"),
    ("hypotest.studies.series.record", "SeriesResult", "hypotest.studies.series.study"),
    ("hypotest.records.results.trial", "TrialResult", "hypotest.pipeline.trial"),
    ("hypotest.studies.verify.record", "Verification", "hypotest.studies.verify.study"),
]


@dataclass(frozen=True, slots=True)
class Titled(Shown):
    title: str


def test_a_record_is_shown_as_on_a_terminal():
    record = Titled(HOSTILE)
    assert record._repr_html_() is None  # a notebook falls back on the text
    show_as(Titled, lambda item: document([strong(item.title)]))
    shown = record._repr_html_()
    assert html.escape(HOSTILE) in shown
    assert "<script" not in shown
    assert shown.startswith("<pre") and "font-weight: bold" in shown


@pytest.mark.parametrize(("module", "record", "study"), SHOWN)
def test_who_returns_a_record_says_how_it_is_shown(module, record, study):
    kind = getattr(importlib.import_module(module), record)
    assert issubclass(kind, Shown)
    assert getattr(importlib.import_module(study), record) is kind


def test_every_record_that_shows_itself_is_listed_here():
    folder = Path(importlib.import_module("hypotest").__file__).parent
    modules = {
        ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if "(Shown):" in path.read_text(encoding="utf-8")
    }
    assert modules == {module for module, *_ in SHOWN}


def test_a_record_is_shown_once(monkeypatch):
    """Within a notebook rich would print beside what is returned."""
    printed = []
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *shown: printed.append(shown))
    show_as(Titled, lambda item: document([item.title]))
    assert "a title" in Titled("a title")._repr_html_()
    assert not printed


def test_where_there_is_no_html_a_record_is_lines_and_not_all_of_its_numbers():
    assert Titled("a title")._repr_mimebundle_() == {
        "text/plain": "a title",
        "text/html": Titled("a title")._repr_html_(),
    }


def test_a_long_record_scrolls_by_itself():
    shown = notebook_html(document([f"line {number}" for number in range(300)]))
    assert "max-height" in shown and "overflow-y: auto" in shown
