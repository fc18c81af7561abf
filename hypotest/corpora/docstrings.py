"""Documents made of the sources of installed Python packages: their docstrings, or their code.

Docstrings are real English prose about code, present on every machine that has hypotest's own
dependencies, and need no download. One document is one source file. A hash per package says whether two
machines read the same.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from joblib import Parallel, delayed

from hypotest.corpora.code import code_blocks
from hypotest.errors import CorpusError
from hypotest.records.corpus import CorpusDocument, TextSource

TRAINING_PACKAGES: tuple[str, ...] = (
    "fonttools", "huggingface-hub", "igraph", "joblib", "matplotlib", "mpmath", "narwhals",
    "nnsight", "numpy", "pandas", "pillow", "polars", "pydantic", "scipy", "sympy", "torch",
    "transformers",
)  # fmt: skip
"""Distributions whose docstrings trained the reference model. All are run-time dependencies."""

EVALUATION_PACKAGES: tuple[str, ...] = (
    "networkx", "pingouin", "scikit-learn", "seaborn", "statsmodels", "xarray",
)  # fmt: skip
"""Distributions whose docstrings the reference protocol reads; disjoint from the training ones."""

PACKAGE_COLUMNS = ("part", "package")
"""Of documents of `documents_by_part`."""
_SKIPPED_FOLDERS = frozenset(
    {"tests", "test", "externals", "extern", "_vendor", "vendored", "_vendored_packages"}
)  # vendored code would put one package's text into another's
_UNDERLINE = re.compile(r"^\s*([-=~^\"'`#*+])\1{2,}\s*$")  # the rule below a heading
_TABLE_ART = re.compile(r"[-=+|~_*#^.]{4,}|\|.*\||\+-|-\+")  # rulers, cells, corners
_BLANK_LINES = re.compile(r"\n\s*\n")
_SHORTEST_PARAGRAPH = 20  # characters; shorter ones are headings and stray words


def package_documents(distributions: Sequence[str]) -> tuple[list[CorpusDocument], list[TextSource]]:
    """Read the cleaned docstrings of installed distributions, one document per source file.

    A paragraph that occurred before (in any file, in sorted order) is dropped, as is one with
    non-ASCII characters, a doctest prompt or table art: otherwise fragments of box drawings become
    the rarest tokens of the text. Test and vendored folders are left out.

    Args:
        distributions: Names as pip knows them.

    Returns:
        The non-empty documents in order of distribution and path, and per distribution its version
        and the SHA-256 of its documents.

    Raises:
        CorpusError: If a distribution is not installed.
    """
    distributions = sorted(distributions)
    installations = installed(distributions)
    packages = Parallel(n_jobs=-1)(delayed(_package_docstrings)(name) for name in distributions)
    seen: set[str] = set()
    documents: list[CorpusDocument] = []
    sources: list[TextSource] = []
    for name, distribution, files in zip(distributions, installations, packages, strict=True):
        paragraphs = ((identifier, _new_paragraphs(texts, seen)) for identifier, texts in files)
        own, source = _documents(name, distribution.version, paragraphs)
        documents += own
        sources.append(source)
    return documents, sources


def _documents(
    name: str, version: str, files: Iterable[tuple[str, Iterable[str]]]
) -> tuple[list[CorpusDocument], TextSource]:
    """A document of each file of a distribution that has paragraphs, in their order."""
    documents: list[CorpusDocument] = []
    digest = hashlib.sha256()
    for identifier, paragraphs in files:
        text = "\n\n".join(paragraphs)
        if text:
            documents.append(CorpusDocument(id=f"{name}:{identifier}", text=text))
            digest.update(f"{identifier}\0{text}\0".encode())
    return documents, TextSource(name, version, digest.hexdigest(), len(documents))


def documents_by_part(
    distributions: Sequence[str], parts: Sequence[str]
) -> tuple[list[CorpusDocument], list[TextSource]]:
    """Read docstrings, code, or both: a source file is one document for each, with what it is as a column.

    Args:
        distributions: Names as pip knows them.
        parts: ``docstrings``, as in `package_documents`, and ``code`` (`hypotest.corpora.code`).

    Returns:
        As `package_documents`; documents have the columns ``part`` and ``package``.

    Raises:
        CorpusError: As `package_documents`.
    """
    documents: list[CorpusDocument] = []
    sources: list[TextSource] = []
    for part in parts:
        of_part, own = package_documents(distributions) if part == "docstrings" else _code(distributions)
        for item in of_part:
            columns = dict(zip(PACKAGE_COLUMNS, (part, item.id.partition(":")[0]), strict=True))
            documents.append(CorpusDocument(f"{item.id} ({part})", item.text, columns))
        sources += [replace(source, name=f"{source.name} ({part})") for source in own]
    return documents, sources


def _code(distributions: Sequence[str]) -> tuple[list[CorpusDocument], list[TextSource]]:
    documents: list[CorpusDocument] = []
    sources: list[TextSource] = []
    seen: set[str] = set()
    distributions = sorted(distributions)
    for name, distribution in zip(distributions, installed(distributions), strict=True):
        files = ((where, code_blocks(_source(path), seen)) for path, where in _source_files(distribution))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's sources
            own, source = _documents(name, distribution.version, files)
        documents += own
        sources.append(source)
    return documents, sources


def source_hashes(distributions: Sequence[str]) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of the source files of installed distributions: what their text depends on.

    Raises:
        CorpusError: If a distribution is not installed, or a file of it cannot be read.
    """
    hashes = []
    for name, distribution in zip(sorted(distributions), installed(sorted(distributions)), strict=True):
        digest = hashlib.sha256()
        for path, identifier in _source_files(distribution):
            content = _source(path)
            digest.update(f"{identifier}\0{len(content)}\0".encode())
            digest.update(content)
        hashes.append((name, distribution.version, digest.hexdigest()))
    return hashes


