"""Every message of an error, collected from the code, with what each kind means."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from pathlib import Path

import hypotest.errors as errors
from docs.made.text import listed, paragraphs, sentence

PACKAGE = Path(inspect.getfile(errors)).parent
KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.HypotestError) and kind is not errors.HypotestError
}
FINDING = "Finding"
"""What is wrong at one key of a protocol; `ProtocolError` carries them all."""


def page() -> str:
    """Messages by kind; what is written as `…` is filled in."""
    collected = messages()
    sections = [
        paragraphs(
            f"## {name}",
            f"{sentence(inspect.getdoc(kind) or '')} Exit code {kind.exit_code}.",
            listed(sorted(collected[name])),
        )
        for name, kind in KINDS.items()
        if collected[name]
    ]
    return paragraphs(
        "# Errors",
        "A message says what was required, what is there instead, where, and what to do: read its last clause first. "
        "On the command line there is no traceback. All problems of a protocol are named at once, with line and "
        "column. Here they are by kind, collected from the code; `…` is filled in. Use the search of your browser "
        "with a few words of yours.",
        *sections,
    )


def messages() -> dict[str, set[str]]:
    """Name of the error -> its messages."""
    collected: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = "ProtocolError" if node.func.id == FINDING else node.func.id
                if name in KINDS:
                    for argument in node.args:
                        text = said(argument)
                        if len(text.replace("…", "").split()) > 3:
                            collected[name].add(text)
    return collected


def said(node: ast.expr) -> str:
    """The text of an expression, as far as it is written down."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return " ".join(_escaped(node.value).split(" "))
    if isinstance(node, ast.JoinedStr):
        return "".join(said(value) if isinstance(value, ast.Constant) else "…" for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return said(node.left) + said(node.right)
    return ""


def _escaped(text: str) -> str:
    pieces = text.replace("\n", " ").split("`")
    if len(pieces) % 2 == 0:
        return "".join(f"\\{char}" if char in "`*_[]<>{}$" else char for char in text.replace("\n", " "))
    plain = [
        "".join(f"\\{char}" if char in "*_[]<>{}$#" else char for char in piece) if index % 2 == 0 else piece
        for index, piece in enumerate(pieces)
    ]
    return "`".join(plain)
