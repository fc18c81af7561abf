"""Models of the Hub without a network: from the cache where it has them, else a plain error at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import ResolvedRevision
from huggingface_hub.errors import GatedRepoError

from hypotest.errors import SubjectError
from hypotest.records.stored.hub import HubAnswer
from hypotest.subjects.loading import loading
from hypotest.subjects.loading.loading import load_language_model, load_reader

COMMIT = "0123456789abcdef" * 2 + "01234567"
NAME = "org/small"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "home" / "hub"
    folder.mkdir(parents=True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def snapshot(cache, small_model_folder):
    """The small model as the Hub's own client keeps it, downloaded as the main branch and as v1.0."""
    repository = cache / "models--org--small"
    place = repository / "snapshots" / COMMIT
    shutil.copytree(small_model_folder, place)
    (repository / "refs").mkdir()
    for name in ("main", "v1.0"):
        (repository / "refs" / name).write_text(COMMIT)
    return place


def message_of(load, *arguments, **keys):
    with pytest.raises(SubjectError) as caught:
        load(*arguments, **keys)
    assert str(caught.value).startswith("subject.model: cannot load ")
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT])
def test_the_cache_answers(snapshot, revision):
    subject = load_language_model(NAME, revision=revision, device="cpu")
    assert (subject.n_neurons, subject.revision) == (96, COMMIT)
    assert load_reader(NAME, revision=revision).vocab_size == 400


@pytest.mark.parametrize("load", [load_reader, load_language_model])
def test_an_empty_cache(cache, tmp_path, load):
    message = message_of(load, "EleutherAI/pythia-1b", revision="step143000", base=tmp_path)
    for part in (
        "'EleutherAI/pythia-1b', revision 'step143000'",
        f"there is no folder {tmp_path / 'EleutherAI' / 'pythia-1b'}",
        f"({cache}) holds nothing of that name",
        "the Hub was not asked, since HF_HUB_OFFLINE is set",
        "run `hf download EleutherAI/pythia-1b --revision step143000`",
        "set HF_HOME to it",
        "name it in subject.model without a revision",
    ):
        assert part in message


def test_a_revision_that_the_cache_lacks(snapshot):
    message = message_of(load_language_model, NAME, revision="step1000", device="cpu")
    assert "holds no revision 'step1000' of it, but main, v1.0;" in message
    shutil.rmtree(snapshot.parents[1] / "refs")
    message = message_of(load_language_model, NAME, device="cpu")
    assert f"holds no revision 'main' of it, but {COMMIT};" in message


@pytest.mark.parametrize(
    ("file", "lacking"),
    [
        ("model.safetensors", "its weights (.safetensors or .bin)"),
        ("config.json", "its config.json"),
        ("tokenizer.json", "its tokenizer.json"),
    ],
)
def test_a_part_that_the_cache_lacks(snapshot, file, lacking):
    (snapshot / file).unlink()
    if file == "tokenizer.json":
        (snapshot / "tokenizer_config.json").unlink()
    message = message_of(load_language_model, NAME, device="cpu")
    assert f"holds that revision without {lacking}; and the Hub was not asked" in message
    assert f"`hf download {NAME}`" in message


def test_a_shard_that_the_cache_lacks(snapshot):
    (snapshot / "model.safetensors").rename(snapshot / "model-1.safetensors")
    index = {"metadata": {}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    message = message_of(load_language_model, NAME, device="cpu")
    assert "holds that revision without 1 of the 2 files of its weights" in message


def test_a_cached_model_that_is_damaged(snapshot):
    (snapshot / "model.safetensors").write_bytes(b"\xff" * 100)
    message = message_of(load_language_model, NAME, device="cpu")
    assert "holds that revision, which cannot be loaded (" in message


def test_what_the_hub_does_not_have_comes_from_the_cache_or_is_said(snapshot, monkeypatch):
    answer = HubAnswer(None, "the Hub has no model of that name, or it is private")
    monkeypatch.setattr(loading, "ask_hub", lambda *_: answer)
    assert load_reader(NAME).vocab_size == 400
    message = message_of(load_reader, "org/other")
    assert message.endswith(
        "holds nothing of that name; and the Hub has no model of that name, or it is private"
    )


def test_online_all_files_are_asked_for_at_one_commit(snapshot, monkeypatch):
    asked = []

    def resolve(self, name, revision, local_files_only):
        asked.append((name, revision, local_files_only))
        return ResolvedRevision(resolved=COMMIT, initial=revision, repo_id=name)

    monkeypatch.setattr(loading, "ask_hub", lambda *_: HubAnswer(COMMIT))
    monkeypatch.setattr(huggingface_hub.HfApi, "resolve_revision", resolve)
    shutil.rmtree(snapshot.parents[1] / "refs")
    assert load_language_model(NAME, revision="v1.0", device="cpu").revision == COMMIT
    assert asked[0] == (NAME, "v1.0", False)


def test_a_gated_model(cache, monkeypatch):
    class Response:
        headers: dict[str, str] = {}  # noqa: RUF012
        request = None

    def refused(*_, **__):
        try:
            raise GatedRepoError("403", response=Response())
        except GatedRepoError as error:
            raise OSError("You are trying to access a gated repo.\nMore") from error

    monkeypatch.setattr(loading, "ask_hub", lambda *_: HubAnswer(COMMIT))
    monkeypatch.setattr(huggingface_hub.HfApi, "resolve_revision", lambda *_, **__: COMMIT)
    monkeypatch.setattr(loading.transformers.AutoConfig, "from_pretrained", refused)
    message = message_of(load_reader, "meta/gated")
    assert (
        "it is gated: accept its conditions at https://huggingface.co/meta/gated and run `hf auth" in message
    )


@pytest.mark.slow
def test_without_a_network_nothing_is_asked_again_and_again(snapshot, cache, tmp_path):
    code = f"""
from hypotest.errors import SubjectError
from hypotest.subjects.loading.loading import load_language_model
print(load_language_model({NAME!r}, device="cpu").revision)
try:
    load_language_model("org/other", device="cpu")
except SubjectError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(cache.parent),
            "HF_ENDPOINT": "http://127.0.0.1:9",  # where nobody listens
        },
        cwd=Path(loading.__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == COMMIT
    assert "the Hub (http://127.0.0.1:9) did not answer: " in second
    assert "Retrying" not in done.stderr
