"""README and docs, typed as they stand: every command that needs nothing but this machine.

The protocol is the small one, on a small random model, under the name that the pages give it; a run's folder
stands where a page says TIME-HASH.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.protocols import with_predictions
from tests.test_pages import commands
from tests.texts import fenced, pages

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_figures")]

ROOT = Path(__file__).parents[2]
STUDY = "my-study.yaml"
KEPT = ("specialization", "coordination")
MULTIVERSE = "multiverse: {select: [{top_fraction: 0.25}], draws: 99}\nseed:"
ELSEWHERE = {
    r"--device cuda": "there is no GPU here",
    r"RUN-ON|path/to": "names what a reader has",
    r"--scheduler|--cluster": "there is no cluster here; tests of their own",
    r"--workers": "tests of its own",
    r"--plan": "a test of its own",
    r"--subject-later": "a test of its own, since it locks the protocol",
    r"^calibrate": "tests of its own, which take minutes",
    r"^run protocols/": "the example itself, which takes minutes",
    r"TIME-HASH.zip": "a test of its own, of bundles",
}
"""Command lines that are not typed here, and why."""


def typed_here() -> Iterator[Any]:
    """Each command line once, with the first page that has it."""
    seen: set[tuple[str, ...]] = set()
    for page in pages():
        for line in commands(page):
            words = tuple(shlex.split(line, comments=True))
            if words not in seen and not any(re.search(pattern, line) for pattern in ELSEWHERE):
                seen.add(words)
                yield pytest.param(line, id=f"{page.stem}: {' '.join(words)[:60]}")


def place_of(folder: Path, small_protocol: Path) -> Path:
    """A folder as somebody has it who followed the pages so far."""
    folder.mkdir()
    for file in small_protocol.parent.iterdir():
        if file.is_file() and file.suffix != ".yaml":
            shutil.copy(file, folder)
    text = with_predictions(small_protocol.read_text(encoding="utf-8"), *KEPT)
    text = text.replace("id: small", "id: my-study", 1).replace("seed:", MULTIVERSE, 1)
    (folder / STUDY).write_text(text, encoding="utf-8")
    for name in ("reports", "protocols"):
        (folder / f"kept-{name}").symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope="module")
def typed(hypotest, small_protocol, tmp_path_factory, no_figures):
    """Run a command line as a page has it, in one folder for all pages; TIME-HASH is the newest run."""
    folder = place_of(tmp_path_factory.mktemp("pages") / "work", small_protocol)
    cache = str(tmp_path_factory.mktemp("cache"))

    def call(line: str):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            if "TIME-HASH" in line and not (folder / "reports").exists():
                assert hypotest("run", STUDY, HYPOTEST_CACHE=cache).returncode == 0
            runs = sorted((folder / "reports" / "my-study").glob("2*"))
            words = shlex.split(line, comments=True)
            if words[0] == "init":
                words[-1:] = (
                    ["another.yaml"] if words[-1].endswith(".yaml") else [*words[-1:], "another.yaml"]
                )
                (folder / "another.yaml").unlink(missing_ok=True)
            words = [word.replace("TIME-HASH", runs[-1].name) if runs else word for word in words]
            words = [
                word
                if word.startswith("reports/my-study")
                else re.sub(r"^(reports|protocols)/", r"kept-\1/", word)
                for word in words
            ]
            return hypotest(*words, HYPOTEST_CACHE=cache)

    return call


@pytest.mark.parametrize("line", [*typed_here()])
def test_a_command_of_a_page_does_what_it_says(typed, line):
    done = typed(line)
    said = " ".join((done.stdout + done.stderr).split())
    allowed = {0, 3} if line.startswith("verify") else {0}  # a page before has let the evidence go
    assert done.returncode in allowed, said[-600:]
    assert "Traceback" not in said


@pytest.mark.parametrize("pattern", [*ELSEWHERE])
def test_what_is_not_typed_stands_on_a_page(pattern):
    assert any(re.search(pattern, line) for page in pages() for line in commands(page))


def test_the_python_of_the_readme_runs(small_protocol, tmp_path, monkeypatch):
    """On a small protocol under the name that stands there."""
    (code,) = fenced("python", ROOT / "README.md")
    folder = place_of(tmp_path / "work", small_protocol)
    shutil.copy(folder / STUDY, folder / "numbers.yaml")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["run"].results.registration.status == "confirmatory"
