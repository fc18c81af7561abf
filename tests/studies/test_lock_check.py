import hashlib
import json

import pytest

from hypotest.studies.lock_check import check_registration

HASHES = {"protocol": "a" * 64, "weights": "b" * 64, "tokenizer": "c" * 64, "text": {"one": "d" * 64}}
MANIFEST = {"hashes": HASHES}


def digest(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def registry(tmp_path):
    """Two entries; the second is the run's."""
    lines, previous = [], "0" * 64
    for number, changes in enumerate(({"weights": "e" * 64}, {}), start=1):
        content = {"entry": number, "previous": previous, "lock": {"hashes": {**HASHES, **changes}}}
        previous = digest(content)
        lines.append(json.dumps({**content, "hash": previous}))
    (tmp_path / "registry.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def claim(lock, status="confirmatory", **rest):
    return {"status": status, "reasons": [], "lock": lock, "deviations": [], **rest}


def statuses(*arguments):
    return [item.status for item in check_registration(*arguments)]


def test_a_lock_in_an_intact_registry_agrees(registry):
    assert statuses(claim(digest({"hashes": HASHES})), MANIFEST, registry) == ["agrees"]


def test_a_lock_of_something_else_differs(registry):
    other = claim(digest({"hashes": {**HASHES, "weights": "e" * 64}}))
    (item,) = check_registration(other, MANIFEST, registry)
    assert item.status == "differs"
    assert [each.where for each in item.differences] == ["lock: weights"]
    assert statuses({**other, "status": "exploratory"}, MANIFEST, registry) == ["agrees"]


def test_a_lock_that_nobody_registered_differs(registry):
    assert statuses(claim("f" * 64), MANIFEST, registry) == ["differs"]


def test_an_altered_registry_vouches_for_nothing(registry):
    path = registry / "registry.jsonl"
    path.write_text(path.read_text().replace("e" * 64, "f" * 64), encoding="utf-8")
    assert statuses(claim(digest({"hashes": HASHES})), MANIFEST, registry) == ["differs"]


@pytest.mark.parametrize("content", [None, "{", "[]", "\xff"])
def test_without_a_readable_registry_nothing_is_checked(tmp_path, content):
    if content is not None:
        (tmp_path / "registry.jsonl").write_bytes(content.encode("latin-1"))
    assert statuses(claim("a" * 64), MANIFEST, tmp_path) == ["not checked"]


def test_runs_without_a_lock(tmp_path):
    assert statuses(None, MANIFEST, tmp_path) == []
    assert statuses(claim(None, "exploratory"), MANIFEST, tmp_path) == ["agrees"]
    assert statuses(claim(None), MANIFEST, tmp_path) == ["differs"]
    assert statuses(claim("a" * 64, reasons=["changed"]), MANIFEST, tmp_path) == ["differs"]
