"""What lies in a cache that is made up file by file, and what goes from it."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import hypotest
from hypotest.errors import OutputError, ProtocolError
from hypotest.pages.console import PAGE, shown
from hypotest.pipeline.cache.contents import FINISHED_LESIONS, KINDS
from hypotest.pipeline.texts.document_log import LOG, log_viewing, read_log
from hypotest.records.cache import FOREIGN, LEFT_OVER
from hypotest.records.seen import Viewing
from hypotest.studies.cache.page import contents_page, pruned_page
from tests.texts import ROOT

OLD, NEW, OTHER, STRANGE, HALF = (32 * digit for digit in "abcde")
NOW = datetime.now(UTC)


def put(path: Path, size: int, days: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    then = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))


def used(cache: Path, key: str, days: float, plan: str = "small") -> None:
    log_viewing(
        cache,
        Viewing(
            time=(NOW - timedelta(days=days)).isoformat(),
            use="evaluation",
            plan=plan,
            protocol=64 * "1",
            weights=64 * "9",
            layer=3,
            evidence=key,
            documents=("d1",),
            family="gpt_neox",
            parameters=1_200_000,
        ),
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Old, new, unlogged and half-made evidence of a network, an untrained one's, and what else there is."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cache"
    monkeypatch.setenv("HYPOTEST_CACHE", str(folder))
    for key, days in ((OLD, 50), (NEW, 2), (STRANGE, 70)):
        put(folder / "evidence" / key / "forward" / "a.npy", 1000, days)
        put(folder / "evidence" / key / "shards.json", 10, days)
    put(folder / "evidence" / HALF / "forward" / "a.npy", 500, 3)
    put(folder / "other-networks" / OTHER / "shards.json", 300, 50)
    put(folder / "unfinished" / OLD / "0" / "v.npy", 70, 9)
    put(folder / "prepared" / "blocks" / OLD / "t.npy", 40, 50)
    put(folder / "texts" / "t.json", 20, 50)
    put(folder / ".timing-x" / "a.npy", 5, 8)
    put(folder / "mine.txt", 6, 90)
    for key, days in ((OLD, 50), (NEW, 30), (NEW, 1), (HALF, 3)):
        used(folder, key, days)
    used(folder, OLD, 40, plan="another")
    return folder


def kept(folder: Path, **evidence: str) -> Path:
    """A run that needs some evidence."""
    folder.mkdir(parents=True)
    manifest = {
        "hypotest": "0",
        "hashes": {"weights": 64 * "9"},
        "layer": 3,
        "evidence": {"was_cached": True, **evidence},
        "other_networks": {"networks": [{"selection": OTHER}]},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    results = {"schema_version": 0, "protocol_id": "small", "subject": {"name": "our model"}}
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return folder


def names(entries) -> set[str]:
    return {f"{item.kind}/{item.key[:1]}" for item in entries}


def text_of(page, capsys) -> str:
    from rich.console import Console

    Console(width=200).print(shown(page))
    return capsys.readouterr().out


def test_every_entry_is_told_apart(cache):
    contents = hypotest.cache_contents()
    entries = {(item.kind, item.key): item for item in contents.entries}
    assert {kind for kind, _ in entries} == {
        "evidence", "other-networks", "unfinished", "prepared", "texts", LEFT_OVER, FOREIGN,
    }  # fmt: skip
    old = entries["evidence", OLD]
    assert old.n_bytes == 1010 and old.finished and old.logged and not old.needed_by
    assert [use.plan for use in old.uses] == ["small", "another"]
    assert (NOW - old.last_used).days == 40  # it was read once more after it was written
    assert (NOW - entries["evidence", NEW].last_used).days == 1
    assert not entries["evidence", STRANGE].logged and not entries["evidence", HALF].finished
    assert entries["prepared", OLD].n_bytes == 40
    assert contents.log_bytes == (cache / LOG).stat().st_size
    assert contents.n_bytes == sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())


def test_what_hosts_answered_is_ours(cache, capsys):
    put(cache / "recorded" / OTHER / "forward-64" / "00000" / "loss.npy", 30, 50)
    contents = hypotest.cache_contents()
    (entry,) = (item for item in contents.entries if item.kind == "recorded")
    assert (entry.key, entry.n_bytes, entry.finished) == (OTHER, 30, True)
    assert "answers of hosts" in text_of(contents_page(contents), capsys)


def test_a_cache_that_is_not_there_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "none"))
    contents = hypotest.cache_contents()
    assert contents.entries == () and contents.n_bytes == 0 and contents.free > 0


def test_the_page_names_plan_and_model(cache, tmp_path, capsys):
    kept(tmp_path / "reports" / "small" / "one", selection=OLD)
    text = text_of(contents_page(hypotest.cache_contents()), capsys)
    assert "our model, layer 3" in text and "another and 1 more" in text and "(not in the log)" in text
    assert re.search(r"evidence of tested networks\s+4 \(1 half-made\)\s+4 kB", text)


def test_the_page_says_which_runs_need_what(cache, tmp_path):
    runs = tmp_path / "reports" / "small"
    for number in (1, 2, 3):
        kept(runs / f"2026010{number}T030405Z-0123abcd", selection=OLD)
    kept(runs / "20260109T030405Z-0123abcd" / "layer-003", selection=NEW)
    page = PAGE.render(contents_page(hypotest.cache_contents()))
    assert max(map(len, page.splitlines())) <= 80
    text = " ".join(page.split())
    latest = "20260103T030405Z-0123abcd, 20260102T030405Z-0123abcd and 1 more"
    assert f"another and 1 more, our model, layer 3: needed by {latest}" in text
    assert "small, our model, layer 3: needed by 20260109T030405Z-0123abcd/layer-003, " in text
    assert "(not in the log), : needed" not in text


def test_of_what_nobody_needs_nothing_is_said(cache):
    assert "needed by" not in PAGE.render(contents_page(hypotest.cache_contents()))


@pytest.mark.parametrize(
    ("asked", "gone"),
    [
        ({"older_than": 30}, {"evidence/a", "other-networks/c", "prepared/a", "texts/t"}),
        ({"larger_than": 9e-7}, {"evidence/a", "evidence/b"}),
        ({"larger_than": 9e-7, "older_than": 30}, {"evidence/a"}),
        ({"unfinished": True}, {"evidence/e", "unfinished/a", "left over/."}),
        ({"unfinished": True, "older_than": 5}, {"unfinished/a", "left over/."}),
    ],
)
def test_options_narrow_each_other(cache, tmp_path, asked, gone):
    (tmp_path / "reports").mkdir()
    dry = hypotest.prune_cache(**asked, dry_run=True)
    assert names(dry.removed) == gone and all(item.path.exists() for item in dry.removed)
    log = (cache / LOG).read_bytes()
    pruned = hypotest.prune_cache(**asked)
    assert names(pruned.removed) == gone and pruned.n_bytes == dry.n_bytes
    assert not any(item.path.exists() for item in pruned.removed)
    left = hypotest.cache_contents()
    assert not gone & names(left.entries)
    assert (cache / LOG).read_bytes() == log


def test_a_dry_run_need_name_nothing(cache, tmp_path):
    (tmp_path / "reports").mkdir()
    told = hypotest.prune_cache(dry_run=True)
    assert told.removed and all(item.path.exists() for item in told.removed)


def test_what_a_kept_run_needs_stays(cache, tmp_path, capsys):
    run = kept(tmp_path / "reports" / "small" / "one", selection=OLD)
    pruned = hypotest.prune_cache(older_than=30)
    assert names(pruned.removed) == {"prepared/a", "texts/t"}
    reasons = {item.key: why for item, why in pruned.held_back}
    assert reasons[OLD] == reasons[OTHER] == f"needed by {run.relative_to(tmp_path)}"
    assert "reports/small/one" in text_of(pruned_page(pruned), capsys)
    assert names(hypotest.prune_cache(older_than=30, unprotected=True).removed) == {
        "evidence/a",
        "other-networks/c",
    }


def test_other_folders_can_be_kept(cache, tmp_path):
    kept(tmp_path / "elsewhere" / "one", selection=OLD)
    pruned = hypotest.prune_cache(older_than=30, keep=[tmp_path / "elsewhere"], dry_run=True)
    assert "evidence/a" not in names(pruned.removed)
    with pytest.raises(OutputError, match="keep=nowhere: there is no such folder"):
        hypotest.prune_cache(older_than=30, keep=["nowhere"])


def test_without_kept_runs_nothing_goes_by_mistake(cache):
    with pytest.raises(ProtocolError, match="no folder reports here"):
        hypotest.prune_cache(older_than=0)
    assert (cache / "evidence" / OLD).exists()


def test_a_run_loses_its_own_evidence_and_no_other_run_does(cache, tmp_path):
    one = kept(tmp_path / "reports" / "one", selection=OLD, evaluation=NEW)
    kept(tmp_path / "reports" / "two", selection=NEW)
    pruned = hypotest.prune_cache(run=one)
    assert names(pruned.removed) == {"evidence/a"}
    assert {item.key for item, _ in pruned.held_back} == {NEW, OTHER}


def test_evidence_that_the_log_does_not_name_is_never_removed(cache, tmp_path):
    pruned = hypotest.prune_cache(older_than=0, unprotected=True)
    assert {item.key: why.split(":")[0] for item, why in pruned.held_back} == {
        STRANGE: "the log of documents does not name it",
        "mine.txt": "hypotest did not put it there",
    }
    assert (cache / "evidence" / STRANGE).exists() and (cache / "mine.txt").exists()
    assert len(read_log(cache)[0]) == 5


def test_what_a_run_may_be_at_work_on_stays(cache):
    put(cache / "evidence" / HALF / "forward" / "b.npy", 5, 0)
    pruned = hypotest.prune_cache(unfinished=True)
    assert [item.key for item, _ in pruned.held_back] == [HALF]


def test_links_are_not_followed(cache, tmp_path):
    put(tmp_path / "precious" / "a.npy", 5000, 90)
    (cache / "prepared" / "blocks" / "link").symlink_to(tmp_path / "precious")
    os.utime(cache / "prepared" / "blocks" / "link", (0, 0), follow_symlinks=False)
    pruned = hypotest.prune_cache(older_than=80, unprotected=True)
    assert "prepared/l" in names(pruned.removed) and pruned.n_bytes < 5000
    assert (tmp_path / "precious" / "a.npy").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "name what is to go"),
        ({"older_than": float("nan")}, "older_than=nan: must be a finite number"),
        ({"larger_than": -1.0}, "larger_than=-1: must be"),
    ],
)
def test_what_cannot_be_asked_is_refused(cache, asked, message):
    with pytest.raises(ProtocolError, match=message):
        hypotest.prune_cache(**asked)


def test_every_folder_of_the_cache_is_known():
    """Whoever keeps something there has it listed."""
    places = re.compile(r'(?:cache_folder\(\)|\bcache)\s*/\s*(?:f?"([\w-]+)|(_FOLDER))')
    folders = set()
    for file in (ROOT / "hypotest").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for name, constant in places.findall(text):
            folders.add(name or re.search(rf'^{constant} = "(\w+)"', text, flags=re.M)[1])
    assert {"evidence", "unfinished", "texts", "prepared"} <= folders
    assert folders <= set(KINDS)


def test_finished_lesions_are_known_by_what_is_written_last():
    from hypotest.collect import lesions

    assert lesions._FINISHED == FINISHED_LESIONS
