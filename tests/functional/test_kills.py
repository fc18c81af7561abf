"""Workers of a series killed at random, and the bytes that come out of it.

``KILLS=50 .venv/bin/python -m pytest -s tests/functional/test_kills.py`` takes half an hour, since
each series draws the figures of twelve runs; every day's tests kill one worker in each stage
(`tests.functional.test_cluster`).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.functional.protocols import with_predictions, written
from tests.functional.workers import begun, children_of, numbers_of

pytest.importorskip("dask", reason="the extra `cluster` is not installed")
pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

KILLS = int(os.environ.get("KILLS", "0"))
SEED = int(os.environ.get("SEED", "1"))
MODELS = ("a", "b", "c", "d")


@pytest.fixture
def twelve(small_protocol: Path, small_model_folder: Path, tmp_path: Path) -> Path:
    """A protocol of four networks at three layers each."""
    import torch
    from safetensors.torch import load_file, save_file

    for number, name in enumerate(MODELS):
        folder = shutil.copytree(small_model_folder, tmp_path / "models" / name)
        weights = load_file(folder / "model.safetensors")
        torch.manual_seed(number)
        changed = {key: value * (1 + 0.01 * torch.randn(())) for key, value in weights.items()}
        save_file(changed, folder / "model.safetensors", {"format": "pt"})
    names = ", ".join(str(tmp_path / "models" / name) for name in MODELS)
    path = written(small_protocol, "twelve.yaml", f"subject: {{model: [{names}], layer: [-3, -2, -1]}}")
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "clustering")
    path.write_text(few, encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.skipif(not KILLS, reason="half an hour: KILLS=50 runs it")
def test_killed_workers_change_no_byte(twelve: Path, tmp_path: Path) -> None:
    """A series that ends before as many were killed begins anew, with nothing in its cache."""
    assert begun(twelve, tmp_path / "alone", tmp_path / "cache").wait() == 0
    expected, killed, number = numbers_of(tmp_path / "alone"), 0, 0
    assert len(expected) == 24  # results and draws of each member
    draw = random.Random(SEED)
    while killed < KILLS:
        number += 1
        out, cache = tmp_path / f"out-{number}", tmp_path / f"cache-{number}"
        ended = False
        while not ended:  # members whose worker died too often are begun again by the same command
            process = begun(twelve, out, cache, "--workers", "2")
            killed += kill_some(process, KILLS - killed, draw)
            ended = process.wait() == 0
            told = out.with_suffix(".txt").read_text(encoding="utf-8")
            assert ended or "workers" in told, told
        assert numbers_of(out) == expected
        print(f"{killed} workers killed in {number} series")


def kill_some(process: subprocess.Popen[bytes], n: int, draw: random.Random) -> int:
    """Kill up to so many of a run's workers, each by its own id, until the run ends.

    Returns:
        How many were killed.
    """
    killed = 0
    while killed < n and process.poll() is None:
        time.sleep(draw.uniform(0.2, 6))
        workers = children_of(process.pid)
        if workers and process.poll() is None:
            try:
                os.kill(draw.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed += 1
    return killed
