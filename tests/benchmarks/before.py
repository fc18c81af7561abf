"""The code before it was made fast, beside the code of now: ratios of one machine in one hour.

A benchmark measures whatever ``hypotest`` it finds; `figures` runs it in a process that finds the old tree.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
BEFORE = "7be6250015bdb7626b394b6ad0a62c9dd4603ef4"
"""The last commit before the work on speed."""
FIGURES = "--figures"


@contextmanager
def tree_before() -> Iterator[Path]:
    """The old code in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        _git("worktree", "add", "--detach", str(tree), BEFORE)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def figures(module: str, tree: Path, *arguments: str) -> dict[str, float]:
    """Run a benchmark of this tree on the code of another; what it prints last is an object of figures.

    Args:
        module: File of the benchmark.
        tree: Whose ``hypotest`` it finds.
        *arguments: What the benchmark is told.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(ROOT)])}
    command = [sys.executable, module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tree, check=True)
    parsed: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return parsed


def first_module(*names: str) -> ModuleType:
    """The first of these modules that there is: what is measured had other places before."""
    for name in names:
        with suppress(ModuleNotFoundError):
            return import_module(name)
    raise ModuleNotFoundError(f"none of {', '.join(names)}")


def both(module: str, measured: Callable[[], dict[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Figures before and now, one after the other, under a line on the machine.

    Args:
        module: File of the benchmark. With ``--figures`` it prints those of whatever ``hypotest`` is found,
            and that is all.
        measured: Takes them.
    """
    if sys.argv[1:] == [FIGURES]:
        print(json.dumps(measured()))
        raise SystemExit
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{cores} cores, load average {load:.1f} at the start; before: {BEFORE[:7]}\n", flush=True)
    with tree_before() as tree:
        return figures(module, tree, FIGURES), figures(module, ROOT, FIGURES)


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True)
