"""Lines of Python code without what is prose in them: docstrings and comments."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

_BLANK_LINES = re.compile(r"\n\s*\n")
_SHORTEST_BLOCK = 20
"""Characters; shorter ones are closing brackets and single statements."""


def code_lines(source: bytes) -> str:
    r"""The lines of a source file that are code, as they are indented; empty if it does not parse.

    Examples:
        >>> print(code_lines(b'def f(x):\n    "What it does."\n\n    # why\n    return x  # so\n'))
        def f(x):
        <BLANKLINE>
            return x
    """
    try:
        tree = ast.parse(source)
        text = io.TextIOWrapper(io.BytesIO(source), tokenize.detect_encoding(io.BytesIO(source).readline)[0])
        lines = text.read().splitlines()
        comments = [
            token.start
            for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline)
            if token.type == tokenize.COMMENT
        ]
    except (SyntaxError, ValueError, tokenize.TokenError):
        return ""  # a template, or a file for another version of Python
    for row, column in comments:
        before = lines[row - 1][:column].rstrip()
        lines[row - 1] = before or "\0"
    for first, last in _docstrings(tree):
        lines[first - 1 : last] = ["\0"] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line != "\0").strip("\n")


def code_blocks(source: bytes, seen: set[str]) -> Iterator[str]:
    """Runs of lines without an empty one between them, each only where it occurs first.

    Args:
        source: Of a file.
        seen: Blocks that occurred before; grows. Without it, what packages copy from each other would stand
            on both sides of the split.
    """
    for block in _BLANK_LINES.split(code_lines(source)):
        key = block.strip()
        if len(key) >= _SHORTEST_BLOCK and key.isascii() and key not in seen:
            seen.add(key)
            yield block.strip("\n")


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """First and last line of each, where nothing else stands on them."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
            and first.lineno > getattr(node, "lineno", 0)
        ):
            yield first.lineno, first.end_lineno or first.lineno
