"""The lock file: what is written comes back; anything else is refused."""

import dataclasses
import json
from pathlib import Path

import pytest

from hypotest.errors import OutputError
from hypotest.records.registration import GitState
from hypotest.registration import load_protocol, protocol_hash
from hypotest.registration.locks.lock import (
    canonical_hash,
    compose_lock,
    lock_data,
    lock_file,
    lock_hash,
    read_lock,
    write_lock,
)
from tests.registrations import EVIDENCE_EXISTED, NOTHING_SEEN, REGISTERED, edited, fingerprint_of


@pytest.fixture
def lock(tmp_path, small):
    (tmp_path / "p.yaml").write_text(small)
    return compose_lock(
        fingerprint_of(load_protocol(tmp_path / "p.yaml")),
        "p.yaml",
        64 * "0",
        registered=REGISTERED,
        seen=NOTHING_SEEN,
        git=GitState("f" * 40, "main", True, False),
    )


def test_the_lock_lies_beside_the_protocol():
    assert lock_file(Path("a/b.c.yaml")) == Path("a/b.c.lock.json")


def test_it_holds_what_was_agreed(lock, tmp_path):
    path = tmp_path / "p.lock.json"
    write_lock(path, lock)
    data = json.loads(path.read_text(encoding="utf-8"))
    assert set(data) == {
        "lock", "protocol_id", "file", "registered", "plan", "hashes", "revision", "layer", "versions",
        "seed", "split", "evidence", "kept_out", "seen", "git", "previous", "later",
    }  # fmt: skip
    assert list(data)[:4] == ["lock", "protocol_id", "file", "registered"]
    assert data["registered"] == "2026-11-21T12:00:00+00:00"
    assert data["git"] == {"commit": "f" * 40, "branch": "main", "clean": True, "pushed": False}
    assert canonical_hash(data["plan"]) == data["hashes"]["protocol"]
    assert canonical_hash(data) == lock_hash(lock)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_it_comes_back_whatever_its_indentation(lock, tmp_path):
    path = tmp_path / "p.lock.json"
    write_lock(path, lock)
    assert read_lock(path) == lock
    edited(path, lambda data: None)
    assert read_lock(path) == lock
    assert lock.fingerprint.plan["seed"] == 1


def test_the_plan_hash_is_that_of_the_protocol(lock, tmp_path):
    assert lock.hashes.protocol == protocol_hash(load_protocol(tmp_path / "p.yaml"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(lock=1), "`lock` must be 2; found '1'"),
        (lambda data: data.update(lock=True), "`lock` must be 2"),
        (lambda data: data.update(extra=1), "keys that no lock has"),
        (lambda data: data["hashes"].update(extra="1"), "keys that no lock has"),
        (lambda data: data.pop("seed"), "seed"),
        (lambda data: data.update(seed="1"), "seed"),
        (lambda data: data.update(seed=2), "those of its plan"),
        (lambda data: data["plan"].update(title="Another"), "its plan does not give hashes.protocol"),
        (lambda data: data.update(registered="yesterday"), "yesterday"),
        (lambda data: data.update(registered="2026-11-21T12:00:00"), "time zone"),
        (lambda data: data.update(layer=1e999), "is no lock"),
    ],
)
def test_an_edited_lock_is_refused(lock, tmp_path, change, message):
    path = tmp_path / "p.lock.json"
    write_lock(path, lock)
    edited(path, change)
    with pytest.raises(OutputError, match=message) as caught:
        read_lock(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"NaN", b"[" * 100_000, b'{"lock": 1}'])
def test_what_is_no_lock_is_refused(tmp_path, content):
    path = tmp_path / "p.lock.json"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"p\.lock\.json"):
        read_lock(path)


def test_a_folder_or_nothing_in_its_place(tmp_path, lock):
    (tmp_path / "p.lock.json").mkdir()
    with pytest.raises(OutputError, match="cannot be read"):
        read_lock(tmp_path / "p.lock.json")
    with pytest.raises(OutputError, match="cannot be written"):
        write_lock(tmp_path / "p.lock.json", lock)
    with pytest.raises(OutputError, match="cannot be read"):
        read_lock(tmp_path / "missing.lock.json")


def test_another_lock_has_another_hash(lock):
    assert lock_hash(dataclasses.replace(lock, seen=EVIDENCE_EXISTED)) != lock_hash(lock)
    assert lock_data(lock)["plan"] == lock.plan
