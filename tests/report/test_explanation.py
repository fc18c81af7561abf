"""What `hypotest explain` prints at any width, whatever a title holds."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from hypotest.pages.console import PAGE, shown
from hypotest.registration import load_protocol
from hypotest.registration.explained.explain import explain_protocol
from hypotest.registration.explained.lines import Line, Section
from hypotest.registration.template import Started
from hypotest.report.explanation import explanation, start_page

ROOT = Path(__file__).parents[2]


def _printed(sections, width, **options):
    stream = io.StringIO()
    Console(file=stream, width=width, **options).print(shown(explanation(sections)))
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("path", sorted((ROOT / "protocols").glob("*.yaml")), ids=lambda path: path.stem)
def test_fits_the_width_and_loses_nothing(path, width):
    sections = explain_protocol(load_protocol(path))
    text = _printed(sections, width)
    assert max(map(len, text.splitlines())) <= min(width, 88)
    words = text.split()
    for section in sections:
        for line in section.lines:
            for word in f"{line.label} {line.text}".split():
                assert word in words or len(word) > 30


def test_names_cannot_steer_the_terminal():
    sections = [Section("a\x1b[31mb\n[bold]c", (Line("x\r\x1b]0;t\x07 [link=file:///]y", "l\u202e:"),))]
    text = _printed(sections, 80, force_terminal=True, color_system=None)
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert "\r" not in text
    assert "\u202e" not in text
    assert "[bold]c" in text
    assert "[link=file:///]y" in text


def test_what_init_says():
    text = PAGE.render(start_page(Started(Path("a.yaml"), Path("hypotest.schema.json"), "differs")))
    assert "stays" in text
    assert text.splitlines()[-1] == "Next: hypotest explain a.yaml"
