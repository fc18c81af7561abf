"""A small protocol on a small random model, and the command line as a user runs it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from hypotest.__main__ import main
from tests.unrendered import figures_not_rendered

PROTOCOL = """\
hypotest: 1
id: small
title: Is this a small test?
subject: {model: MODEL}
corpus: {text: {files: [FILES]}, context: 32}
frequencies: MODEL/counts.npy
conditions:
  rare: {target: {frequency: {below_percentile: 50, of: types, elbow: keep}}}
  common: {target: {frequency: {from_percentile: 50, of: types, elbow: keep}}}
sample:
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
) -> Iterator[Path]:
    """A protocol whose text and model lie beside it; who registers copies the folder."""
    folder = tmp_path_factory.mktemp("protocol")
    names = []
    for number, text in enumerate(small_documents):
        names.append(f"{number}.txt")
        (folder / names[-1]).write_text(text, encoding="utf-8")
    content = PROTOCOL.replace("MODEL", str(small_model_folder)).replace("FILES", ", ".join(names))
    path = folder / "small.yaml"
    path.write_text(content, encoding="utf-8")
    yield path
    left = sorted(item.name for item in folder.iterdir() if item.suffix in (".json", ".jsonl"))
    assert not left, f"a test registered in the folder that others copy: {left}"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


Command = Callable[..., subprocess.CompletedProcess[str]]


def _environment(cache: Path, changed: dict[str, str]) -> dict[str, str]:
    return {"HYPOTEST_CACHE": str(cache), "COLUMNS": "80", **changed}


@pytest.fixture(scope="session")
def hypotest(cache: Path) -> Command:
    """Run a command in this process; returns exit code, output and errors.

    An error that a user would meet as a traceback fails the test that calls it. What is about the process
    itself (threads, what is imported, signals, the same bytes from another one) takes `hypotest_process`.
    """

    def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        given = list(map(str, arguments))
        output, errors = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(output),
            redirect_stderr(errors),
            pytest.raises(SystemExit) as left,
        ):
            for name, value in _environment(cache, environment).items():
                patch.setenv(name, value)
            main(given)
        code = left.value.code or 0
        assert isinstance(code, int)
        return subprocess.CompletedProcess(given, code, output.getvalue(), errors.getvalue())

    return call


@pytest.fixture(scope="session")
def hypotest_process(cache: Path) -> Command:
    """Run a command in a process of its own, on all cores, as a user does."""

    def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if name != "LOKY_MAX_CPU_COUNT"}
        return subprocess.run(
            [sys.executable, "-m", "hypotest", *map(str, arguments)],
            env={**inherited, **_environment(cache, environment)},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )

    return call


@pytest.fixture(scope="module")
def no_figures() -> Iterator[None]:
    """`figures_not_rendered`, for a whole file."""
    with figures_not_rendered():
        yield
