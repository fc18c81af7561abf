"""Every message of an error, collected from the code, with what each kind means."""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import hypotest.errors as errors
from docs.made.remedies import remedy_of
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
            listed(map(_entry, sorted(collected[name]))),
        )
        for name, kind in KINDS.items()
        if collected[name]
    ]
    return paragraphs(
        "# Errors",
        "A message says what was required, what is there instead, where, and what to do: read its last clause first. "
        "Where it leaves that open, the remedy stands behind it in bold. On the command line there is no traceback. All problems of a protocol are named at once, with line and "
        "column. Here they are by kind, collected from the code; `…` is filled in. Use the search of your browser "
        "with a few words of yours.",
        *sections,
    )


def _entry(message: str) -> str:
    remedy, shown = remedy_of(message), _escaped(message)
    return f"{shown if shown[-1] in '.?!' else shown + '.'} **{remedy}.**" if remedy else shown


def messages(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Name of the error -> its messages.

    Args:
        package: Folder of the code.
    """
    collected: dict[str, set[str]] = defaultdict(set)
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py"))]
    everywhere = _constants(node for tree in trees for node in tree.body)
    for tree in trees:
        constants = {**everywhere, **_constants(tree.body)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = "ProtocolError" if node.func.id == FINDING else node.func.id
                if name in KINDS:
                    for argument in node.args:
                        text = re.sub("…+", "…", " ".join(said(argument, constants).split()))
                        if len(text.replace("…", "").split()) > 3:
                            collected[name].add(text)
    return collected


def _constants(nodes: Iterable[ast.stmt]) -> dict[str, str]:
    """Names in capitals that stand for a text, such as ``ADVICE``; of those with two texts, none."""
    texts: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id.isupper()
        ):
            texts[node.targets[0].id].add(said(node.value, {}))
    return {name: text for name, (text, *others) in texts.items() if text and not others}


def said(node: ast.expr, constants: Mapping[str, str]) -> str:
    """The text of an expression, as far as it is written down."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(said(value, constants) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        return constants.get(node.value.id, "…") if isinstance(node.value, ast.Name) else "…"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return "".join(said(side, constants) or "…" for side in (node.left, node.right))
    return ""


def _escaped(text: str) -> str:
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return "".join(f"\\{char}" if char in "`*_[]<>{}$" else char for char in text)
    plain = [
        "".join(f"\\{char}" if char in "*_[]<>{}$#" else char for char in piece) if index % 2 == 0 else piece
        for index, piece in enumerate(pieces)
    ]
    return "`".join(plain)
