import errno
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hypotest.collect.store import (
    collect_shards,
    evidence_key,
    read_shard,
    write_shard,
)
from hypotest.errors import EvidenceError, OutputError


def part(number):
    return {"values": np.full((2, 3), number, dtype=np.float32), "rows": np.array([number, number])}


def test_shards_are_joined_in_order(tmp_path):
    joined = collect_shards(tmp_path / "c", 3, part)
    assert joined["values"][:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert joined["values"].dtype == np.float32


def test_a_killed_collection_goes_on_and_ends_with_the_same_bytes(tmp_path):
    def killed(number):
        if number == 2:
            raise KeyboardInterrupt
        return part(number)

    with pytest.raises(KeyboardInterrupt):
        collect_shards(tmp_path / "c", 4, killed)
    computed = []

    def rest(number):
        computed.append(number)
        return part(number)

    collect_shards(tmp_path / "c", 4, rest)
    assert computed == [2, 3]
    collect_shards(tmp_path / "whole", 4, part)
    for file in sorted((tmp_path / "whole").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "c" / file.relative_to(tmp_path / "whole")).read_bytes()


def test_headers_are_parsed_one_at_a_time(tmp_path, monkeypatch):
    """Python 3.11 and 3.12 fail now and then where two threads parse at once; a run of hours ended so."""
    write_shard(tmp_path / "s", part(1))
    parse, inside, most = np.lib.format.read_array_header_1_0, [], []

    def slow(stream):
        inside.append(1)
        time.sleep(0.002)
        most.append(len(inside))
        inside.pop()
        return parse(stream)

    monkeypatch.setattr(np.lib.format, "read_array_header_1_0", slow)
    with ThreadPoolExecutor(8) as pool:
        reads = list(pool.map(lambda _: read_shard(tmp_path / "s"), range(16)))
    assert max(most) == 1 and len(most) == 32
    for arrays in reads:
        for name, expected in part(1).items():
            np.testing.assert_array_equal(arrays[name], expected, strict=True)


@pytest.mark.parametrize("array", [np.empty((0, 3), np.float32), np.float64(2.5), np.array([True, False])])
def test_any_array_comes_back_as_it_was(tmp_path, array):
    write_shard(tmp_path / "s", {"a": np.asarray(array)})
    expected = np.ascontiguousarray(array)
    np.testing.assert_array_equal(read_shard(tmp_path / "s")["a"], expected, strict=True)


def test_damage_is_found_and_named(tmp_path):
    write_shard(tmp_path / "s", part(1))
    file = tmp_path / "s" / "values.npy"
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(EvidenceError, match=r"values\.npy is damaged.*delete"):
        read_shard(tmp_path / "s")


def test_missing_evidence_is_an_error(tmp_path):
    with pytest.raises(EvidenceError, match="missing or unreadable"):
        read_shard(tmp_path / "nothing")


def test_a_full_disk_leaves_finished_shards_and_no_half_one(tmp_path, monkeypatch):
    write_shard(tmp_path / "c" / "00000", part(0))

    def full(*args, **keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hypotest.collect.store.np.save", full)
    with pytest.raises(OutputError, match=r"disk is full.*HYPOTEST_CACHE"):
        collect_shards(tmp_path / "c", 2, part)
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["00000"]


def test_keys_depend_on_content_not_on_order():
    assert evidence_key({"a": 1, "b": 2}) == evidence_key({"b": 2, "a": 1})
    assert evidence_key({"a": 1}) != evidence_key({"a": 2})
