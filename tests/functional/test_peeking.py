"""Ways past a registration: each leaves a line in the log, or sees nothing of the evaluation split."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

import hypotest as package
from hypotest.pipeline.texts.document_log import read_log
from hypotest.registration.locks.lock import read_lock
from tests.functional.protocols import with_predictions

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture
def folder(small_protocol, tmp_path, monkeypatch):
    """The small protocol with two predictions and positions to spare, in a folder of its own."""
    folder = tmp_path / "protocols"
    shutil.copytree(small_protocol.parent, folder, ignore=shutil.ignore_patterns("*.yaml", "*.json*"))
    text = with_predictions(small_protocol.read_text(encoding="utf-8"), "coordination", "single-head")
    text = text.replace("  label_shuffled: {draws: 399}\n", "").replace("positions: 120", "positions: 60")
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    return folder


def lines(tmp_path, use="evaluation"):
    return [item for item in read_log(tmp_path / "cache")[0] if item.use == use]


def test_a_run_under_another_id_seed_margin_and_folder_is_named(folder, tmp_path, hypotest):
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    path = copy / "pilot.yaml"
    text = (copy / "small.yaml").read_text(encoding="utf-8")
    path.write_text(
        text.replace("id: small", "id: pilot").replace("below_percentile: 50", "below_percentile: 40")
    )
    cache = str(tmp_path / "cache")
    done = hypotest("run", path, "--seed", "3", "--out", tmp_path / "out", HYPOTEST_CACHE=cache)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / "cache" / "evidence")

    done = hypotest("register", folder / "small.yaml", HYPOTEST_CACHE=cache)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "Its runs are exploratory" in said and "evaluation documents were seen before" in said
    assert "by pilot (" in said and "layer 3)" in said
    assert "What no tool can see" in said
    seen = read_lock(folder / "small.lock.json").seen
    assert {(item.plan, item.use) for item in seen.by} <= {("pilot", "evaluation"), ("pilot", "selection")}
    assert seen.documents > 0

    exported = hypotest("export", folder / "small.yaml")
    assert "the data existed" in exported.stdout and "by pilot" in exported.stdout

    done = hypotest("register", folder / "small.yaml", "--fresh-documents", HYPOTEST_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert "documents that were seen before are kept out of the evaluation split" in " ".join(
        done.stdout.split()
    )
    assert "No evaluation document was seen here before" in " ".join(done.stdout.split())


def test_fresh_documents_from_registration_to_verification(folder, tmp_path):
    path = folder / "small.yaml"
    text = path.read_text(encoding="utf-8")
    few = folder / "pilot.yaml"
    few.write_text(text.replace("id: small", "id: pilot").replace("positions: 60", "positions: 16"))
    package.run(few, out=tmp_path, device="cpu")
    seen = {name for item in read_log(tmp_path / "cache")[0] for name in item.documents}
    lock = package.register(path, fresh_documents=True, device="cpu").lock
    assert set(lock.kept_out) == seen and lock.seen.nothing

    # what may be looked at before the run keeps to the lock's division of the documents
    package.explore(path, out=tmp_path, device="cpu")
    package.run(path, limit=100, out=tmp_path, device="cpu")
    looked = {name for item in lines(tmp_path, "selection") for name in item.documents}
    run = package.run(path, out=tmp_path, device="cpu")
    assert run.results.registration.status == "confirmatory", run.results.registration.reasons
    (own,) = [item for item in lines(tmp_path) if item.plan == "small"]
    assert own.documents and not set(own.documents) & (looked | seen)

    # a later registration does not change what the run was
    package.register(path, fresh_documents=False, device="cpu")
    checked = package.verify(run, recollect=True, device="cpu", protocol=path)
    assert checked.verified, [item for item in checked.checks if item.status != "agrees"]
    assert len([item for item in lines(tmp_path) if item.plan == "small"]) == 2  # it was run over them again


BORDER = "rare.target.frequency.below_percentile, common.target.frequency.from_percentile"


def test_every_definition_of_a_multiverse_is_written_down(folder, tmp_path):
    path = folder / "small.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("seed: 11", f"multiverse:\n  conditions:\n    {BORDER}: [40]\n  draws: 39\nseed: 11")
    )
    result = package.multiverse(path, out=tmp_path, device="cpu")
    assert len({item.evidence for item in lines(tmp_path)}) == result.n_evidence == 2
    assert not package.register(path, device="cpu").lock.seen.nothing


def test_looking_again_at_evidence_that_is_there_is_written_down(folder, tmp_path):
    for name in ("one", "two"):
        package.run(folder / "small.yaml", out=tmp_path / name, device="cpu")
    first, second = lines(tmp_path)
    assert (first.documents, first.evidence) == (second.documents, second.evidence)
    (by,) = package.register(folder / "small.yaml", device="cpu").lock.seen.by
    assert by.times == 2 and by.first < by.last


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_run_that_is_killed_has_its_line(folder, tmp_path):
    command = [sys.executable, "-m", "hypotest", "run", str(folder / "small.yaml"), "--out", str(tmp_path)]
    process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "evaluation split" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stderr.close()
    (viewing,) = lines(tmp_path)
    assert viewing.plan == "small"
    lock = package.register(folder / "small.yaml", device="cpu").lock
    assert lock.seen.documents == lock.split["evaluation_documents"]


def test_without_a_log_nothing_is_run(folder, tmp_path, hypotest):
    (tmp_path / "cache" / "documents-seen.jsonl").mkdir(parents=True)
    done = hypotest("run", folder / "small.yaml", "--out", tmp_path, HYPOTEST_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "cache").glob("evidence/*/forward"))
