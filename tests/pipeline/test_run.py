"""A run refuses what it could not finish, before it loads anything, and opens again what it left behind."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import hypotest
from hypotest.errors import EvidenceError, OutputError, ProtocolError, SubjectError
from hypotest.pipeline import run as module
from hypotest.pipeline.run import load_evidence, run, run_folder, trial_folder, with_seed
from hypotest.records.results.trial import FEWEST_POSITIONS
from hypotest.registration import load_protocol, protocol_hash
from tests.pipeline.made import PROTOCOL, network, protocol_in, recorded

REPORT = Path(__file__).parents[2] / "reports" / "rare-tokens-as-published" / "example"
FLAGSHIP = Path(__file__).parents[2] / "protocols" / "rare-tokens.yaml"
STARTED = datetime(2026, 11, 30, 3, 32, 4, tzinfo=UTC)


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    """A protocol's file in a folder where nothing may appear, and no step behind the checks may be taken."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))

    def too_late(*args, **keys):
        raise AssertionError("something was loaded before everything was checked")

    for name in ("run_plan", "try_plan", "subject_in_memory"):
        monkeypatch.setattr(module, name, too_late)
    return protocol_in(tmp_path)


def refused(path: Path, error: type[Exception] = ProtocolError, **options) -> str:
    """What is said; the folder holds the protocol and nothing else."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(error) as caught:
        run(path, **{"subject": recorded(), "out": path.parent / "reports", **options})
    assert sorted(path.parent.rglob("*")) == before
    return str(caught.value)


def test_what_passes_every_check_is_run(path):
    with pytest.raises(AssertionError, match="before everything was checked"):
        run(path, subject=recorded(), out=path.parent / "reports")
    with pytest.raises(AssertionError, match="before everything was checked"):
        run(path, subject=recorded(), out=path.parent / "reports", limit=FEWEST_POSITIONS)


def test_one_network_is_run(path):
    said = refused(path, model=object())
    assert said == "model=, subject=: name one of the two"


@pytest.mark.parametrize("subject", ["a name", object(), {"activations": 1}])
def test_a_subject_is_a_network_or_evidence(path, subject):
    said = refused(path, SubjectError, subject=subject)
    assert said.startswith("subject=: must be a hypotest.Network or hypotest.Evidence")
    assert said.endswith(f"found {type(subject).__name__}")


def test_a_protocol_is_a_file(path):
    plan = load_protocol(path, network="small")
    with pytest.raises(ProtocolError, match="protocol=: must be the path of a file") as caught:
        run(plan, subject=recorded())
    assert "two-kinds.yaml" in str(caught.value)
    said = refused(path.with_name("none.yaml"))
    assert "none.yaml" in said and "no such file" in said


def test_every_problem_of_the_file_is_named(path):
    text = PROTOCOL.replace("draws: 39", "draws: 0").replace("seed: 3", "seed: -1")
    said = refused(protocol_in(path.parent, text))
    assert "nulls.size_matched.draws" in said and "seed" in said


@pytest.mark.parametrize("limit", [0, -5, 1, FEWEST_POSITIONS - 1])
def test_a_trial_that_is_too_small(path, limit):
    said = refused(path, limit=limit)
    assert said.startswith(f"limit={limit}: must be at least {FEWEST_POSITIONS}")


@pytest.mark.parametrize("limit", [None, 64])
def test_a_place_that_cannot_be_written(path, limit):
    (path.parent / "file").write_text("mine")
    said = refused(path, out=path.parent / "file", limit=limit)
    assert said.startswith(f"out={path.parent / 'file' / 'two-kinds'}: cannot be written")
    assert (path.parent / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "gpu"}, r"device=gpu: there is no such device; name one of auto, cpu"),
        ({"memory": 0.0}, r"memory=0: must be a finite number of GB above 0"),
        ({"memory": float("nan")}, r"memory=nan: must be a finite number"),
        ({"memory": float("inf")}, r"memory=inf: must be a finite number"),
        ({"seed": -1}, r"seed=-1: must be from 0 to 2\*\*63 - 1"),
        ({"seed": 2**63}, r"seed=9223372036854775808: must be"),
    ],
)
@pytest.mark.parametrize("limit", [None, 64])
def test_options_that_cannot_be_followed(path, options, said, limit):
    assert re.match(said, refused(path, **options, limit=limit))


def test_all_of_them_are_named_at_once(path):
    (path.parent / "file").write_text("")
    said = refused(path, out=path.parent / "file", device="gpu", memory=-1.0, seed=-1).splitlines()
    assert [line.partition("=")[0] for line in said] == ["out", "device", "memory", "seed"]


def test_a_model_brings_its_device(tmp_path, monkeypatch):
    """What `device` says is not looked at where the model is in memory; what is wrong with it comes next."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SubjectError) as caught:
        run(FLAGSHIP, model=object(), device="gpu", out=tmp_path)
    assert "gpu" not in str(caught.value)
    with pytest.raises(ProtocolError, match="memory=0"):
        run(FLAGSHIP, model=object(), memory=0, out=tmp_path)


