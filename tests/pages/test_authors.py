"""Authors of pages hand on text as it is: only renderers know what a character means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import hypotest

PACKAGE = Path(hypotest.__file__).parent
SAFE = {"printable", "terminal_text", "visible", "html", "markdown"}
"""What makes text safe for one format."""
NO_PAGES = re.compile(r"report/(figures/|progress|text)")
"""Modules that draw, or print while something is going on: matplotlib and rich take text as it is."""
MARKUP = re.compile(r"(?<!\*)\*\*(?!\*)|^#+ |\| ---|^- \[|<br>|<sup>|</|^> \[!|!\[")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted((PACKAGE / "report").rglob("*.py")):
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def test_no_author_of_a_page_escapes() -> None:
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom | ast.Import) and not NO_PAGES.match(
                file.relative_to(PACKAGE).as_posix()
            ):
                assert not {name.name for name in node.names} & SAFE, file
            name = str(getattr(node, "attr", getattr(node, "id", "")))
            assert "escape" not in name, f"{file}: {name}"


def test_no_author_of_a_page_writes_markup() -> None:
    for file, tree in trees():
        parts = [node for call in ast.walk(tree) if _is_prose(call) for node in ast.walk(call)]
        documented = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
        apart = {id(node) for node in (*parts, *documented)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
                assert not MARKUP.search(node.value), f"{file}: {node.value!r}"


def test_only_what_an_author_wrote_is_read_as_marks() -> None:
    """`prose` reads marks in its template, so that the template must not hold what others wrote."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if _is_prose(node):
                assert isinstance(node, ast.Call)
                template = node.args[0]
                assert isinstance(template, ast.Constant), f"{file}:{node.lineno}: a template is written out"
                assert template.value.count("{}") == len(node.args) - 1, f"{file}:{node.lineno}"


def _is_prose(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "prose"
