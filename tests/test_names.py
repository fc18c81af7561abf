"""Names say what a thing is, not that it was found; and no two classes share one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
EMPTY = {"found", "_found"}


def names_of(tree: ast.AST) -> Iterator[tuple[str | None, int]]:
    """Everything in it that is given a name, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield node.attr, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
            yield node.name, node.lineno
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((item.asname, node.lineno) for item in node.names)
        elif isinstance(node, ast.MatchAs | ast.MatchStar):
            yield node.name, node.lineno


def empty_names(source: str) -> list[int]:
    """Lines that name something by the fact that it was found."""
    return sorted({line for name, line in names_of(ast.parse(source)) if name in EMPTY})


def shared_class_names(sources: dict[str, str]) -> dict[str, list[str]]:
    """Classes of one name in several files; one that extends its namesake is the same noun."""
    places: dict[str, list[str]] = {}
    for file, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.ClassDef):
                continue
            bases = {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases}
            if node.name not in bases:
                places.setdefault(node.name, []).append(file)
    return {name: files for name, files in places.items() if len(files) > 1}


def test_no_name_is_that_of_two_classes():
    paths = (ROOT / "hypotest").rglob("*.py")
    assert shared_class_names({path.as_posix(): path.read_text(encoding="utf-8") for path in paths}) == {}


def test_classes_of_one_name_are_seen():
    one, other = "class A: ...\nclass B: ...", "class A(Base): ...\nclass B(module.B): ..."
    assert shared_class_names({"one": one, "other": other}) == {"A": ["one", "other"]}


UNDER_ONE_HASH = ("hypotest/engine/workers.py", "hypotest/pipeline/analysis/describe.py")
"""Records of known networks are of their syntax: to be named better when these are made anew."""


def test_nothing_is_named_after_its_being_found():
    paths = [path for folder in ("hypotest", "tests") for path in (ROOT / folder).rglob("*.py")]
    lines = [
        f"{path.relative_to(ROOT).as_posix()}:{line}"
        for path in paths
        for line in empty_names(path.read_text(encoding="utf-8"))
    ]
    assert len(paths) > 100
    lines = [line for line in lines if line.partition(":")[0] not in UNDER_ONE_HASH]
    assert sorted(lines) == [], "say what it is: the correlation, the effects, the rows"


def test_every_way_of_naming_is_seen():
    source = """
found = 1
def found(_found): ...
class Record:
    found: int
[found for found in ()]
record.found = 2
import json as found
with open("x") as found: ...
record.found.of("found")
"""
    assert empty_names(source) == [2, 3, 5, 6, 7, 8, 9]
