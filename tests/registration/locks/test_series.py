"""One lock for a series: each member is compared with its own part."""

from __future__ import annotations

import dataclasses
from itertools import product
from pathlib import Path

import pytest

from hypotest.registration import canonical, protocol_hash, read_protocol
from hypotest.registration.locks.deviations import find_deviations
from hypotest.registration.locks.later import expected_of
from hypotest.registration.locks.lock import compose_lock, lock_data, parse_lock
from hypotest.registration.locks.series import SERIES, member_of, series_fingerprint
from tests.registration.conftest import SMALL
from tests.registrations import NOTHING_SEEN, REGISTERED, fingerprint_of

SUBJECTS = {"layer": ("subject: {layer: [1, 3]}\n", (1, 3)), "revision": (
    "subject: {model: a/b, revision: [step1, step8, step64]}\n", ("step1", "step8", "step64"))}  # fmt: skip


def series(tmp_path: Path, key: str):
    """Plan of a series, and what each member comes to."""
    path = tmp_path / "p.yaml"
    path.write_text(SMALL + SUBJECTS[key][0], encoding="utf-8")
    plan, problems = read_protocol(path)
    assert plan is not None, problems
    members = {}
    for number, value in enumerate(SUBJECTS[key][1]):
        known = fingerprint_of(plan.member(**{key: value}), weights=f"{number}a" * 32)
        known = dataclasses.replace(
            known,
            layer=value if key == "layer" else 3,
            revision=None,
            evidence={"selection": f"{number}b" * 16, "evaluation": f"{number}c" * 16},
        )
        members[value] = known
    return plan, members


def lock_of(plan, known, key):
    parts = tuple(member_of({key: value}, item) for value, item in known.items())
    whole = series_fingerprint(plan, next(iter(known.values())), parts)
    return compose_lock(
        whole, "p.yaml", 64 * "0", registered=REGISTERED, seen=NOTHING_SEEN, git=None, members=parts
    )


@pytest.mark.parametrize("key", list(SUBJECTS))
def test_every_member_is_as_registered_and_no_other(tmp_path, key):
    plan, known = series(tmp_path, key)
    lock = parse_lock(lock_data(lock_of(plan, known, key)))  # as it is read again
    assert lock.layer == SERIES and len(lock.members) == len(known)
    assert lock.hashes.protocol == protocol_hash(plan)
    for run in known.values():
        assert find_deviations(expected_of(lock, run), run) == ()
    first, second = list(known.values())[:2]
    swapped = dataclasses.replace(
        first, hashes=dataclasses.replace(first.hashes, weights=second.hashes.weights)
    )
    (deviation,) = find_deviations(expected_of(lock, swapped), swapped)
    assert deviation.key == "hashes.weights"
    assert (deviation.registered, deviation.run) == (first.hashes.weights, second.hashes.weights)


def test_a_cell_of_a_grid_is_found_by_all_that_it_is_called(tmp_path):
    """Two trainings, two checkpoints and two layers of each; seeds come to models of their own."""
    path = tmp_path / "p.yaml"
    subject = "subject: {model: 'a/b{seed}', seed: [1, 2], revision: [step1, step8], layer: [1, 3]}\n"
    path.write_text(SMALL + subject, encoding="utf-8")
    plan, problems = read_protocol(path)
    assert plan is not None, problems
    known = {}
    for number, cell in enumerate(product(("a/b1", "a/b2"), ("step1", "step8"), (1, 3))):
        called = dict(zip(("model", "revision", "layer"), cell, strict=True))
        run = fingerprint_of(plan.member(**called), weights=f"{number}a" * 32)
        known[cell] = (called, dataclasses.replace(run, layer=cell[2]))
    parts = tuple(member_of(called, run) for called, run in known.values())
    whole = series_fingerprint(plan, known["a/b1", "step1", 1][1], parts)
    lock = compose_lock(
        whole, "p.yaml", 64 * "0", registered=REGISTERED, seen=NOTHING_SEEN, git=None, members=parts
    )
    lock = parse_lock(lock_data(lock))
    assert len(lock.members) == 8 and lock.hashes.protocol == protocol_hash(plan)
    for _, run in known.values():
        assert find_deviations(expected_of(lock, run), run) == ()


def test_a_member_that_came_since_deviates(tmp_path):
    plan, known = series(tmp_path, "layer")
    lock = lock_of(plan, known, "layer")
    other = plan.member(layer=2)
    run = dataclasses.replace(fingerprint_of(other), layer=2)
    keys = {item.key for item in find_deviations(expected_of(lock, run), run)}
    assert "subject.layer" in keys and "layer" in keys


def test_the_whole_hangs_on_every_member_and_on_their_order(tmp_path):
    plan, known = series(tmp_path, "revision")
    parts = [member_of({"revision": value}, item) for value, item in known.items()]
    one = next(iter(known.values()))
    whole = series_fingerprint(plan, one, parts).hashes.weights
    assert series_fingerprint(plan, one, parts[::-1]).hashes.weights != whole
    assert series_fingerprint(plan, one, parts[:-1]).hashes.weights != whole


def test_a_lock_of_a_single_run_does_not_speak_of_members(tmp_path):
    plan, known = series(tmp_path, "layer")
    run = known[3]
    single = compose_lock(run, "p.yaml", 64 * "0", registered=REGISTERED, seen=NOTHING_SEEN, git=None)
    assert "members" not in lock_data(single) and parse_lock(lock_data(single)) == single
    assert expected_of(single, run) == single.fingerprint
    assert single.plan == canonical(plan.member(layer=3))
