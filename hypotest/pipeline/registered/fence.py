"""What a registration pins of the code: what produces numbers, without its words.

Hashed are syntax trees of the folders below, without docstrings, comments, layout, and the texts that only
people read: of a measure's words, of options and fields, of errors. A corrected caption leaves a lock valid,
a changed constant does not. A sentence that stands elsewhere, such as a note that a test writes, counts:
which strings are names that draws are seeded by, no rule can tell. Pages and the command line are not looked
at. The hash is the same on every version of Python that parses the code.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from hypotest.measures.measure import Measure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.null import Null
from hypotest.nulls.registry import NULLS, declared
from hypotest.predicates.predicate import Predicate
from hypotest.predicates.registry import PREDICATES
from hypotest.records.protocol.conditions import leaves
from hypotest.records.protocol.protocol import Protocol

FENCED = (
    "collect",
    "corpora",
    "engine",
    "estimators",
    "groups",
    "inference",
    "ladder",
    "measures",
    "nulls",
    "pipeline",
    "predicates",
    "records",
    "subjects",
    "testing",
    "verdict.py",
)
"""Folders and files of the package that numbers, outcomes and verdicts come from."""
NO_NUMBERS = (
    "engine/cluster.py",
    "engine/processes.py",
    "engine/queues.py",
    "pipeline/analysis/limitations.py",
    "pipeline/cache/",
    "pipeline/checks/preflight.py",
    "pipeline/checks/remedies.py",
    "pipeline/handed_out.py",
    "pipeline/registered/",
    "pipeline/trial.py",
    "pipeline/texts/document_log.py",
    "records/cache.py",
    "records/registered.py",
    "records/registration.py",
    "records/seen.py",
)
"""Files and folders in them that no number comes from: sentences, room on disk, locks, logs and manifests,
trials, which no result keeps.
Which documents a registration keeps out is pinned by the hash of the positions."""
NETWORKS = "subjects/controls/"
"""Networks of known organisation: what they are is part of their own fingerprints, and of no other's."""
_WORDS = frozenset({"MeasureWords", "NullWords", "PredicateWords"})
"""Records of what a noun is called and how it is described."""
_SAID = frozenset(
    {
        "description",
        "title",
        "help",
        "words",
        "no_interval",
        "refused",
        "summary",
        "never_decides",
        "only_no_difference",
    }
)
"""Keywords whose strings are read by people."""


def code_of(protocol: Protocol, places: Sequence[str] = FENCED) -> str:
    """`code_hash` of what a protocol uses; without places, of the files of other packages alone."""
    return code_hash(
        (item.measure for item in protocol.predictions),
        (item.name for item in declared(protocol)),
        predicates_of(protocol),
        places=places,
    )


def predicates_of(protocol: Protocol) -> tuple[str, ...]:
    """Names of the predicates that a protocol's conditions are made of."""
    return tuple(
        {item.name: None for condition in protocol.conditions.values() for item in leaves(condition)}
    )


def code_hash(
    measures: Iterable[str] = (),
    nulls: Iterable[str] = (),
    predicates: Iterable[str] = (),
    package: Path | None = None,
    places: Sequence[str] = FENCED,
) -> str:
    """SHA-256 over the code that produces numbers.

    Args:
        measures: Names of measures that a protocol uses: of those of other packages, their file counts, too.
        nulls: Names of its nulls; the same holds of them.
        predicates: Names of its predicates; the same holds of them.
        package: Its folder; hypotest's own by default.
        places: Folders and files of the package to look at.
    """
    root = Path(__file__).parents[2] if package is None else package
    digest = hashlib.sha256()
    for name, path in _fenced(root, places):
        _add(digest, name, path)
    homes = (
        *_homes("measure", MEASURES, measures, root),
        *_homes("null", NULLS, nulls, root),
        *_homes("predicate", PREDICATES, predicates, root),
    )
    for name, path in sorted(homes):
        _add(digest, name, path)
    return digest.hexdigest()


def _fenced(root: Path, places: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for place in places:
        files = [root / place] if place.endswith(".py") else (root / place).rglob("*.py")
        for name in sorted(path.relative_to(root).as_posix() for path in files):
            if not name.startswith((*NO_NUMBERS, NETWORKS)):
                yield name, root / name


def _homes(
    kind: str,
    known: Mapping[str, Measure] | Mapping[str, Null] | Mapping[str, Predicate],
    names: Iterable[str],
    root: Path,
) -> Iterator[tuple[str, Path]]:
    """Files of measures, nulls or predicates that lie outside the package."""
    for name in set(names) & known.keys():
        home = known[name].home
        if root not in home.parents:
            yield f"{kind} {name}", home


def _add(digest: hashlib._Hash, name: str, path: Path) -> None:
    text = normal_form(path.read_text(encoding="utf-8"))
    digest.update(f"{name}\0{len(text)}\0{text}".encode())


def normal_form(source: str) -> str:
    """The syntax tree of a file without words, as text.

    Examples:
        >>> documented = 'def f(x): "What it does."; return x + 1  # so'
        >>> plain, other = normal_form("def f(x): return x + 1"), normal_form("def f(x): return x + 2")
        >>> normal_form(documented) == plain, plain == other
        (True, False)
    """
    text: list[str] = []
    _write(ast.parse(source), text)
    return "".join(text)


def _write(node: object, text: list[str], *, silent: bool = False) -> None:
    """Add a node and everything below it; empty fields are left out: versions of Python differ in them.

    Args:
        node: Of a syntax tree.
        text: What is written so far.
        silent: Whether strings below say nothing.
    """
    if isinstance(node, list):
        text.append("[")
        for item in node:
            if not _is_docstring(item):
                _write(item, text, silent=silent)
        text.append("]")
    elif isinstance(node, ast.Constant):
        said = silent and isinstance(node.value, str)
        text.append(f"({type(node.value).__name__} {bool(node.value) if said else node.value!r})")
    elif isinstance(node, ast.JoinedStr) and silent:
        text.append("(text)")
    elif isinstance(node, ast.AST):
        if isinstance(node, ast.Call) and _name(node.func) in _WORDS:
            text.append("(words)")
            return
        if isinstance(node, ast.Call) and _name(node.func) == "Option":
            _write_option(node, text)
            return
        quiet = silent or isinstance(node, ast.Raise)
        quiet = quiet or (isinstance(node, ast.keyword) and node.arg in _SAID)
        quiet = quiet or (
            isinstance(node, ast.Yield) and isinstance(node.value, ast.JoinedStr | ast.Constant)
        )
        text.append(f"({type(node).__name__}")
        for field in node._fields:
            value = getattr(node, field, None)
            if value is None or value == [] or field in ("type_comment", "kind"):
                continue
            text.append(f" {field}=")
            _write(value, text, silent=quiet)
        text.append(")")
    else:
        text.append(repr(node))


def _write_option(node: ast.Call, text: list[str]) -> None:
    """Of its two arguments without keyword the second says what the first is."""
    text.append("(Option")
    for place, argument in enumerate(node.args):
        _write(argument, text, silent=place == 1)
    _write(node.keywords, text)
    text.append(")")


def _is_docstring(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
