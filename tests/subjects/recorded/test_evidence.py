"""Evidence from elsewhere is checked at the door, and is the same whatever file it came in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import safetensors.torch
import torch
from safetensors.numpy import save_file

import hypotest
from hypotest.errors import EvidenceError

N_ROWS, N_UNITS = 12, 4
ACTIVATIONS = np.random.default_rng(0).normal(size=(N_ROWS, N_UNITS)).astype(np.float32)
ROWS = {"task": ["a", "b"] * 6, "cluster": [row // 2 for row in range(N_ROWS)]}


def refused(channels: Any, *words: str, rows: Any = ROWS, **keys: Any) -> None:
    with pytest.raises(EvidenceError) as caught:
        hypotest.Evidence(rows, channels, **keys)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_only_activations_are_a_must() -> None:
    evidence = hypotest.Evidence(ROWS, {"activations": ACTIVATIONS})
    assert evidence.n_neurons == N_UNITS
    assert evidence.rows.n_clusters == 6  # of the column `cluster`
    assert {str(channel) for channel in evidence.channels} == {"activations"}
    assert hypotest.Evidence({"task": ROWS["task"]}, {"activations": ACTIVATIONS}).rows.n_clusters == N_ROWS
    torch_too = hypotest.Evidence(ROWS, {"activations": torch.from_numpy(ACTIVATIONS)})
    assert torch_too.fingerprint == evidence.fingerprint


def test_what_is_wrong_is_named() -> None:
    refused({}, "must hold activations", "found none")
    refused({"loss": np.ones(N_ROWS)}, "must hold activations", "found loss")
    refused({"activations": ACTIVATIONS, "heads": 1}, "must be some of activations", "found heads")
    refused([ACTIVATIONS], "must map names to arrays", "list")
    refused({"activations": ACTIVATIONS[:5]}, "(n_rows, n_units)", "(12, n_units)", "(5, 4)")
    refused({"activations": ACTIVATIONS[:, 0]}, "(n_rows, n_units)", "(12,)")
    refused({"activations": ACTIVATIONS.astype(str)}, "array of numbers")
    refused({"activations": ACTIVATIONS, "influence": ACTIVATIONS[:, :3]}, "influence", "(12, 4)", "(12, 3)")
    refused({"activations": ACTIVATIONS, "loss": ACTIVATIONS}, "loss must have shape (n_rows,)", "(12, 4)")
    refused({"activations": ACTIVATIONS, "weights_in": np.ones((4, 2))}, "both be there")
    refused({"activations": ACTIVATIONS, "weights_in": np.ones((3, 2))}, "weights_in", "4 units", "(3, 2)")
    refused({"activations": ACTIVATIONS, "partition": ["a"] * 3}, "one label for each of the 4 units")
    refused({"activations": ACTIVATIONS[:, :1]}, "at least two units")
    refused({"activations": ACTIVATIONS}, "names the column 'session'", clusters="session")
    refused({"activations": ACTIVATIONS}, "polars or pandas", rows=[1])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e300])
def test_values_that_are_no_numbers(wrong: float) -> None:
    activations = ACTIVATIONS.astype(np.float64)
    activations[7, 2] = wrong
    refused({"activations": activations}, "must be finite", "1 values are not", "row 7, unit 2")
    loss = np.ones(N_ROWS)
    loss[3] = wrong
    refused({"activations": ACTIVATIONS, "loss": loss}, "loss must be finite", "row 3")


def test_every_file_holds_the_same(tmp_path: Path) -> None:
    task, cluster = np.array(ROWS["task"]), np.array(ROWS["cluster"])
    np.savez(tmp_path / "e.npz", task=task, cluster=cluster, activations=ACTIVATIONS, loss=np.arange(12.0))
    columns = {"task": task, "cluster": cluster, "loss": np.arange(12.0)}
    pl.DataFrame({**columns, "activations": ACTIVATIONS}).write_parquet(tmp_path / "array.parquet")
    lists = pl.DataFrame({**columns, "activations": ACTIVATIONS.tolist()})
    lists.write_parquet(tmp_path / "list.parquet")
    wide = {f"activations.{unit}": ACTIVATIONS[:, unit] for unit in reversed(range(N_UNITS))}
    pl.DataFrame({**columns, **wide}).write_parquet(tmp_path / "wide.parquet")
    tensors = {"activations": ACTIVATIONS, "cluster": cluster, "loss": np.arange(12.0)}
    metadata = {"rows": json.dumps({"task": ROWS["task"]})}
    save_file(tensors, tmp_path / "e.safetensors", metadata=metadata)
    every = [hypotest.Evidence.read(path) for path in sorted(tmp_path.iterdir())]
    assert len(every) == 5
    for evidence in every:
        np.testing.assert_array_equal(evidence.activations(np.arange(N_ROWS)), ACTIVATIONS)
        assert evidence.loss(np.array([3, 4])).tolist() == [3.0, 4.0]
        assert evidence.rows.frame["task"].to_list() == ROWS["task"]
        assert evidence.rows.n_clusters == 6


def test_tensors_of_half_precision(tmp_path: Path) -> None:
    """As other tools save activations; numpy knows no bfloat16."""
    tensors = {"activations": torch.from_numpy(ACTIVATIONS), "cluster": torch.arange(N_ROWS)}
    metadata = {"rows": json.dumps({"task": ROWS["task"]})}
    for kind in (torch.bfloat16, torch.float16):
        held = {**tensors, "activations": tensors["activations"].to(kind)}
        safetensors.torch.save_file(held, tmp_path / "half.safetensors", metadata=metadata)
        evidence = hypotest.Evidence.read(tmp_path / "half.safetensors")
        wanted = held["activations"].float().numpy()
        np.testing.assert_array_equal(evidence.activations(np.arange(N_ROWS)), wanted)


def test_files_that_are_no_evidence(tmp_path: Path) -> None:
    def reason(name: str, content: bytes | None = None) -> str:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(EvidenceError) as caught:
            hypotest.Evidence.read(path)
        return str(caught.value)

    assert "no such file" in reason("missing.npz")
    assert ".npz, .parquet, .safetensors" in reason("e.csv", b"a,b")
    for name in ("e.npz", "e.parquet", "e.safetensors"):
        assert "cannot be read" in reason(name, b"nothing of the kind" * 9)
    np.savez(tmp_path / "alone.npz", activations=ACTIVATIONS)
    assert "rows must have columns" in reason("alone.npz")
    np.savez(tmp_path / "objects.npz", activations=np.array([{}], dtype=object))
    assert "the array activations must hold numbers or text" in reason("objects.npz")  # no pickle is opened
    assert "no archive of arrays" in reason("other.npz", b"nothing of the kind")
    pl.DataFrame({"task": ["a", "b"], "activations": [[1.0], [1.0, 2.0]]}).write_parquet(
        tmp_path / "uneven.parquet"
    )
    assert "one length" in reason("uneven.parquet")
