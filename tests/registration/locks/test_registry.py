"""The registry finds everything that is done to its lines and locks."""

import json
import threading
from itertools import pairwise

import pytest

from hypotest.errors import OutputError
from hypotest.registration import load_protocol
from hypotest.registration.locks.canonical import canonical_hash, canonical_json
from hypotest.registration.locks.lock import lock_file
from hypotest.registration.locks.registry import FIRST, REGISTRY, append_entry, read_registry, verify_registry
from tests.registrations import edited, enter, fingerprint_of


@pytest.fixture
def fingerprint(tmp_path, small):
    path = tmp_path / "source" / "p.yaml"
    path.parent.mkdir()
    path.write_text(small)
    return fingerprint_of(load_protocol(path))


@pytest.fixture
def folder(tmp_path, fingerprint):
    """Four registrations: a, b, a again, c."""
    folder = tmp_path / "protocols"
    folder.mkdir()
    for name in ("a.yaml", "b.yaml", "a.yaml", "c.yaml"):
        enter(folder, fingerprint, name)
    return folder


def lines_of(folder):
    return (folder / REGISTRY).read_bytes().splitlines(keepends=True)


def rewrite(folder, lines):
    (folder / REGISTRY).write_bytes(b"".join(lines))


def problems_after(folder, lines):
    rewrite(folder, lines)
    return verify_registry(folder)[1]


def altered(line, change, rehashed=False):
    data = json.loads(line)
    change(data)
    if rehashed:
        data["hash"] = canonical_hash({key: data[key] for key in ("entry", "previous", "lock")})
    return canonical_json(data).encode() + b"\n"


def test_an_untouched_registry_verifies(folder):
    assert verify_registry(folder) == (4, ())
    assert verify_registry(folder / REGISTRY) == (4, ())
    entries, problems = read_registry(folder)
    assert problems == ()
    assert [entry.entry for entry in entries] == [1, 2, 3, 4]
    assert entries[0].previous == entries[0].lock.previous == FIRST
    for one, two in pairwise(entries):
        assert two.previous == two.lock.previous == one.hash
    first = json.loads(lines_of(folder)[0])
    assert list(first) == sorted(["entry", "previous", "lock", "hash"])
    assert first["hash"] == canonical_hash({key: first[key] for key in ("entry", "previous", "lock")})


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_an_altered_line_is_named(folder, number):
    lines = lines_of(folder)
    lines[number - 1] = altered(lines[number - 1], lambda data: data["lock"].update(layer=2))
    problems = problems_after(folder, lines)
    assert f"{REGISTRY}:{number}: altered: its content does not give its hash" in problems


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_altered_line_with_a_new_hash_no_longer_fits_the_next(folder, number):
    lines = lines_of(folder)
    lines[number - 1] = altered(lines[number - 1], lambda data: data["lock"].update(layer=2), rehashed=True)
    problems = problems_after(folder, lines)
    assert any(item.startswith(f"{REGISTRY}:{number + 1}: does not follow") for item in problems)


def test_the_last_line_altered_with_a_new_hash_no_longer_fits_its_lock(folder):
    lines = lines_of(folder)
    lines[3] = altered(lines[3], lambda data: data["lock"].update(layer=2), rehashed=True)
    (problem,) = problems_after(folder, lines)
    assert problem.startswith("c.lock.json: is not the last entry of c.yaml (registry.jsonl:4)")


def test_every_single_byte_matters(folder):
    """One character of any line, put in place of another: always found, never a crash."""
    original = (folder / REGISTRY).read_bytes()
    for place in range(0, len(original), 97):
        for byte in (b"0", b" ", b"\n", b"\xff"):
            changed = original[:place] + byte + original[place + 1 :]
            if changed != original:
                (folder / REGISTRY).write_bytes(changed)
                number = original[:place].count(b"\n") + 1
                problems = read_registry(folder)[1]
                assert any(item.startswith(f"{REGISTRY}:{number}: ") for item in problems), (place, byte)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_removed_line_is_found(folder, number):
    lines = lines_of(folder)
    del lines[number - 1]
    problems = problems_after(folder, lines)
    if number < 4:
        assert problems[0] == (
            f"{REGISTRY}:{number}: is entry {number + 1}, must be {number}: entries were removed, added or "
            "reordered"
        )
    else:
        assert problems == (
            "c.lock.json: has no entry in registry.jsonl: it was removed, or the lock comes from elsewhere",
        )


def test_the_last_registration_of_a_protocol_removed_from_the_end(folder):
    problems = problems_after(folder, lines_of(folder)[:2])
    assert len(problems) == 2
    assert problems[0].startswith("a.lock.json: is not the last entry of a.yaml (registry.jsonl:1)")
    assert problems[1].startswith("c.lock.json: has no entry")


def test_a_removed_line_whose_followers_are_renumbered_is_found(folder):
    lines = lines_of(folder)
    del lines[1]
    lines[1:] = [
        altered(line, lambda data, n=number: data.update(entry=n), rehashed=True)
        for number, line in enumerate(lines[1:], start=2)
    ]
    assert any(":2: does not follow" in item for item in problems_after(folder, lines))


