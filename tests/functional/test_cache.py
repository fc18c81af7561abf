"""Evidence that was pruned: what registrations know of it, and that it is collected again."""

import json
import shutil

import pytest

import hypotest as package
from hypotest.registration.locks.lock import read_lock
from tests.unrendered import figures_not_rendered


@pytest.fixture
def study(small_protocol, tmp_path, monkeypatch):
    """A small study in a folder of its own, run once, with a cache of its own."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    shutil.copytree(small_protocol.parent, tmp_path / "study")
    monkeypatch.chdir(tmp_path / "study")
    text = small_protocol.read_text(encoding="utf-8").replace("draws: 599", "draws: 299")
    (tmp_path / "study" / "small.yaml").write_text(text.replace("draws: 399", "draws: 99"), encoding="utf-8")
    with figures_not_rendered():
        yield tmp_path / "study"


def test_pruned_evidence_is_collected_anew_and_documents_count_as_seen(study, hypotest, tmp_path):
    cache = str(tmp_path / "cache")
    first = package.run("small.yaml", device="cpu")
    pruned = hypotest("cache", "prune", "--run", first.folder, HYPOTEST_CACHE=cache)
    assert pruned.returncode == 0, pruned.stderr
    assert "Removed 2 entries" in pruned.stdout
    assert list((tmp_path / "cache" / "evidence").iterdir()) == []
    missing = package.verify(first)
    assert not missing.verified and not missing.named("differs")

    registered = package.register("small.yaml", device="cpu")
    assert not registered.lock.seen.unlogged_evidence
    assert registered.lock.seen.documents > 0
    assert read_lock(registered.file).seen == registered.lock.seen

    again = package.run("small.yaml", device="cpu")
    assert again.results.registration.status == "exploratory"
    assert not json.loads((again.folder / "manifest.json").read_text())["evidence"]["was_cached"]
    assert again.nulls.equals(first.nulls)
    assert again.manifest["evidence_sha256"] == first.manifest["evidence_sha256"]

    held = hypotest("cache", "prune", "--older-than", 0, HYPOTEST_CACHE=cache)
    assert held.returncode == 0 and held.stdout.count("needed by") == 2
    shown = hypotest("cache", HYPOTEST_CACHE=cache)
    assert shown.returncode == 0 and "small" in shown.stdout


def test_a_wrong_run_is_refused(study, hypotest):
    refused = hypotest("cache", "prune", "--run", "nowhere")
    assert refused.returncode == 1 and "must be the folder of a run" in refused.stderr
