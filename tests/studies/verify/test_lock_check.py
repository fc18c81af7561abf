import dataclasses
from pathlib import Path

import pytest

from hypotest.records.registration import Deviation, Registration
from hypotest.registration import load_protocol
from hypotest.registration.locks.lock import lock_hash
from hypotest.studies.verify.lock_check import check_registration
from tests.registrations import EVIDENCE_EXISTED, REGISTERED, enter, fingerprint_of

PLAN = load_protocol(Path(__file__).parents[3] / "protocols" / "rare-tokens.yaml")
RUN = fingerprint_of(PLAN)
OTHER = fingerprint_of(PLAN, weights="e" * 64)
TIME = REGISTERED.isoformat(timespec="seconds")
WEIGHTS = Deviation("hashes.weights", OTHER.hashes.weights, RUN.hashes.weights)


def manifest_of(fingerprint, **changes):
    """What a manifest says of a run."""
    data = dataclasses.asdict(fingerprint)
    parts = {name: data[name] for name in ("hashes", "revision", "layer", "split", "seed", "kept_out")}
    return {
        **parts,
        "hypotest": fingerprint.versions["hypotest"],
        "started": "2026-11-21T12:00:00.250000+00:00",
        "versions": {"numpy": fingerprint.versions["numpy"], "matplotlib": "3.11.1", "pillow": "12.0.0"},
        "evidence": {**fingerprint.evidence, "was_cached": True},
        **changes,
    }


MANIFEST = manifest_of(RUN)


@pytest.fixture
def registered(tmp_path):
    """A folder with two registrations, and the hashes of their locks; the second is the run's."""
    other, own = enter(tmp_path, OTHER), enter(tmp_path, RUN)
    return tmp_path, lock_hash(own), lock_hash(other)


def claim(lock, status="confirmatory", reasons=(), registered=TIME, deviations=()):
    return Registration(status, tuple(reasons), registered, lock, tuple(deviations))


def statuses(registration, folder, manifest=MANIFEST):
    return [item.status for item in check_registration(registration, PLAN, manifest, folder)]


def differing(registration, folder, manifest=MANIFEST):
    (item,) = check_registration(registration, PLAN, manifest, folder)
    assert item.status == "differs"
    return [each.where for each in item.differences]


def test_a_lock_in_an_intact_registry_agrees(registered):
    folder, own, _ = registered
    assert statuses(claim(own), folder) == ["agrees"]


def test_deviations_are_found_anew(registered):
    folder, _, other = registered
    told = claim(other, "exploratory", ["1 deviation from what was registered"], deviations=[WEIGHTS])
    assert statuses(told, folder) == ["agrees"]
    assert differing(claim(other), folder) == ["deviations.hashes.weights", "registration.status"]
    untold = claim(other, "exploratory", ["a trial"])
    assert differing(untold, folder) == ["deviations.hashes.weights"]
    invented = dataclasses.replace(WEIGHTS, registered="f" * 64)
    told = claim(other, "exploratory", ["1 deviation"], deviations=[invented])
    assert differing(told, folder) == ["deviations.hashes.weights.registered"]


@pytest.mark.parametrize(
    ("part", "value", "key"),
    [
        ("layer", 2, "layer"),
        ("versions", {"numpy": "1.0.0"}, "versions.numpy"),
        ("split", {**RUN.split, "evaluation_documents": 30}, "split.evaluation_documents"),
        ("hashes", {**MANIFEST["hashes"], "code": "0" * 64}, "hashes.code"),
        ("hashes", {**MANIFEST["hashes"], "frequencies": "0" * 64}, "hashes.frequencies"),
        ("hashes", {**MANIFEST["hashes"], "text": {"a.txt": "1" * 64}}, "hashes.text.b.txt"),
        ("hypotest", "0.0.9", "versions.hypotest"),
    ],
)
def test_every_part_of_a_lock_is_held_against_the_manifest(registered, part, value, key):
    folder, own, _ = registered
    assert f"deviations.{key}" in differing(claim(own), folder, {**MANIFEST, part: value})


@pytest.mark.parametrize("part", ["hashes", "layer", "split", "versions", "evidence", "kept_out"])
def test_what_the_manifest_does_not_say_cannot_be_checked(registered, part):
    folder, own, _ = registered
    rest = {name: value for name, value in MANIFEST.items() if name != part}
    assert statuses(claim(own), folder, rest) == ["not checked"]


def test_a_run_cannot_be_older_than_its_registration(registered):
    folder, own, _ = registered
    early = {**MANIFEST, "started": "2026-11-21T11:59:59+00:00"}
    assert differing(claim(own), folder, early) == ["registration.status"]
    assert differing(claim(own), folder, {**MANIFEST, "started": "today"}) == ["registration.status"]
    moved = claim(own, registered="2026-11-20T12:00:00+00:00")
    assert differing(moved, folder) == ["registration.registered"]


def test_evidence_that_the_lock_knows_of_makes_exploratory(tmp_path):
    lock = enter(tmp_path, RUN, make=lambda lock: dataclasses.replace(lock, seen=EVIDENCE_EXISTED))
    assert differing(claim(lock_hash(lock)), tmp_path) == ["registration.status"]
    told = claim(lock_hash(lock), "exploratory", ["evidence of the evaluation split existed"])
    assert statuses(told, tmp_path) == ["agrees"]


def test_a_lock_that_nobody_registered_differs(registered):
    folder, *_ = registered
    assert differing(claim("f" * 64), folder) == ["registration.lock"]


def test_an_altered_registry_vouches_for_nothing(registered):
    folder, own, _ = registered
    path = folder / "registry.jsonl"
    path.write_text(path.read_text().replace("e" * 64, "f" * 64), encoding="utf-8")
    assert statuses(claim(own), folder) == ["differs"]


def test_without_a_registry_nothing_is_checked(tmp_path):
    assert statuses(claim("a" * 64), tmp_path) == ["not checked"]


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_registry_that_is_none_vouches_for_nothing(tmp_path, content):
    (tmp_path / "registry.jsonl").write_bytes(content.encode("latin-1"))
    assert statuses(claim("a" * 64), tmp_path) == ["differs"]


def test_runs_without_a_lock(registered):
    folder, own, _ = registered
    assert statuses(None, folder) == []
    assert statuses(claim(None, "exploratory", ["not registered"]), folder) == ["agrees"]
    assert statuses(claim(None), folder) == ["differs"]
    assert statuses(claim(own, reasons=["changed"]), folder) == ["differs"]