def test_a_cache_that_cannot_be_written(path, monkeypatch):
    (path.parent / "file").write_text("")
    monkeypatch.setenv("HYPOTEST_CACHE", str(path.parent / "file"))
    assert "the cache" in refused(path, OutputError)


def test_a_seed_is_that_of_the_protocol_or_another_one(path):
    plan = load_protocol(path, network="small")
    assert with_seed(plan, None) is plan
    assert with_seed(plan, 0).seed == 0  # a seed as any other
    other = with_seed(plan, 8)
    assert (other.seed, plan.seed) == (8, 3)
    assert other.model_copy(update={"seed": 3}) == plan


def test_a_run_has_a_folder_of_its_own(path, tmp_path):
    plan = load_protocol(path, network="small")
    folder = run_folder(plan, tmp_path, STARTED)
    assert folder.parent == tmp_path / "two-kinds"
    assert re.fullmatch(r"20261130T033204Z-[0-9a-f]{8}", folder.name)
    assert run_folder(plan, str(tmp_path), STARTED) == folder
    later = run_folder(plan, tmp_path, STARTED + timedelta(microseconds=1))  # in the same second
    other = run_folder(with_seed(plan, 8), tmp_path, STARTED)
    assert len({folder.name, later.name, other.name}) == 3
    assert len({name.name[:16] for name in (folder, later, other)}) == 1
    assert protocol_hash(plan) != protocol_hash(with_seed(plan, 8))


def test_a_trial_lies_beside_the_runs(path, tmp_path):
    plan = load_protocol(path, network="small")
    assert trial_folder(plan, tmp_path) == tmp_path / "two-kinds" / "trial"
    assert trial_folder(plan, None) == Path("reports/two-kinds/trial")
    assert run_folder(plan, None, STARTED).parent == Path("reports/two-kinds")


def test_evidence_that_is_gone_is_missed_by_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path))
    opened = hypotest.Run.open(REPORT)
    for known in (opened, str(REPORT), REPORT):
        with pytest.raises(EvidenceError, match=r"no finished evidence in .*HYPOTEST_CACHE") as caught:
            load_evidence(known)
        assert str(tmp_path / "evidence" / opened.manifest["evidence"]["selection"]) in str(caught.value)


@pytest.mark.parametrize("content", ["", "no record", '{"conditions": ["rare", "common"], "forward": 1}'])
def test_evidence_that_is_damaged(tmp_path, monkeypatch, content):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path))
    keys = json.loads((REPORT / "manifest.json").read_text())["evidence"]
    for split in ("selection", "evaluation"):
        folder = tmp_path / "evidence" / keys[split]
        folder.mkdir(parents=True)
        (folder / "shards.json").write_text(content)
    with pytest.raises(EvidenceError, match=keys["selection"]):
        load_evidence(REPORT)


def test_a_folder_without_a_run_has_no_evidence(tmp_path):
    for place in (tmp_path, str(tmp_path / "none")):
        with pytest.raises(OutputError, match=str(place)):
            load_evidence(place)


@pytest.mark.slow
def test_a_run_and_its_trial_from_the_file_to_the_evidence(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    path, told = protocol_in(tmp_path), []
    finished = run(path, subject=network(), out=tmp_path, seed=8, on_registration=told.append)
    assert finished.folder.parent == tmp_path / "two-kinds"
    assert [item.status for item in told] == ["exploratory"]
    assert (finished.results.protocol["seed"], len(finished.results.group.neurons)) == (8, 4)
    evidence = load_evidence(finished)
    assert evidence.n_neurons == 16
    assert {split.positions.height for split in (evidence.selection, evidence.evaluation)} == {40}
    again = run(path, subject=network(), out=tmp_path, seed=8)
    assert again.folder != finished.folder
    assert again.results.predictions == finished.results.predictions
    trial = run(path, subject=network(), out=tmp_path, limit=16)
    assert (trial.asked, trial.group) == (16, 4)
    assert os.path.isdir(trial_folder(load_protocol(path, network="small"), tmp_path))
