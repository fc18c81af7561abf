"""Compiling what is written as LaTeX, where there is a LaTeX."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="needs pdflatex, of Debian's texlive-latex-recommended"
)


def compiled(file: Path) -> str:
    """What pdflatex says of a file that it compiles in its folder, without an error."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", file.name]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, check=False)
    said = done.stdout.decode("latin-1")
    assert done.returncode == 0, said[-2000:]
    assert "Output written on" in said.replace("\n", "")
    return said
