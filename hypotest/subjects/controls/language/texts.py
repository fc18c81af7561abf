"""Code and prose of installed packages: real text that is on every machine where hypotest is."""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import CorpusError

PACKAGES = ("networkx", "seaborn")
"""Distributions that hypotest needs anyway."""
KINDS = ("code", "prose")
WINDOW = 32
"""Characters that are read, each with the next one to be predicted."""
CHARACTERS = 96
"""Those of ASCII that can be printed, and the newline, which is 95."""
UNSEEN = 5
"""Every so many files none is learned from."""
TEST_ROWS = 1200
_SHORTEST = 4 * WINDOW
"""Characters; shorter texts are left out."""
_BLANK = re.compile(r"\n\s*\n")
_NO_PROSE = re.compile(r">>>|\.\. |[-=~^*#|]{3,}|^\s*:\w+", re.MULTILINE)
"""In a paragraph: a doctest, a directive, a rule, a field."""


@dataclass(frozen=True, slots=True, eq=False)
class CodeAndProse:
    """Text to learn from, and windows of files that no network ever learns from."""

    learned: tuple[Tensor, Tensor]
    """Characters of code, and of prose, each shape (n,)."""
    x: Tensor
    """Kind of the text, then its window of characters, shape (TEST_ROWS, 1 + WINDOW)."""
    y: Tensor
    """The character that follows each, shape (TEST_ROWS, WINDOW)."""
    file: tuple[str, ...]
    """That each window comes from."""

    @classmethod
    def made(cls, seed: int) -> CodeAndProse:
        """From a seed: which files are unseen, and which windows of them test.

        Raises:
            CorpusError: If a package is not installed.
        """
        rng = np.random.default_rng(seed)
        files = texts()
        unseen = rng.permutation(len(files)) % UNSEEN == 0
        learned, windows = [], []
        for kind in range(2):
            parts = [coded(item[1 + kind]) for item, keep in zip(files, ~unseen, strict=True) if keep]
            learned.append(torch.from_numpy(np.concatenate(parts)))
            own = [(item[0], coded(item[1 + kind])) for item, out in zip(files, unseen, strict=True) if out]
            windows.append(_windows(own, TEST_ROWS // 2, rng))
        order = np.arange(TEST_ROWS)
        drawn = np.stack([item[1] for item in windows])[order % 2, order // 2]
        names = [item[0] for item in windows]
        x = np.column_stack([order % 2, drawn[:, :-1]])
        return cls(
            (learned[0], learned[1]),
            torch.from_numpy(x),
            torch.from_numpy(drawn[:, 1:].copy()),
            tuple(names[row % 2][row // 2] for row in order.tolist()),
        )


def _windows(
    files: list[tuple[str, NDArray[np.int64]]], n: int, rng: np.random.Generator
) -> tuple[list[str], NDArray[np.int64]]:
    """Random windows and the file of each, of files that are long enough, all alike often."""
    long = [item for item in files if len(item[1]) >= _SHORTEST]
    chosen = [long[place] for place in rng.integers(len(long), size=n)]
    starts = [int(rng.integers(len(text) - WINDOW)) for _, text in chosen]
    drawn = [text[start : start + WINDOW + 1] for (_, text), start in zip(chosen, starts, strict=True)]
    return [name for name, _ in chosen], np.stack(drawn)


def coded(text: str) -> NDArray[np.int64]:
    r"""Numbers of characters; those that have none are left out.

    Examples:
        >>> coded("a b\u00e9\n").tolist()
        [65, 0, 66, 95]
    """
    codes = np.frombuffer(text.replace("\n", "\x7f").encode("ascii", "ignore"), dtype=np.uint8)
    return codes[codes >= 32].astype(np.int64) - 32


@cache
def texts() -> tuple[tuple[str, str, str], ...]:
    """Name, code and prose of every source file of `PACKAGES`, sorted; tests are left out.

    Raises:
        CorpusError: If one is not installed.
    """
    files = []
    for name in PACKAGES:
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise CorpusError(
                f"the text needs the installed package {name!r}, which is missing; "
                f"install it with: pip install {name}"
            ) from None
        for file in sorted(distribution.files or [], key=str):
            if file.suffix == ".py" and "tests" not in file.parts:
                code, prose = parted(Path(str(distribution.locate_file(file))).read_text("utf-8"))
                if code and prose:
                    files.append((file.as_posix(), code, prose))
    return tuple(files)


def parted(source: str) -> tuple[str, str]:
    r"""Code without docstrings and comments, and the prose of the docstrings.

    Examples:
        >>> parted('def f(x):\n    "What it does with an x."\n    return x  # so\n')
        ('def f(x):\n    return x', 'What it does with an x.')
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's sources
        tree = ast.parse(source)
    paragraphs = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node)
            if documented is not None:
                node.body = node.body[1:] or [ast.Pass()]
                paragraphs += [inspect.cleandoc(item) for item in _BLANK.split(documented)]
    prose = [" ".join(item.split()) for item in paragraphs if not _NO_PROSE.search(item)]
    return ast.unparse(tree), "\n".join(item for item in prose if " " in item)
