"""No file of the package is too long to be read at a sitting."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "hypotest"
MOST_LINES = 300


def test_no_file_is_longer_than_three_hundred_lines():
    longer = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert sorted(longer) == [], "split along a seam: a file says what it is"
