"""What a name on the Hub looks like, and what the Hub's answers come to."""

from __future__ import annotations

import httpx2
import huggingface_hub
import pytest
from huggingface_hub.errors import OfflineModeIsEnabled, RepositoryNotFoundError, RevisionNotFoundError

from hypotest.records.stored.hub import HubAnswer, is_commit, is_hub_name
from hypotest.subjects.loading.asking import ask_hub

COMMIT = "0123456789abcdef" * 2 + "01234567"


class Info:
    def __init__(self, sha):
        self.sha = sha


@pytest.mark.parametrize("name", ["gpt2", "allenai/c4", "EleutherAI/pythia-1b", "a.b/c_d-e"])
def test_names_of_the_hub(name):
    assert is_hub_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "a/b/c", "../x", "a/..", "/a", "a/", "a b", "https://x.y/z", "x" * 200, "a\0", "\x1b[31m", "a\n"],
)
def test_names_that_are_none(name):
    assert not is_hub_name(name)


def test_a_commit_is_whole():
    assert is_commit(COMMIT)
    assert not any(map(is_commit, (None, "main", COMMIT[:7], COMMIT + "0", COMMIT.upper())))


@pytest.mark.parametrize(("kind", "method"), [("model", "model_info"), ("dataset", "dataset_info")])
def test_the_hub_is_asked_once_for_the_revision(monkeypatch, kind, method):
    asked = []

    def info(self, name, revision, timeout):
        asked.append((name, revision))
        assert 0 < timeout <= 30
        return Info(COMMIT)

    monkeypatch.setattr(huggingface_hub.HfApi, method, info)
    assert ask_hub(kind, "allenai/c4", "main") == HubAnswer(COMMIT)
    assert asked == [("allenai/c4", "main")]


def _http(kind):
    request = httpx2.Request("GET", "https://hub.test/x")
    return kind("404 Client Error", response=httpx2.Response(404, request=request))


@pytest.mark.parametrize(
    ("error", "obstacle", "reached"),
    [
        (OfflineModeIsEnabled("offline"), "the Hub was not asked, since HF_HUB_OFFLINE is set", False),
        (_http(RevisionNotFoundError), "the Hub has the data set, but no revision 'v2' of it", True),
        (_http(RepositoryNotFoundError), "the Hub has no data set of that name, or it is private", True),
        (httpx2.ConnectError("Name or service not known\nmore"), "did not answer: Name or service", False),
        (TimeoutError(), "did not answer: TimeoutError", False),
    ],
)
def test_why_there_is_no_commit(monkeypatch, error, obstacle, reached):
    def info(self, name, revision, timeout):
        raise error

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
    answer = ask_hub("dataset", "allenai/c4", "v2")
    assert (answer.commit, answer.reached) == (None, reached)
    assert obstacle in answer.obstacle
    assert answer.obstacle.isprintable()
