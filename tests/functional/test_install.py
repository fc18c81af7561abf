"""The way of `docs/install.md` without make: an environment, `pip install`, `python -m hypotest`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.texts import ROOT

SOURCES = ("hypotest", "protocols", "pyproject.toml", "constraints.txt", "README.md", "LICENSE")


@pytest.mark.slow
def test_an_environment_without_make(tmp_path: Path) -> None:
    """As on Windows, where there is none; what it depends on is taken from here, not fetched once more."""
    sources = tmp_path / "hypotest"
    sources.mkdir()
    for name in SOURCES:
        place = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        if place.is_dir():
            shutil.copytree(place, sources / name, ignore=ignored)
        else:
            shutil.copy(place, sources / name)
    venv.create(tmp_path / "env", with_pip=True)
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / Path(sys.executable).name

    def said(*words: object, **further: str) -> str:
        done = subprocess.run(
            [python, "-m", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, **further},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said("pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", sources)
    shutil.rmtree(sources / "hypotest")  # what was installed is what runs
    needed = {"PYTHONPATH": sysconfig.get_path("purelib")}
    code = [python, "-c", "import hypotest; print(hypotest.__file__)"]
    installed = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(installed.stdout.strip()).is_relative_to(tmp_path / "env")
    assert "modular: refuted" in said("hypotest", "demo", "--no-open", **needed)
    assert "valid" in said("hypotest", "validate", sources / "protocols" / "rare-tokens.yaml", **needed)
    assert (tmp_path / "reports" / "demo" / "report.html").exists()
