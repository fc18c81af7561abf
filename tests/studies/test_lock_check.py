from pathlib import Path

import pytest

from hypotest.records.registration import Registration
from hypotest.registration import load_protocol
from hypotest.registration.lock import lock_hash
from hypotest.studies.lock_check import check_registration
from tests.registrations import enter, fingerprint_of

SHIPPED = Path(__file__).parents[2] / "protocols" / "rare-tokens.yaml"
HASHES = {"protocol": "a" * 64, "weights": "b" * 64, "tokenizer": "c" * 64, "text": {"one": "d" * 64}}
MANIFEST = {"hashes": HASHES}


@pytest.fixture
def registered(tmp_path):
    """A folder with two registrations, and their locks; the second is the run's."""
    plan = load_protocol(SHIPPED)
    own = {**HASHES, "protocol": fingerprint_of(plan).hashes.protocol}
    other = enter(tmp_path, fingerprint_of(plan, **{**own, "weights": "e" * 64}))
    lock = enter(tmp_path, fingerprint_of(plan, **own))
    return tmp_path, {"hashes": own}, lock_hash(lock), lock_hash(other)


def claim(lock, status="confirmatory", **rest):
    return Registration(status, lock=lock, **{"reasons": (), **rest})


def statuses(*arguments):
    return [item.status for item in check_registration(*arguments)]


def test_a_lock_in_an_intact_registry_agrees(registered):
    folder, manifest, own, _ = registered
    assert statuses(claim(own), manifest, folder) == ["agrees"]


def test_a_lock_of_something_else_differs(registered):
    folder, manifest, _, other = registered
    (item,) = check_registration(claim(other), manifest, folder)
    assert item.status == "differs"
    assert [each.where for each in item.differences] == ["lock: weights"]
    assert statuses(claim(other, "exploratory"), manifest, folder) == ["agrees"]


def test_a_lock_that_nobody_registered_differs(registered):
    folder, manifest, *_ = registered
    assert statuses(claim("f" * 64), manifest, folder) == ["differs"]


def test_an_altered_registry_vouches_for_nothing(registered):
    folder, manifest, own, _ = registered
    path = folder / "registry.jsonl"
    path.write_text(path.read_text().replace("e" * 64, "f" * 64), encoding="utf-8")
    assert statuses(claim(own), manifest, folder) == ["differs"]


def test_without_a_registry_nothing_is_checked(tmp_path):
    assert statuses(claim("a" * 64), MANIFEST, tmp_path) == ["not checked"]


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_registry_that_is_none_vouches_for_nothing(tmp_path, content):
    (tmp_path / "registry.jsonl").write_bytes(content.encode("latin-1"))
    assert statuses(claim("a" * 64), MANIFEST, tmp_path) == ["differs"]


def test_runs_without_a_lock(tmp_path):
    assert statuses(None, MANIFEST, tmp_path) == []
    assert statuses(claim(None, "exploratory"), MANIFEST, tmp_path) == ["agrees"]
    assert statuses(claim(None), MANIFEST, tmp_path) == ["differs"]
    assert statuses(claim("a" * 64, reasons=("changed",)), MANIFEST, tmp_path) == ["differs"]
