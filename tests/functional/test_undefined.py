"""A run that has seen its evaluation split leaves its report, whatever has no value there."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.functional.conftest import Command

CONTRAST = "    measure: hill_alpha\n    contrast: {null: size_matched}\n"
SPECTRUM = f"  - id: spectrum\n{CONTRAST}    margin: {{null_sd: 2}}\n"
EXPECTED = "    modular: any\n    distributed: less\n"
DESCRIBED = f"  - id: spectrum\n    role: descriptive\n{CONTRAST}"


def changed(path: Path, name: str, *changes: tuple[str, str]) -> Path:
    text = path.read_text(encoding="utf-8").replace("id: small\n", f"id: {name}\n")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    place = path.with_name(f"{name}.yaml")
    place.write_text(text, encoding="utf-8")
    return place


@pytest.fixture
def own_protocol(small_protocol: Path, tmp_path: Path) -> Path:
    """The small protocol in a folder of its own: here plans are registered."""
    return shutil.copytree(small_protocol.parent, tmp_path / "protocol") / small_protocol.name


def test_two_neurons_and_a_registered_plan(
    hypotest: Command, own_protocol: Path, cache: Path, tmp_path: Path
):
    """The issue's example: refused while nothing is seen where it decides; an outcome where it describes."""
    own = tmp_path / "cache"
    environment = {"HYPOTEST_CACHE": str(own)}
    two = ("top_fraction: 0.15", "top_fraction: 0.02")  # of 96 neurons
    deciding = changed(own_protocol, "two-deciding", two)
    done = hypotest("run", deciding, "--out", tmp_path / "out", **environment)
    assert done.returncode == 2, done.stderr
    told = " ".join(done.stderr.split())
    assert "predictions.spectrum" in told and "hill_alpha is undefined on the selection split" in told
    assert not (tmp_path / "out").exists()
    assert len([name for name in os.listdir(own / "evidence")]) == 1  # the selection split alone

    refused = hypotest("register", deciding, **environment)
    assert refused.returncode == 2 and "predictions.spectrum" in refused.stderr

    described = changed(own_protocol, "two-described", two, (SPECTRUM + EXPECTED, DESCRIBED))
    assert hypotest("register", described, **environment).returncode == 0
    done = hypotest("run", described, "--out", tmp_path / "out", **environment)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "out" / "two-described").iterdir()
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    outcomes = {item["id"]: item["outcome"] for item in results["predictions"]}
    assert outcomes["spectrum"] == "undefined"
    assert outcomes["specialization"] != "undefined" and len(results["verdicts"]) == 2
    assert "### spectrum: undefined" in (folder / "report.md").read_text(encoding="utf-8")
    assert "spectrum is undefined" in " ".join(done.stdout.split())
    verified = hypotest("verify", folder, "--protocol", described, **environment)
    assert verified.returncode == 0, verified.stdout + verified.stderr
