"""Every command on a page of docs does what it does on a small study, in the order of the page.

What needs another machine or hours is named, with the test that covers it.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.conftest import Command
from tests.functional.protocols import with_predictions, written
from tests.test_pages import commands
from tests.texts import ROOT, pages
from tests.unrendered import figures_not_rendered

ELSEWHERE = {
    "--scheduler": "tests/functional/test_cluster.py",
    "--cluster": "tests/functional/test_cluster.py",
    "--measure kurtosis": "tests/functional/test_plugin.py",
    "--subject-later": "tests/functional/test_subject_later.py",
}
"""Words of a command that needs more than a small study -> the test that runs it."""
RUN = "reports/my-study/TIME-HASH"
PAGES = [page for page in pages() if any(commands(page))]


@pytest.fixture
def study(
    hypotest: Command, small_protocol: Path, small_model_folder: Path, tmp_path: Path
) -> Iterator[Path]:
    """A folder with what pages speak of: a study, a run of it, series, text, a model."""
    folder = tmp_path / "study"
    shutil.copytree(small_protocol.parent, folder)
    text = with_predictions(small_protocol.read_text(encoding="utf-8"), "specialization", "clustering")
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    alternatives = "multiverse:\n  select: [{top_fraction: 0.25}]\n"
    plan = text.replace("id: small", "id: my-study").replace("seed: 11", f"{alternatives}seed: 11")
    (folder / "my-study.yaml").write_text(plan, encoding="utf-8")
    for name in ("layers.yaml", "grid.yaml"):
        written(folder / "small.yaml", name, f"subject: {{model: {small_model_folder}, layer: [-2, -1]}}")
    (folder / "path" / "to").mkdir(parents=True)
    (folder / "path" / "to" / "model").symlink_to(small_model_folder)
    (folder / "texts").mkdir()
    for file in folder.glob("*.txt"):
        shutil.copy(file, folder / "texts")
    shutil.copytree(ROOT / "protocols" / "papers", folder / "protocols" / "papers")
    shutil.copy(folder / "my-study.yaml", folder / "protocols" / "rare-tokens.yaml")
    for file in folder.glob("*.txt"):
        shutil.copy(file, folder / "protocols")
    with figures_not_rendered(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert hypotest("run", "my-study.yaml").returncode == 0
        (made,) = (folder / "reports" / "my-study").glob("*")
        made.rename(folder / RUN)
        for name in ("rare-tokens-as-published", "rare-tokens", "smollm2", "first"):
            (folder / "reports" / name).mkdir()
            (folder / "reports" / name / "example").symlink_to(ROOT / "reports" / name / "example")
        yield folder


def as_small(line: str) -> list[str]:
    """The words of a command, on what lies in the folder and on this machine."""
    line = line.replace("--device cuda", "--device cpu")
    named = ["rare-tokens", "smollm2", "first"]
    for place in dict.fromkeys(re.findall(r"\bRUN-ON-\S+", line)):
        line = line.replace(place, f"reports/{named.pop(0)}/example")
    words = shlex.split(line, comments=True)
    if words[0] == "calibrate":
        words += ["--simulations", "2"]
    if words[0] in ("demo", "view"):
        words += ["--no-open"]
    return words


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_are_run(page: Path, study: Path, hypotest: Command) -> None:
    plan = (study / "my-study.yaml").read_text(encoding="utf-8")
    for line in commands(page):
        if any(words in line for words in ELSEWHERE):
            continue
        words = as_small(line)
        if words[0] == "init":
            (study / "my-study.yaml").unlink(missing_ok=True)
        done = hypotest(*words)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        if words[0] == "init":  # what it writes runs on the reference model, for minutes
            (study / "my-study.yaml").write_text(plan, encoding="utf-8")
        for packed in (study / "reports" / "my-study").glob("*.zip"):
            shutil.copy(packed, study)
        if words[:2] == ["cache", "prune"]:
            assert "remove" in done.stdout.lower()


def test_what_is_run_elsewhere_is_on_a_page_and_in_a_test() -> None:
    said = "\n".join(line for page in PAGES for line in commands(page))
    for words, file in ELSEWHERE.items():
        assert words in said and (ROOT / file).exists()