@pytest.mark.parametrize(("one", "two"), [(0, 1), (1, 2), (2, 3), (0, 3)])
def test_reordered_lines_are_found(folder, one, two):
    lines = lines_of(folder)
    lines[one], lines[two] = lines[two], lines[one]
    problems = problems_after(folder, lines)
    assert problems[0].startswith(f"{REGISTRY}:{one + 1}: is entry {two + 1}, must be {one + 1}")


@pytest.mark.parametrize("where", [1, 2, 4])
def test_a_doubled_line_is_found(folder, where):
    lines = lines_of(folder)
    lines.insert(where, lines[0])
    assert f"{REGISTRY}:{where + 1}: a copy of line 1" in problems_after(folder, lines)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (b"\n", "altered: an empty line"),
        (b"nonsense\n", "altered: no JSON"),
        (b"\xff\n", "altered: no JSON"),
        (b"[" * 100_000 + b"\n", "altered: no JSON"),
        (b'{"entry": 1e999, "hash": [], "lock": {}, "previous": {}}\n', "altered: no JSON"),
        (b'{"entry": 5, "hash": [], "lock": {}, "previous": {}}\n', "does not give its hash"),
        (b"{}\n", "must be an object of entry, previous, lock, hash"),
        (b"half a li", "cut off"),
    ],
)
def test_what_is_no_entry_is_found(folder, added, message):
    for place in (0, 4):
        lines = lines_of(folder)
        if message == "cut off" and place == 0:
            continue
        lines.insert(place, added)
        problems = problems_after(folder, lines)
        assert any(item.startswith(f"{REGISTRY}:{place + 1}: ") and message in item for item in problems)
        rewrite(folder, [line for line in lines if line != added])


def test_the_same_content_written_in_another_way_is_found(folder):
    lines = lines_of(folder)
    lines[0] = json.dumps(json.loads(lines[0])).encode() + b"\n"
    assert problems_after(folder, lines) == (
        f"{REGISTRY}:1: altered: the same content, written in another way",
    )


def test_a_lock_inside_a_line_must_be_a_lock(folder):
    lines = lines_of(folder)
    lines[3] = altered(lines[3], lambda data: data["lock"].update(seed=9), rehashed=True)
    assert (
        f"{REGISTRY}:4: altered: its lock is none: protocol_id and seed" in problems_after(folder, lines)[0]
    )
    lines[3] = altered(lines[3], lambda data: data.update(previous=FIRST), rehashed=True)
    assert any(item.startswith(f"{REGISTRY}:4: altered") for item in problems_after(folder, lines))


def test_lock_files_must_be_the_last_entries(folder, fingerprint):
    edited(folder / "b.lock.json", lambda data: data["seen"].update(unlogged_evidence=True))
    (folder / "c.lock.json").unlink()
    (folder / "d.lock.json").write_bytes((folder / "a.lock.json").read_bytes())
    (folder / "e.lock.json").write_text("{")
    n_entries, problems = verify_registry(folder)
    assert n_entries == 4
    assert [item.split(": ")[0] for item in problems] == [
        "b.lock.json", "c.lock.json", "d.lock.json", "e.lock.json"
    ]  # fmt: skip
    assert "is not the last entry of b.yaml (registry.jsonl:2)" in problems[0]
    assert problems[1] == "c.lock.json: missing; registered in registry.jsonl:4"
    assert "has no entry" in problems[2]
    assert "is no lock" in problems[3]


def test_an_older_lock_put_back_is_found(folder, fingerprint):
    former = (folder / "b.lock.json").read_bytes()
    enter(folder, fingerprint, "b.yaml")
    (folder / "b.lock.json").write_bytes(former)
    assert "is not the last entry of b.yaml (registry.jsonl:5)" in verify_registry(folder)[1][0]


def test_a_missing_registry(folder, tmp_path):
    (folder / REGISTRY).unlink()
    assert verify_registry(folder)[0] == 0
    assert all("has no entry" in item for item in verify_registry(folder)[1])
    with pytest.raises(OutputError, match=r"holds no registry\.jsonl"):
        verify_registry(tmp_path)
    with pytest.raises(OutputError, match=r"holds no registry\.jsonl"):
        verify_registry(tmp_path / "nowhere")


def test_nothing_is_added_to_a_chain_that_does_not_verify(folder, fingerprint):
    lines = lines_of(folder)
    rewrite(folder, lines[1:])
    before = (folder / REGISTRY).read_bytes()
    with pytest.raises(OutputError, match="nothing is added") as caught:
        enter(folder, fingerprint)
    assert "registry.jsonl:1: is entry 2, must be 1" in str(caught.value)
    assert (folder / REGISTRY).read_bytes() == before
    assert not lock_file(folder / "p.yaml").exists()


def test_a_folder_that_cannot_be_written(tmp_path, fingerprint):
    with pytest.raises(OutputError, match="cannot be written"):
        enter(tmp_path / "nowhere", fingerprint)


def test_nothing_to_add_changes_nothing(folder):
    before = (folder / REGISTRY).read_bytes()
    assert append_entry(folder, lambda entries, previous: None) is None
    assert (folder / REGISTRY).read_bytes() == before


def test_two_at_once_follow_each_other(tmp_path, fingerprint):
    threads = [
        threading.Thread(target=enter, args=(tmp_path, fingerprint, f"{number}.yaml")) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_registry(tmp_path) == (8, ())
