"""A collection is refused before it begins where the quota or the disk has no room for it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import hypotest
from hypotest.__main__ import main
from hypotest.collect.engine import plan_ablation
from hypotest.collect.evidence import collect_evidence
from hypotest.collect.sample import Sample, evidence_keys
from hypotest.engine.session import Session
from hypotest.errors import OutputError, ProtocolError
from hypotest.pipeline.cache import room
from hypotest.pipeline.cache.contents import size_of
from hypotest.pipeline.cache.quota import quota_bytes
from hypotest.pipeline.cache.room import require_room, split_bytes
from hypotest.pipeline.checks.preflight import check_command
from hypotest.records.evidence.rows import condition_type
from hypotest.records.protocol.conditions import Conditions
from tests.texts import ROOT

NAMES = Conditions("rare", "common")


def sample_of(tokens, split, blocks) -> Sample:
    """Eight rows of each block, both conditions in turn."""
    rows = [(block, block, index) for block in blocks for index in range(3, 27, 3)]
    frame = pl.DataFrame(rows, schema=["document", "block", "index"], orient="row").cast(pl.Int32)
    target = tokens[frame["block"].to_numpy(), frame["index"].to_numpy() + 1]
    conditions = [NAMES[row % 2] for row in range(len(rows))]
    return Sample(
        tokens,
        frame.with_columns(
            pl.Series("target", target.astype(np.int32)),
            pl.Series("condition", conditions, dtype=condition_type(NAMES)),
            pl.lit(split).alias("split"),
        ),
        np.asarray(blocks[::2]),
    )


@pytest.fixture
def prepared(small_subject, small_tokens):
    samples = {
        "selection": sample_of(small_tokens, "selection", list(range(20))),
        "evaluation": sample_of(small_tokens, "evaluation", list(range(20, 40))),
    }
    ablation = plan_ablation(small_subject, "mean", 1e-4, 1, "loss")
    return SimpleNamespace(
        subject=small_subject,
        samples=samples,
        ablation=ablation,
        keys=evidence_keys(small_subject, samples, ablation),
    )


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    return Session.start(1)


@pytest.mark.slow
def test_what_is_estimated_is_what_a_collection_takes(prepared, session):
    collect_evidence(
        prepared.subject, prepared.samples, prepared.keys, prepared.ablation, session.evidence, session
    )
    for split, key in (("selection", prepared.keys.selection), ("evaluation", prepared.keys.evaluation)):
        taken = size_of(session.evidence / key)
        headers = 128 * sum(1 for _ in (session.evidence / key).rglob("*.npy"))
        assert taken - headers == pytest.approx(
            split_bytes(prepared.subject, prepared.samples[split]), rel=0.05
        )
    require_room(prepared, session, "selection", "evaluation")  # what is there needs no room


def test_a_quota_refuses_and_says_what_pruning_would_free(prepared, session, tmp_path, monkeypatch):
    old = session.cache / "prepared" / "blocks" / ("a" * 32)
    old.mkdir(parents=True)
    (old / "t.npy").write_bytes(bytes(2_000_000))
    monkeypatch.setenv("HYPOTEST_CACHE_QUOTA", "2.1 MB")
    with pytest.raises(OutputError) as refused:
        require_room(prepared, session, "selection", "evaluation")
    needed = sum(split_bytes(prepared.subject, item) for item in prepared.samples.values())
    text = str(refused.value)
    assert f"takes about {needed / 1e6:.0f} MB" in text or f"takes about {needed / 1e3:.0f} kB" in text
    assert "holds 2 MB of the 2 MB of HYPOTEST_CACHE_QUOTA" in text
    assert "`hypotest cache prune --unfinished` would free 0 bytes" in text
    assert "all that no run in reports needs, 2 MB" in text
    monkeypatch.setenv("HYPOTEST_CACHE_QUOTA", "2GB")
    require_room(prepared, session, "selection", "evaluation")


def test_untrained_networks_count(prepared, session, monkeypatch):
    one = sum(split_bytes(prepared.subject, item) for item in prepared.samples.values())
    monkeypatch.setenv("HYPOTEST_CACHE_QUOTA", f"{one}B")
    require_room(prepared, session, "selection", "evaluation")
    with pytest.raises(OutputError, match="no room for the evidence"):
        require_room(prepared, session, "selection", "evaluation", networks=2)


def test_a_disk_that_is_too_small_refuses_without_any_quota(prepared, session, monkeypatch):
    monkeypatch.setattr(room, "free_bytes", lambda folder: 1000)
    with pytest.raises(OutputError, match=r"the disk of .*cache has 1 kB"):
        require_room(prepared, session, "selection")


@pytest.fixture
def full(tmp_path, monkeypatch):
    """A cache that holds some text and no evidence, and may hold no more."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HYPOTEST_CACHE_QUOTA", "10 kB")
    kept = tmp_path / "cache" / "texts" / "t.json"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(10_000))
    return kept


def test_a_full_cache_refuses_whatever_would_write_into_it(full):
    with pytest.raises(OutputError) as refused:
        check_command()
    assert "the cache is full: " in str(refused.value)
    assert "all that no run in reports needs, 10 kB" in str(refused.value)
    check_command(cache=False)
    full.write_bytes(bytes(9_999))
    check_command()


PROTOCOL = ROOT / "protocols" / "rare-tokens.yaml"


@pytest.mark.parametrize(
    "command",
    [
        ("run", PROTOCOL),
        ("run", PROTOCOL, "--limit", 16),
        ("run", PROTOCOL, "--plan"),
        ("power", PROTOCOL),
        ("explore", PROTOCOL),
        ("multiverse", PROTOCOL),
        ("corpus", "check", PROTOCOL),
        ("calibrate", "--quick"),
        ("controls",),
    ],
)
def test_every_command_that_collects_or_keeps_something_refuses(full, capsys, command):
    with pytest.raises(SystemExit) as left:
        main([*map(str, command)])
    assert left.value.code == 1 and "the cache is full" in capsys.readouterr().err
    assert [item.name for item in full.parents[1].iterdir()] == ["texts"]


def test_answers_of_hosts_are_kept_in_no_full_cache(full):
    with pytest.raises(OutputError, match="the cache is full"):
        hypotest.record(None, [[1]], {"target": [1]}, module="m")


@pytest.mark.parametrize("text", ["lots", "-3GB", "20 pounds", "GB"])
def test_a_quota_that_is_none_is_refused_in_the_first_second(monkeypatch, tmp_path, text):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path))
    monkeypatch.setenv("HYPOTEST_CACHE_QUOTA", text)
    with pytest.raises(ProtocolError, match=r"HYPOTEST_CACHE_QUOTA=.*must be a number with a unit"):
        check_command()


def test_without_a_quota_there_is_none(monkeypatch):
    monkeypatch.delenv("HYPOTEST_CACHE_QUOTA", raising=False)
    assert quota_bytes() is None
