"""A small protocol on a small random model, and the command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROTOCOL = """\
hypotest: 1
id: small
title: A small test
subject: {model: MODEL}
corpus: {text: {files: [FILES]}, context: 32}
frequencies: MODEL/counts.npy
conditions:
  elbow: keep
  rare: {target_frequency: {below_percentile: 50, of: types}}
  common: {target_frequency: {from_percentile: 50, of: types}}
  positions: 120
  max_per_document: 8
group: {select: {top_fraction: 0.15}}
nulls:
  size_matched: {draws: 599}
  label_shuffled: {draws: 399}
predictions:
  - id: specialization
    role: premise
    measure: selectivity
    contrast: {null: label_shuffled}
    modular: greater
    distributed: greater
  - id: regimes
    role: descriptive
    measure: plateau_flatness
    contrast: {null: label_shuffled}
  - id: coordination
    measure: effective_dimension
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: any
    distributed: less
  - id: clustering
    measure: modularity
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: greater
    distributed: [equivalent, less]
  - id: attention
    measure: attention_gini
    contrast: {conditions: [rare, common], by: document}
    margin: {raw: 0.05}
    modular: greater
    distributed: equivalent
  - id: routing
    measure: routing_similarity
    contrast: {reference: 1.0}
    margin: {raw: 0.1}
    modular: less
    distributed: equivalent
  - id: single-head
    measure: top_head_share
    contrast: {reference: 0.5}
    modular: greater
    distributed: less
  - id: head-specificity
    measure: top_head_impact
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: greater
    distributed: equivalent
  - id: spectrum
    measure: hill_alpha
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: any
    distributed: less
seed: 11
"""


@pytest.fixture(scope="session")
def small_protocol(
    tmp_path_factory: pytest.TempPathFactory, small_model_folder: Path, small_documents: list[str]
) -> Path:
    """A protocol whose text and model lie beside it."""
    folder = tmp_path_factory.mktemp("protocol")
    names = []
    for number, text in enumerate(small_documents):
        names.append(f"{number}.txt")
        (folder / names[-1]).write_text(text, encoding="utf-8")
    content = PROTOCOL.replace("MODEL", str(small_model_folder)).replace("FILES", ", ".join(names))
    path = folder / "small.yaml"
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def hypotest(cache: Path) -> Command:
    """Run the command line; returns exit code, output and errors."""

    def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hypotest", *map(str, arguments)],
            env={**os.environ, "HYPOTEST_CACHE": str(cache), "COLUMNS": "80", **environment},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )

    return call
