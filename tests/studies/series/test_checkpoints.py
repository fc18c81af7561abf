"""What a series is known to consist of before any weights are read, and what it is without some of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hypotest.engine.cluster import Cluster
from hypotest.engine.session import Session
from hypotest.errors import ProtocolError, RunError, SubjectError
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from hypotest.studies.series import running
from hypotest.studies.series.checkpoints import checkpoints_of, missing_lines, require_all
from hypotest.studies.series.failures import Failure, failure_lines
from hypotest.studies.series.members import is_unreached, loaded, members_in_memory, members_of, planned
from hypotest.studies.series.names import MemberName

ROOT = Path(__file__).parents[3]


@pytest.fixture
def models(small_model_folder, tmp_path) -> Path:
    """Two models of 4 parallel blocks; of the first nothing but the configuration."""
    for name in ("a", "b"):
        shutil.copytree(small_model_folder, tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        if file.name != "config.json":
            file.unlink()
    return tmp_path


def series(**subject: object) -> Protocol:
    protocol = load_protocol(ROOT / "protocols" / "rare-tokens.yaml")
    return protocol.model_copy(update={"subject": protocol.subject.model_copy(update=subject)})


@pytest.mark.parametrize(("layers", "n_members"), [("all", 3), ((2, 3), 2), ((-1, 1, 2), 3), ("last", 1)])
def test_a_model_that_cannot_be_had_stands_for_the_layers_that_it_would_have(models, layers, n_members):
    """Of all: those that its configuration says and attention reaches."""
    lost, there = checkpoints_of(series(model=("a", "b"), layer=layers), models)
    assert lost.n_members == there.n_members == n_members
    assert lost.problem is not None and there.problem is None
    with pytest.raises(SubjectError, match="tokenizer"):
        require_all((lost, there))


def test_a_model_of_which_nothing_is_known_has_as_many_layers_as_the_others(models):
    shutil.rmtree(models / "a")
    lost, _ = checkpoints_of(series(model=("a", "b"), layer="all"), models)
    assert lost.n_members == 3
    (line,) = missing_lines((lost,))
    assert line.startswith("a all layers cannot be had, and the others are run: subject.model: ")
    with pytest.raises(SubjectError, match="no folder"):
        checkpoints_of(series(model=("a", "c"), layer="all"), models)


def test_members_are_known_without_weights_and_on_no_device(models):
    (models / "b" / "model.safetensors").unlink()
    plan, skipped = series(model=("a", "b"), layer="all"), list[str]()
    checkpoints = checkpoints_of(plan, models)
    members = [item for each in checkpoints for item in planned(plan, each, models, "cuda", skipped)]
    assert [item.name.shown for item in members] == ["a all layers", "b layer 1", "b layer 2", "b layer 3"]
    assert [item.n_members for item in members] == [3, 1, 1, 1]
    assert skipped == ["b layer 0: no attention reaches its MLP"]


def test_the_cluster_is_reached_before_anything_is_read(models, monkeypatch):
    """Its tasks are asked for once it is there, and name every layer."""
    plan, asked = series(model=("a", "b"), layer=(2, 3)), []

    def members():
        asked.append(True)
        return [
            item for each in checkpoints_of(plan, models) for item in planned(plan, each, models, "cuda", [])
        ]

    def hand_out() -> running.Finished:
        return running.run_elsewhere(
            Cluster(scheduler="tcp://127.0.0.1:1"), members, models / "p.yaml", models / "out",
            Session.start(1, device="cuda"), [], force=False, contexts=True, on_registration=print,
        )  # fmt: skip

    def nowhere(*_, **__):
        raise ProtocolError("cannot be reached")

    monkeypatch.setattr(running, "run_apart", nowhere)
    with pytest.raises(ProtocolError, match="cannot be reached"):
        hand_out()
    assert not asked

    def there(_cluster, tasks, on_done, *, on_gpu):
        assert on_gpu
        handed_out = tasks(2)
        assert [(task.folder.name, task.device) for task in handed_out] == [
            ("02-b-layer-002", "cuda"), ("02-b-layer-003", "cuda"),
        ]  # fmt: skip
        for number in (1, 0):  # in whatever order they are done
            on_done(number, f"{number} is wrong")

    monkeypatch.setattr(running, "run_apart", there)
    names, results, failed = hand_out()
    assert not names and not results
    assert [(item.name.shown, str(item.error)[-10:]) for item in failed][1:] == [
        ("b layer 2", "0 is wrong"), ("b layer 3", "1 is wrong"),
    ]  # fmt: skip


def test_a_model_that_cannot_be_loaded_is_tried_for_no_more_than_two_layers(models, monkeypatch):
    plan, tried = series(model=("a", "b"), layer="all"), []

    def load(member, *_):
        tried.append(member.subject.layer)
        raise SubjectError("subject.model: torn")

    monkeypatch.setattr("hypotest.studies.series.members.load_subject", load)
    checkpoints = checkpoints_of(plan, models)[1:]
    members = list(members_of(plan, checkpoints, models, "cpu", []))
    assert [str(item.load) for item in members] == ["subject.model: torn"] * 3
    assert tried == [1, 2]


def test_layers_of_a_model_in_memory_share_it(small_subject):
    model, tokenizer, skipped = small_subject.model, small_subject.tokenizer, list[str]()
    members = list(members_in_memory(series(layer="all"), model, tokenizer, ROOT, skipped))
    assert [loaded(item).layer for item in members] == [1, 2, 3]
    assert all(loaded(item).model is model for item in members)
    assert skipped == ["layer 0: no attention reaches its MLP"]
    with pytest.raises(SubjectError, match="names several"):
        next(members_in_memory(series(model=("a", "b")), model, tokenizer, ROOT, skipped))


def test_what_all_layers_failed_with_is_said_once():
    def of(model: str, layer: int) -> MemberName:
        return MemberName(f"{model} layer {layer}", layer, "", model, model, f"{model} all layers")

    torn, full = RunError("its weights\n are torn"), OSError("no space left")
    failures = [Failure(of("a", 1), torn), Failure(of("a", 2), torn)]
    assert failure_lines(failures, [of("b", 1)]) == {"a all layers: its weights are torn": 2}
    lines = {"a layer 1: its weights are torn": 1, "a layer 2: its weights are torn": 1}
    assert failure_lines(failures, [of("a", 3)]) == lines
    apart = failure_lines([Failure(of("a", 1), torn), Failure(of("a", 2), full)], [])
    assert list(apart) == ["a layer 1: its weights are torn", "a layer 2: no space left"]
    whole = Failure(MemberName("c all layers", -1, "", together="c all layers"), torn, 3)
    assert failure_lines([whole], []) == {"c all layers: its weights are torn": 3}
    assert failure_lines([Failure(of("a", 1), MemoryError())], []) == {"a layer 1: MemoryError": 1}


def test_a_layer_without_attention_has_not_failed():
    assert is_unreached("subject.layer: no attention of a/b reaches the MLP of layer 0")
    assert not is_unreached("subject.model: torn")
