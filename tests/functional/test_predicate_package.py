"""A package with one file and an entry point adds a way to say which rows a condition has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[1] / "plugins" / "bracketed"
CONDITIONS = """\
conditions:
  inside: {bracketed: {depth: 1}}
  outside: {not: {bracketed: {}}}
sample: {positions: 200, match: [document]}
group: {select: {top_fraction: 0.02}}
nulls: {size_matched: {draws: 199}}
predictions:
  - id: coordination
    measure: effective_dimension
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: any
    distributed: less
seed: 1
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, source = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(PLUGIN, source)  # building leaves files beside them
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--target", str(folder), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def command(installed: Path | None, cache: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    path = [] if installed is None else [str(installed)]
    python_path = os.pathsep.join([*path, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "HYPOTEST_CACHE": str(cache), "PYTHONPATH": python_path, "COLUMNS": "100"}
    call = [sys.executable, "-m", "hypotest", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, env=environment)


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "brackets.yaml"
    head = "hypotest: 1\nid: brackets\ntitle: Are the neurons of brackets coordinated?\n"
    path.write_text(head + CONDITIONS, encoding="utf-8")
    return path


def test_validate_explain_and_schema_know_it(installed: Path, protocol: Path, cache: Path) -> None:
    done = command(installed, cache, "validate", protocol)
    assert done.returncode == 0, done.stdout + done.stderr
    explained = " ".join(command(installed, cache, "explain", protocol).stdout.split())
    assert "to inside where at least 1 brackets of the block are open" in explained
    assert '"bracketed"' in command(installed, cache, "schema").stdout


def test_its_options_are_checked_and_it_is_unknown_where_it_is_not_installed(
    installed: Path, protocol: Path, cache: Path
) -> None:
    without = command(None, cache, "validate", protocol)
    assert without.returncode == 2 and "unknown key 'bracketed'" in without.stdout + without.stderr
    protocol.write_text(protocol.read_text("utf-8").replace("depth: 1", "depth: 0"), "utf-8")
    wrong = command(installed, cache, "validate", protocol)
    assert "conditions.inside.bracketed.depth: must be at least 1; found 0" in " ".join(
        (wrong.stdout + wrong.stderr).split()
    )


def test_the_text_is_told_apart_by_it(installed: Path, protocol: Path, cache: Path, tmp_path: Path) -> None:
    done = command(installed, cache, "corpus", "check", protocol, "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    corpus = json.loads((tmp_path / "brackets" / "corpus" / "corpus.json").read_text(encoding="utf-8"))
    inside, outside = corpus["samples"]
    assert (inside["condition"], outside["condition"]) == ("inside", "outside")
    assert corpus["frequencies"] is None
    assert all(item["target"] for sample in corpus["samples"] for item in sample["excerpts"])
    said = " ".join(done.stdout.split())
    assert "inside: where at least 1 brackets of the block are open" in said and "»" in said


def test_shuffled_labels_only_describe_it(installed: Path, protocol: Path, cache: Path) -> None:
    """Its labels are constant within single positions, for which nothing is calibrated."""
    shuffled = "nulls: {label_shuffled: {draws: 199, unit: position}, "
    text = protocol.read_text("utf-8").replace("nulls: {", shuffled)
    contrast = "contrast: {null: label_shuffled}, modular: greater"
    premise = f"  - {{id: first, role: premise, measure: selectivity, {contrast}}}\n"
    protocol.write_text(text.replace("seed: 1", premise + "seed: 1"), "utf-8")
    done = command(installed, cache, "validate", protocol)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert "labels of inside and outside are told apart by" in said
    assert "shuffled labels are not calibrated" in said
    protocol.write_text(protocol.read_text("utf-8").replace(", unit: position", ", unit: type"), "utf-8")
    torn = command(installed, cache, "validate", protocol)
    assert "would be torn apart" in " ".join((torn.stdout + torn.stderr).split())


@pytest.fixture(scope="module")
def run_folder(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run by it, and its cache."""
    place, cache = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("cache")
    path = place / "brackets.yaml"
    head = "hypotest: 1\nid: brackets\ntitle: Are the neurons of brackets coordinated?\nplacebos: 0\n"
    path.write_text(head + CONDITIONS, encoding="utf-8")
    done = command(installed, cache, "run", path, "--out", place)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = place.glob("brackets/*")
    return folder, cache


@pytest.mark.slow
def test_the_manifest_says_whose_it_is(run_folder: tuple[Path, Path]) -> None:
    manifest = json.loads((run_folder[0] / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["predicates"] == {"bracketed": "hypotest-bracketed 1.0"}


@pytest.mark.slow
def test_its_run_still_opens_when_it_is_gone(run_folder: tuple[Path, Path]) -> None:
    folder, cache = run_folder
    advice = "no predicate bracketed here: install hypotest-bracketed 1.0"
    assert command(None, cache, "show", folder).returncode == 0
    verified = command(None, cache, "verify", folder)
    said = " ".join(verified.stdout.split())
    assert verified.returncode == 3 and advice in said and "DIFFER" not in said
    again = command(None, cache, "report", folder)
    assert again.returncode == 0, again.stderr
    assert advice in (folder / "report.md").read_text("utf-8")


def test_a_lock_breaks_when_its_file_is_edited(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "from hypotest.pipeline.registered.fence import code_of;"
        "from hypotest.registration import load_protocol;"
        f"print(code_of(load_protocol({str(tmp_path / 'brackets.yaml')!r})))"
    )
    head = "hypotest: 1\nid: brackets\ntitle: Are the neurons of brackets coordinated?\n"
    (tmp_path / "brackets.yaml").write_text(head + CONDITIONS, encoding="utf-8")

    def hashed() -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
        call = [sys.executable, "-c", code]
        return subprocess.run(call, capture_output=True, text=True, env=environment, check=True).stdout

    before = hashed()
    module = tmp_path / "hypotest_bracketed.py"
    text = module.read_text(encoding="utf-8")
    word, constant = ("open in the block", "open there"), ('text.count(")")', 'text.count("]")')
    assert word[0] in text and constant[0] in text
    module.write_text(text.replace(*word), "utf-8")
    assert hashed() == before
    module.write_text(text.replace(*constant), "utf-8")
    assert hashed() != before
