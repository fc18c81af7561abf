"""A protocol about rows, and what it can be run on in a moment: a small network, or evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import hypotest

N_ROWS, N_UNITS = 240, 16
PROTOCOL = """\
hypotest: 1
id: two-kinds
title: Do units prefer one kind?
subject: {network: small}
conditions:
  one: {field: {kind: one}}
  two: {field: {kind: two}}
sample: {positions: 40, max_per_document: 10}
group: {select: {top: 4}}
ablation: {replacement: zero}
placebos: 0
nulls:
  size_matched: {draws: 39}
predictions:
  - {id: preference, measure: selectivity, contrast: {null: size_matched}, modular: greater}
seed: 3
"""


def rows() -> dict[str, Any]:
    """Six rows in a cluster, three of each kind."""
    kinds = np.array(["one", "two"])[np.arange(N_ROWS) % 2]
    target = np.random.default_rng(2).integers(3, size=N_ROWS)
    return {"kind": kinds, "target": target.tolist(), "cluster": np.arange(N_ROWS) // 6}


def network(**changed: Any) -> hypotest.Network:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, N_UNITS), nn.ReLU(), nn.Linear(N_UNITS, 3)).eval()
    inputs = torch.randn(N_ROWS, 5, generator=torch.Generator().manual_seed(1))
    keys = {"rows": rows(), "inputs": inputs, "outcome": "cross_entropy", "clusters": "cluster", **changed}
    return hypotest.Network(module, units="1", name="small", **keys)


def recorded() -> hypotest.Evidence:
    rng = np.random.default_rng(5)
    channels = {name: rng.normal(size=(N_ROWS, N_UNITS)) for name in ("activations", "influence")}
    return hypotest.Evidence(rows(), channels, clusters="cluster", name="small")


def protocol_in(folder: Path, text: str = PROTOCOL) -> Path:
    """The file, which needs no package that offers the network if that is given."""
    path = folder / "two-kinds.yaml"
    path.write_text(text, encoding="utf-8")
    return path
