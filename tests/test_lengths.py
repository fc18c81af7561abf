"""No file of the package is too long to be read at a sitting, and no folder too full to be taken in."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "hypotest"
MOST_LINES = 300
MOST_MODULES = 24


def test_no_file_is_longer_than_three_hundred_lines():
    longer = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert sorted(longer) == [], "split along a seam: a file says what it is"


def test_no_folder_is_a_flat_room_of_many_files():
    counts = {
        folder.relative_to(PACKAGE).as_posix(): sum(1 for _ in folder.glob("*.py"))
        for folder in [PACKAGE, *PACKAGE.rglob("*")]
        if folder.is_dir()
    }
    assert max(counts.values()) > 1
    assert {name: count for name, count in counts.items() if count > MOST_MODULES} == {}, "give it rooms"
