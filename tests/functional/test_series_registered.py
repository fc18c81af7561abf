"""A series is registered as one: a lock that names every member."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from hypotest.report.export import read_results

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_figures")]


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory) -> str:
    """Without the documents that other tests have seen."""
    return str(tmp_path_factory.mktemp("own-cache"))


@pytest.fixture(scope="module")
def protocol(small_protocol: Path, small_model_folder: Path, tmp_path_factory) -> Path:
    """Two layers, two predictions."""
    folder = tmp_path_factory.mktemp("registered") / "protocols"
    shutil.copytree(small_protocol.parent, folder)
    for path in folder.glob("*.yaml"):
        path.unlink()
    head, predictions = small_protocol.read_text(encoding="utf-8").split("predictions:\n")
    head = "\n".join(
        f"subject: {{model: {small_model_folder}, layer: [2, 3]}}" if line.startswith("subject:") else line
        for line in head.splitlines()
        if "label_shuffled" not in line
    )
    kept = [item for item in predictions.split("  - id: ") if item.startswith(("routing", "single-head"))]
    path = folder / "two.yaml"
    text = f"{head}\npredictions:\n{''.join(f'  - id: {item}' for item in kept)}seed: 11\n"
    path.write_text(text.replace("id: small", "id: two", 1), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def registered(hypotest, protocol, own_cache, no_figures):
    done = hypotest("register", protocol, HYPOTEST_CACHE=own_cache)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def finished(registered, hypotest, protocol, own_cache, tmp_path_factory):
    """Console and folder of the run under that lock."""
    out = tmp_path_factory.mktemp("out")
    done = hypotest("run", protocol, "--out", out, HYPOTEST_CACHE=own_cache)
    assert done.returncode == 0, done.stderr
    (folder,) = out.glob("two/*")
    return done, folder


def series_of(folder: Path) -> dict:
    return json.loads((folder / "series" / "series.json").read_text(encoding="utf-8"))


def test_the_lock_names_every_member(registered, protocol):
    assert "a series of 2: layer 2 to layer 3" in " ".join(registered.stdout.split())
    lock = json.loads(protocol.with_name("two.lock.json").read_text(encoding="utf-8"))
    assert [item["subject"] for item in lock["members"]] == [{"layer": 2}, {"layer": 3}]
    assert len({item["evidence"]["evaluation"] for item in lock["members"]}) == 2
    assert lock["seen"]["documents"] == 0


def test_the_series_and_its_members_are_confirmatory(finished, hypotest, protocol, own_cache):
    done, folder = finished
    assert done.stdout.startswith("CONFIRMATORY: run as registered on ")
    assert series_of(folder)["registration"]["status"] == "confirmatory"
    assert "**Confirmatory**" in (folder / "series" / "series.md").read_text(encoding="utf-8")
    for name in ("layer-002", "layer-003"):
        results = read_results(folder / name / "results.json")
        assert results.registration.status == "confirmatory"
        checked = hypotest("verify", folder / name, "--protocol", protocol, HYPOTEST_CACHE=own_cache)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "is registered already" in hypotest("register", protocol, HYPOTEST_CACHE=own_cache).stdout


def test_a_member_is_bundled_with_what_the_series_registered(
    finished, hypotest, protocol, own_cache, tmp_path, monkeypatch
):
    """Found from the project's root, as for a single run; a reviewer needs nothing else."""
    _, folder = finished
    monkeypatch.chdir(protocol.parents[1])
    for options in ((), ("--anonymous",)):
        file = tmp_path / f"member{len(options)}.zip"
        bundled = hypotest("bundle", folder / "layer-003", "--out", file, *options, HYPOTEST_CACHE=own_cache)
        assert bundled.returncode == 0, bundled.stderr
        assert "Left out" not in bundled.stdout
        name = "protocol" if options else "two"
        with zipfile.ZipFile(file) as packed:
            beside = {item for item in packed.namelist() if item.startswith("protocol/")}
            assert b"layer:" in packed.read(f"protocol/{name}.yaml")
        assert beside == {
            f"protocol/{item}" for item in (f"{name}.yaml", f"{name}.lock.json", "registry.jsonl")
        }
        checked = hypotest("verify", file, HYPOTEST_CACHE=str(tmp_path / "empty"))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "confirmatory" in checked.stdout
    refused = hypotest("bundle", folder, HYPOTEST_CACHE=own_cache)
    assert refused.returncode == 1
    assert (
        f"holds 2 runs, each of which can be bundled: `hypotest bundle {folder / 'layer-002'}`"
        in refused.stderr
    )


def test_another_member_makes_the_series_exploratory_and_not_those_that_were_registered(
    finished, hypotest, protocol, own_cache, tmp_path
):
    """A member more is a test more: what was fixed for two says nothing of three."""
    copy = tmp_path / "protocols"
    shutil.copytree(protocol.parent, copy)
    text = protocol.read_text(encoding="utf-8").replace("layer: [2, 3]", "layer: [1, 2, 3]")
    (copy / "two.yaml").write_text(text, encoding="utf-8")
    done = hypotest("run", copy / "two.yaml", "--out", tmp_path / "out", HYPOTEST_CACHE=own_cache)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("EXPLORATORY: ")
    (folder,) = (tmp_path / "out").glob("two/*")
    whole = series_of(folder)["registration"]
    assert any("is not the one that was registered" in reason for reason in whole["reasons"])
    assert any(reason.startswith("layer 1: ") for reason in whole["reasons"])
    own = {
        name: read_results(folder / name / "results.json").registration.status
        for name in ("layer-001", "layer-002", "layer-003")
    }
    assert own == {"layer-001": "exploratory", "layer-002": "confirmatory", "layer-003": "confirmatory"}
