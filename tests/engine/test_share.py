"""Pieces that several processes make together: each is made, few are made twice, whoever stops."""

from __future__ import annotations

import heapq
from threading import Barrier, Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypotest.collect.store import make_shards, read_shards
from hypotest.engine.share import ALONE, Share
from hypotest.engine.workers import Workers
from hypotest.pipeline.pieces import KeptPieces


def test_alone_they_come_in_order():
    assert list(ALONE.order(5, lambda piece: False)) == [0, 1, 2, 3, 4]


@given(st.integers(0, 30), st.integers(1, 7), st.data())
def test_every_piece_comes_once_and_the_own_ones_first(n, of, data):
    number = data.draw(st.integers(0, of - 1))
    there = data.draw(st.sets(st.integers(0, 29)))
    order = list(Share(number, of).order(n, there.__contains__))
    own = list(range(number, n, of))
    assert order[: len(own)] == own and sorted(order) == list(range(n))


def worked(n: int, seconds: list[float], stopped: dict[int, float]) -> tuple[int, float, set[int]]:
    """Pieces made, the time at which all are there, and which: processes of several speeds, some killed."""
    made: set[int] = set()
    orders = [iter(Share(number, len(seconds)).order(n, made.__contains__)) for number in range(len(seconds))]
    count, finished = 0, 0.0
    waiting: list[tuple[float, int, int | None]] = [(0.0, number, None) for number in range(len(seconds))]
    while waiting:
        now, number, piece = heapq.heappop(waiting)
        if now >= stopped.get(number, float("inf")):
            continue
        if piece is not None:
            count += 1
            finished = finished if piece in made else now
            made.add(piece)
        following = next((other for other in orders[number] if other not in made), None)
        if following is not None:
            heapq.heappush(waiting, (now + seconds[number], number, following))
    return count, finished, made


@pytest.mark.parametrize("seconds", [[1, 1], [1, 3], [1, 1, 1, 1], [1, 2, 5], [1, 1, 1, 20]])
def test_little_is_made_twice_and_nobody_waits_for_the_slowest(seconds):
    n = 60
    count, finished, made = worked(n, seconds, {})
    assert made == set(range(n))
    assert count <= n + 2 * len(seconds)
    at_best = n / sum(1 / each for each in seconds)
    assert finished <= at_best + 2 * min(seconds) + 1


@pytest.mark.parametrize("when", [0.0, 0.5, 7.0, 29.5])
def test_what_a_killed_process_leaves_is_made_by_others(when):
    count, finished, made = worked(60, [1, 1, 1], {1: when})
    assert made == set(range(60)) and count <= 66
    assert finished <= (60 + when) / 2 + 3


def test_two_share_the_shards_of_a_folder_and_read_the_same(tmp_path):
    """Both at once, in threads that wait for each other before every shard."""
    done: dict[int, list[int]] = {0: [], 1: []}
    both = Barrier(2, timeout=20)

    def collect(number: int) -> None:
        def compute(shard: int) -> dict[str, np.ndarray]:
            if len(done[number]) < 4:
                both.wait()
            done[number].append(shard)
            return {"values": np.full(3, shard)}

        make_shards(tmp_path, 8, compute, share=Share(number, 2))

    threads = [Thread(target=collect, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert done[0][:4] == [0, 2, 4, 6] and done[1][:4] == [1, 3, 5, 7]
    assert len(done[0]) + len(done[1]) <= 9  # the last one may be made by both
    np.testing.assert_array_equal(read_shards(tmp_path, 8)["values"], np.repeat(np.arange(8), 3))


def test_pieces_of_a_stage_are_shared_and_come_back_in_their_order(tmp_path):
    made: list[tuple[int, int]] = []

    def piece(place: int, who: int) -> np.ndarray:
        made.append((who, place))
        return np.array([10.0 * place])

    def values(who: int, n: int) -> list[float]:
        workers = Workers().keeping(KeptPieces(tmp_path), Share(who, 2))
        calls = [{"place": place, "who": who} for place in range(n)]
        return [float(array[0]) for array in workers("draws", piece, calls)]

    KeptPieces(tmp_path).write(KeptPieces(tmp_path).stage("draws", 6)[1], np.array([10.0]))
    assert values(0, 6) == values(1, 6) == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert {who for who, _ in made} == {0}  # all was there for the other
    assert sorted(place for _, place in made) == [0, 2, 3, 4, 5]
