"""Runs without pictures, for tests that look at no figure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hypotest.report.figures import figures
from hypotest.report.figures import style as figure_style


def _named_only(figure: object, folder: Path, name: str) -> None:
    for kind in figure_style.FORMATS:
        (folder / f"{name}.{kind}").write_text(name, encoding="utf-8")


@contextmanager
def figures_not_rendered() -> Iterator[None]:
    """Runs in this process build their figures, and leave files that hold only a name.

    Rendering takes four fifths of a small run whose evidence is there.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "save", _named_only)
        yield
