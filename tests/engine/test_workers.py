"""Pieces of work on all cores: order, progress, and pieces that a killed run had finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hypotest.engine.workers import Workers
from hypotest.estimators.graphs.modularity import best_modularity, communities
from hypotest.pipeline.pieces import KeptPieces

STAGE = "clustering: 3 groups"


@pytest.fixture(autouse=True)
def all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each process of the tests keeps to one."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)


def calls(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Groups of a layer's graph, each piece with random numbers of its own."""
    rng = np.random.default_rng(seed)
    weights = rng.random((12, 12))
    information = weights + weights.T
    return [
        {
            "information": information,
            "groups": np.sort(rng.permutation(12)[:8])[None, :],
            "rng": np.random.default_rng([seed, number]),
        }
        for number in range(n)
    ]


def expected(n: int) -> list[float]:
    return [float(communities(**keywords).modularity[0]) for keywords in calls(n)]


def values(workers: Workers, n: int, stage: str = STAGE) -> list[float]:
    return [float(piece[0]) for piece in workers(stage, best_modularity, calls(n))]


def kill_behind(folder: Path, n_finished: int) -> None:
    """A run that is killed when so many pieces of three are finished."""
    finished = 0

    def start_stage(stage: str, n_steps: int) -> Any:
        def step() -> None:
            nonlocal finished
            finished += 1
            if finished == n_finished:
                raise KeyboardInterrupt

        return step

    with pytest.raises(KeyboardInterrupt):
        values(Workers(start_stage, KeptPieces(folder)), 3)


def refuse(**keywords: Any) -> Any:
    raise AssertionError("computed again")


def test_results_come_in_order() -> None:
    steps: list[str] = []
    workers = Workers(lambda stage, n: lambda: steps.append(f"{stage} of {n}"))
    assert values(workers, 3) == expected(3)
    assert steps == [f"{STAGE} of 3"] * 3


def test_a_run_goes_on_behind_the_pieces_of_a_killed_one(tmp_path: Path) -> None:
    kill_behind(tmp_path, 2)
    assert len(list(tmp_path.rglob("values.npy"))) >= 2  # what is under way in other threads is kept, too
    times = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("values.npy")}
    assert values(Workers(kept=KeptPieces(tmp_path)), 3) == expected(3)
    assert len(list(tmp_path.rglob("values.npy"))) == 3
    assert all(file.stat().st_mtime_ns == time for file, time in times.items())


def test_finished_pieces_are_not_computed_again(tmp_path: Path) -> None:
    values(Workers(kept=KeptPieces(tmp_path)), 3)
    again = Workers(kept=KeptPieces(tmp_path))(STAGE, refuse, calls(3))
    assert [float(piece[0]) for piece in again] == expected(3)


def test_a_stage_that_occurs_twice_or_has_other_pieces_is_another(tmp_path: Path) -> None:
    values(Workers(kept=KeptPieces(tmp_path)), 3)
    workers = Workers(kept=KeptPieces(tmp_path))
    workers(STAGE, refuse, calls(3))  # the first time it is there
    with pytest.raises(AssertionError, match="computed again"):
        workers(STAGE, refuse, calls(3))
    with pytest.raises(AssertionError, match="computed again"):
        Workers(kept=KeptPieces(tmp_path))(STAGE, refuse, calls(2))
    with pytest.raises(AssertionError, match="computed again"):
        Workers(kept=KeptPieces(tmp_path))("another", refuse, calls(3))


def test_a_damaged_piece_is_computed_again(tmp_path: Path) -> None:
    values(Workers(kept=KeptPieces(tmp_path)), 3)
    damaged = sorted(tmp_path.rglob("values.npy"))[1]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    assert values(Workers(kept=KeptPieces(tmp_path)), 3) == expected(3)
    assert values(Workers(kept=KeptPieces(tmp_path)), 3) == expected(3)


def test_nothing_is_left_of_a_finished_run(tmp_path: Path) -> None:
    kept = KeptPieces(tmp_path / "unfinished")
    values(Workers(kept=kept), 3)
    kept.discard()
    assert list(tmp_path.iterdir()) == []
