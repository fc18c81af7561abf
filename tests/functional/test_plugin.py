"""Packages with one file and an entry point add a measure and a null, and every command knows them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "plugins"
PREDICTION = """\
  - id: tails
    measure: kurtosis
    options: {sign: absolute}
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: greater
    distributed: any
seed: 11
"""
NO_BYTECODE = shutil.ignore_patterns("__pycache__")
"""Of a file that is changed within the second, to the same length, Python would take the old one."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example packages in a folder of their own."""
    folder = tmp_path_factory.mktemp("installed")
    sources = tmp_path_factory.mktemp("source") / "plugins"
    shutil.copytree(PLUGINS, sources)  # building leaves files beside them
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    places = [str(sources / name) for name in ("kurtosis", "contiguous")]
    done = subprocess.run([*command, "--target", str(folder), *places], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def protocol(small_protocol: Path) -> Path:
    path = small_protocol.with_name("tails.yaml")
    text = small_protocol.read_text(encoding="utf-8").replace("seed: 11\n", PREDICTION)
    path.write_text(text.replace("nulls:\n", "nulls:\n  contiguous: {draws: 399}\n"), "utf-8")
    return path


@pytest.fixture(scope="module")
def run_folder(
    installed: Path, protocol: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("out")
    done = command(installed, cache, "run", protocol, "--out", out)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*/*/"))


def command(installed: Path | None, cache: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command with, or without, the package beside those that are installed."""
    path = [] if installed is None else [str(installed)]
    python_path = os.pathsep.join([*path, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "HYPOTEST_CACHE": str(cache), "PYTHONPATH": python_path, "COLUMNS": "100"}
    call = [sys.executable, "-m", "hypotest", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, env=environment)


def test_a_protocol_that_names_it_is_valid_where_it_is_installed(installed, protocol, cache):
    assert command(installed, cache, "validate", protocol).returncode == 0
    without = command(None, cache, "validate", protocol)
    assert without.returncode != 0
    said = " ".join((without.stdout + without.stderr).split())
    assert "unknown measure 'kurtosis'" in said
    assert "nulls.contiguous" in said


def test_its_options_are_checked(installed, protocol, cache):
    wrong = protocol.with_name("wrong.yaml")
    wrong.write_text(protocol.read_text(encoding="utf-8").replace("sign: absolute", "sign: none"), "utf-8")
    done = command(installed, cache, "validate", wrong)
    assert done.returncode != 0
    assert "one of signed, absolute" in done.stdout + done.stderr


def test_it_is_explained_and_in_the_schema(installed, protocol, cache):
    assert "how heavy the tails" in " ".join(command(installed, cache, "explain", protocol).stdout.split())
    schema = command(installed, cache, "schema").stdout
    assert '"kurtosis"' in schema and "number of random stretches" in schema
    explained = " ".join(command(installed, cache, "explain", protocol).stdout.split())
    assert "399 groups of as many neurons side by side" in explained


def rungs(item: dict) -> list[tuple[str, str]]:
    return [(rung["null"], rung["variant"]) for rung in item["ladder"]]


def test_a_run_tests_it_and_reports_it(run_folder):
    results = json.loads((run_folder / "results.json").read_text(encoding="utf-8"))
    (tails,) = [item for item in results["predictions"] if item["id"] == "tails"]
    assert tails["outcome"] in ("less", "greater", "inconclusive")
    assert {rung["null"] for rung in tails["ladder"]} >= {"size_matched", "label_shuffled", "contiguous"}
    assert len(tails["ladder"]) == len({*rungs(tails)})
    report = (run_folder / "report.md").read_text(encoding="utf-8")
    assert "fourth standardised moment" in report
    assert "399 stretches of as many neurons of the layer (contiguous)" in report
    assert "contiguous: is it unlike other neurons that lie side by side?" in report
    assert "more rarely and more strongly" in report


def test_too_few_of_its_draws_are_refused_in_its_own_words(installed, protocol, cache, tmp_path):
    """A layer of 96 neurons has 96 stretches, and no p among them reaches 0.05 / 8."""
    resting = protocol.with_name("resting.yaml")
    text = protocol.read_text(encoding="utf-8")
    tails = text.index("id: tails")
    changed = text[:tails] + text[tails:].replace("null: size_matched", "null: contiguous")
    resting.write_text(changed, "utf-8")
    done = command(installed, cache, "run", resting, "--out", tmp_path)
    assert done.returncode != 0
    assert "distinct stretches of 14 neurons" in " ".join(done.stderr.split())


def test_the_manifest_says_whose_it_is(run_folder):
    manifest = json.loads((run_folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["measures"] == {"kurtosis": "hypotest-kurtosis 1.0"}
    assert manifest["nulls"] == {"contiguous": "hypotest-contiguous 1.0"}


@pytest.mark.parametrize(
    ("name", "word", "constant"),
    [
        ("kurtosis", ("lighter tails", "tails that are lighter"), ("fisher=True", "fisher=False")),
        (
            "contiguous",
            ("side by side?", "beside each other?"),
            ("(0, n_neurons, size", "(1, n_neurons, size"),
        ),
    ],
)
def test_a_lock_breaks_when_its_file_is_edited(installed, tmp_path, name, word, constant):
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True, ignore=NO_BYTECODE)
    code = (
        "from hypotest.pipeline.registered.fence import code_hash; "
        "print(code_hash(['kurtosis'], ['contiguous']))"
    )

    def hashed() -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
        call = [sys.executable, "-c", code]
        return subprocess.run(call, capture_output=True, text=True, env=environment, check=True).stdout

    before = hashed()
    module = tmp_path / f"hypotest_{name}.py"
    text = module.read_text(encoding="utf-8")
    assert word[0] in text and constant[0] in text
    module.write_text(text.replace(*word), "utf-8")
    assert hashed() == before
    module.write_text(text.replace(*constant), "utf-8")
    assert hashed() != before


def test_what_cannot_be_checked_without_it_is_not_called_different(run_folder, cache):
    done = command(None, cache, "verify", run_folder)
    said = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "no measure kurtosis here and no null contiguous here: install the package that brings it" in said
    assert "DIFFER" not in said


def test_its_run_still_opens_when_it_is_gone(run_folder, cache):
    shown = command(None, cache, "show", run_folder)
    assert shown.returncode == 0, shown.stderr
    assert "tails" in shown.stdout
    again = command(None, cache, "report", run_folder)
    assert again.returncode == 0, again.stderr
    assert "Written without a package that the run used" in (run_folder / "report.md").read_text("utf-8")


def test_it_is_calibrated_before_it_is_believed(installed, cache):
    call = ("calibrate", "--measure", "kurtosis", "--simulations", "4", "--scenario", "nothing")
    done = command(installed, cache, *call, "--workers", "1")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "kurtosis" in said
    assert " local " in said
    assert "hill_alpha" not in said
    without = command(None, cache, *call)
    assert without.returncode != 0
    assert "there is no measure 'kurtosis'" in " ".join(without.stderr.split())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("interface=1", "interface=0"), "version 0 of the interface"),
        (('name="kurtosis"', 'name="kurtois"'), "calls itself 'kurtois'"),
        (("from scipy.stats import kurtosis", "from scipy.stats import no_such_thing"), "ImportError"),
    ],
)
def test_one_that_cannot_be_used_is_left_out_with_the_reason(
    installed, protocol, cache, tmp_path, change, reason
):
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True, ignore=NO_BYTECODE)
    module = tmp_path / "hypotest_kurtosis.py"
    text = module.read_text(encoding="utf-8")
    assert change[0] in text
    module.write_text(text.replace(*change), "utf-8")
    done = command(tmp_path, cache, "validate", protocol)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "unknown measure 'kurtosis'" in said
    assert "is left out" in said
    assert reason in said
    small = protocol.with_name("small.yaml")
    assert command(tmp_path, cache, "validate", small).returncode == 0
