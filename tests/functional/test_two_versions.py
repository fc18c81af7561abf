"""Two versions of the package on one store at once: each finds its own evidence, and no other's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hypotest as package
from hypotest.collect.sample import COLLECTION_VERSION
from tests.functional.workers import bytes_of

HERE = Path(package.__file__).parents[1]
SAVED = "np.save(stream, np.ascontiguousarray(array), allow_pickle=False)"
VERSION = f"COLLECTION_VERSION = {COLLECTION_VERSION}\n"


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later version, to which single heads matter three times as much."""
    tree = tmp_path_factory.mktemp("later")
    shutil.copytree(HERE / "hypotest", tree / "hypotest", ignore=shutil.ignore_patterns("__pycache__"))
    tripled = SAVED.replace("array)", 'array * 3 if name == "single" else array)')
    for name, old, new in (
        ("sample.py", VERSION, VERSION.replace(str(COLLECTION_VERSION), str(COLLECTION_VERSION + 1))),
        ("store.py", SAVED, tripled),
    ):
        file = tree / "hypotest" / "collect" / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")
    return tree


def command(tree: Path, cache: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hypotest", *map(str, arguments)],
        env={**os.environ, "HYPOTEST_CACHE": str(cache), "PYTHONPATH": str(tree)},
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def done(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
def test_two_versions_use_one_store_at_once(later: Path, small_protocol: Path, tmp_path: Path) -> None:
    trees, store = {"now": HERE, "later": later}, tmp_path / "store"

    def run(name: str, cache: Path, out: str) -> subprocess.Popen[str]:
        place = tmp_path / out / name
        return command(trees[name], cache, "run", small_protocol, "--out", place, "--device", "cpu")

    for name in trees:
        done(run(name, tmp_path / name, "alone"))
    expected = {name: bytes_of(tmp_path / "alone" / name) for name in trees}
    assert expected["now"] != expected["later"]
    for process in [run(name, store, "together") for name in trees]:
        done(process)
    assert {name: bytes_of(tmp_path / "together" / name) for name in trees} == expected
    for name, tree in trees.items():
        (folder,) = (tmp_path / "together" / name).glob("*/*")
        assert "DIFFERS" not in done(command(tree, store, "verify", folder))
        held = ("prune", "--older-than", 0, "--dry-run", "--keep", tmp_path / "together")
        said = done(command(tree, store, "cache", *held))
        assert said.count("needed by") == 4, said  # two splits of each version's
    (folder,) = (tmp_path / "together" / "now").glob("*/*")
    done(command(HERE, store, "cache", "prune", "--run", folder, "--keep", tmp_path / "together" / "later"))
    for name, is_there in (("later", True), ("now", False)):
        done(run(name, store, "again"))
        assert bytes_of(tmp_path / "again" / name) == expected[name]
        (file,) = (tmp_path / "again" / name).glob("*/*/manifest.json")
        assert json.loads(file.read_text(encoding="utf-8"))["evidence"]["was_cached"] == is_there
