import dataclasses

import pytest

from hypotest.errors import ProtocolError
from hypotest.registration import load_protocol
from hypotest.registration.locks.deviations import find_deviations
from hypotest.registration.locks.later import LATER, awaited, expected_of, is_waiting, read_criterion, unmet
from hypotest.registration.locks.lock import lock_data, parse_lock
from tests.registrations import enter, fingerprint_of


@pytest.fixture
def plan(shipped):
    return load_protocol(shipped)


def waiting_lock(folder, plan, run):
    """A registration of the plan that waits, for the text, code and versions of a run."""
    later = read_criterion("any", (), None)
    fingerprint = awaited(plan, run.hashes.text, run.hashes.code, run.versions)
    return enter(folder, fingerprint, "p.yaml", lambda lock: dataclasses.replace(lock, later=later))


def changed_plan(plan, **values):
    return plan.model_copy(update={"subject": plan.subject.model_copy(update=values)})


def test_a_lock_that_waits_is_read_back(tmp_path, plan):
    lock = waiting_lock(tmp_path, plan, fingerprint_of(plan))
    assert is_waiting(lock)
    assert lock.hashes.weights == lock.hashes.positions == LATER
    assert parse_lock(lock_data(lock)) == lock


def test_any_network_at_any_place_agrees_with_it(tmp_path, plan):
    run = fingerprint_of(plan)
    lock = waiting_lock(tmp_path, plan, run)
    assert find_deviations(expected_of(lock, run), run) == ()
    elsewhere = fingerprint_of(changed_plan(plan, model="my/model", revision="main"), weights=32 * "77")
    assert find_deviations(expected_of(lock, elsewhere), elsewhere) == ()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"layer": 2}, "subject.layer"),
        ({"dtype": "float64"}, "subject.dtype"),
    ],
)
def test_what_is_fixed_of_the_subject_stays_fixed(tmp_path, plan, change, key):
    lock = waiting_lock(tmp_path, plan, fingerprint_of(plan))
    run = fingerprint_of(changed_plan(plan, model="my/model", **change))
    assert key in [item.key for item in find_deviations(expected_of(lock, run), run)]


def test_plan_text_code_seed_and_versions_stay_fixed(tmp_path, plan):
    run = fingerprint_of(plan)
    lock = waiting_lock(tmp_path, plan, run)
    other = plan.model_copy(update={"seed": plan.seed + 1})
    for changed, key in (
        (fingerprint_of(other), "seed"),
        (fingerprint_of(plan, text={"a.txt": 64 * "9", "b.txt": 64 * "2"}), "hashes.text.a.txt"),
        (fingerprint_of(plan, code=32 * "ff"), "hashes.code"),
        (dataclasses.replace(run, versions={**run.versions, "numpy": "9"}), "versions.numpy"),
        (dataclasses.replace(run, kept_out=(64 * "a",)), "kept_out"),
    ):
        assert key in [item.key for item in find_deviations(expected_of(lock, changed), changed)]


def test_a_bound_lock_is_compared_as_any_other(tmp_path, plan):
    run = fingerprint_of(plan)
    later = dataclasses.replace(read_criterion("any", (), None), bound="2026-01-01T00:00:00+00:00")
    lock = enter(tmp_path, run, "p.yaml", lambda lock: dataclasses.replace(lock, later=later))
    assert not is_waiting(lock)
    other = fingerprint_of(plan, weights=32 * "77")
    assert [item.key for item in find_deviations(expected_of(lock, other), other)] == ["hashes.weights"]


@pytest.mark.parametrize(
    ("families", "parameters", "family", "number", "said"),
    [
        ((), None, "llama", 10**12, []),
        (("gpt_neox", "opt"), None, "opt", 1, []),
        (("gpt_neox", "opt"), None, "llama", 1, 
         ["it is of the family llama, registered was gpt_neox or opt"]),
        ((), "1e8-5e8", "llama", 10**8, []),
        ((), "1e8-5e8", "llama", 5 * 10**8, []),
        ((), "1e8-5e8", "llama", 10**8 - 1,
         ["it has 99,999,999 parameters, registered were 100,000,000 to 500,000,000"]),
    ],
)  # fmt: skip
def test_conditions_that_can_be_checked(families, parameters, family, number, said):
    assert list(unmet(read_criterion("x", families, parameters), family, number)) == said


@pytest.mark.parametrize(
    "parameters", ["", "many", "5e8", "5e8-1e8", "1e8-", "-1-5", "1e999-2e999", "1..2-3"]
)
def test_ranges_that_are_none(parameters):
    with pytest.raises(ProtocolError, match="parameters=: must be MIN-MAX"):
        read_criterion("x", (), parameters)


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 1001])
def test_a_criterion_must_say_something(words):
    with pytest.raises(ProtocolError, match="subject_later=: must say"):
        read_criterion(words, (), None)
