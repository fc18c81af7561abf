"""What `hypotest view` finds, and what it says where there is nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hypotest.errors import OutputError
from hypotest.studies.view.study import runs_in, view
from tests.example import EXAMPLE


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Two runs, of which one is damaged, and something else."""
    run = tmp_path / "rare-tokens" / "one"
    run.mkdir(parents=True)
    for name in ("results.json", "manifest.json", "report.html"):
        shutil.copy(EXAMPLE / name, run / name)
    other = tmp_path / "other run" / "two"
    other.mkdir(parents=True)
    (other / "results.json").write_text('{"title": 1', encoding="utf-8")
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_a_run_is_its_report(reports: Path) -> None:
    run = reports / "rare-tokens" / "one"
    assert view(run) == run / "report.html"
    (run / "report.html").unlink()
    with pytest.raises(OutputError, match=r"report.html: not found; `hypotest report"):
        view(run)


def test_a_folder_is_an_index_of_its_runs(reports: Path) -> None:
    good, bad = runs_in(reports)
    assert good.place == "rare-tokens/one" and good.protocol == "rare-tokens" and not good.problem
    assert good.subject == "reference, layer 3" and good.status == "exploratory"
    assert dict(good.verdicts)["modular"] == "refuted" and good.started.startswith("20")
    assert bad.place == "other run/two" and "JSONDecodeError" in bad.problem
    page = view(reports).read_text(encoding="utf-8")
    assert 'href="./rare-tokens/one/report.html"' in page and "cannot be read" in page
    assert page == view(reports).read_text(encoding="utf-8")


def test_runs_of_another_version_are_listed_by_what_they_say(reports: Path) -> None:
    file = reports / "rare-tokens" / "one" / "results.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**data, "schema_version": 3, "subject": None}), encoding="utf-8")
    assert runs_in(reports)[0].title == data["title"]


def test_nothing_to_open_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds no run; `hypotest run PROTOCOL"):
        view(tmp_path)
    with pytest.raises(OutputError, match="not found; name the folder of a run"):
        view(tmp_path / "none")


@pytest.mark.slow
def test_the_command_says_where_it_lies_and_needs_no_browser(reports: Path) -> None:
    call = [sys.executable, "-m", "hypotest", "view", str(reports), "--no-open"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, str(reports / "index.html")), done.stderr