def installed(distributions: Sequence[str]) -> list[metadata.Distribution]:
    """Find distributions by name.

    Raises:
        CorpusError: If one is not installed.
    """
    installations = []
    for name in distributions:
        try:
            installations.append(metadata.distribution(name))
        except metadata.PackageNotFoundError:
            raise CorpusError(
                f"the text needs the installed package {name!r}, which is missing; "
                f"install it with: pip install {name}"
            ) from None
    return installations


def _package_docstrings(name: str) -> list[tuple[str, list[str]]]:
    """Path inside the package and docstrings of each source file; parsing is the slow part."""
    files = _source_files(metadata.distribution(name))
    return [(identifier, list(_docstrings(path))) for path, identifier in files]


def _source_files(distribution: metadata.Distribution) -> list[tuple[Path, str]]:
    """Python files of a distribution with their path inside it, sorted by that path."""
    files = [
        (Path(str(distribution.locate_file(file))), file.as_posix())
        for file in distribution.files or []
        if file.suffix == ".py" and not _SKIPPED_FOLDERS.intersection(file.parts)
    ]
    return sorted(files, key=lambda pair: pair[1])


def _docstrings(path: Path) -> Iterator[str]:
    source = _source(path)
    try:
        if b'"""' not in source and b"'''" not in source:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's sources
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return  # a template or a file for another Python version
    for node in _documented_nodes(tree):
        docstring = ast.get_docstring(node)
        if docstring:
            yield docstring


def _source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot read {path} of the text: {error}") from error


def _documented_nodes(
    node: ast.AST,
) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Modules, classes and functions in source order, without descending into expressions."""
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield from _documented_nodes(child)


def _new_paragraphs(docstrings: Iterable[str], seen: set[str]) -> Iterator[str]:
    for docstring in docstrings:
        lines = [line for line in docstring.splitlines() if not _UNDERLINE.match(line)]
        for raw in _BLANK_LINES.split("\n".join(lines)):
            paragraph = raw.strip()
            if len(paragraph) < _SHORTEST_PARAGRAPH or paragraph in seen:
                continue
            if not paragraph.isascii() or ">>>" in paragraph or _TABLE_ART.search(paragraph):
                continue
            seen.add(paragraph)
            yield sys.intern(paragraph)
