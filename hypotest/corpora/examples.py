"""A table of examples: prompts with their targets, read from files and checked row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypotest.corpora.documents import Row, read_documents
from hypotest.corpora.text import named_files
from hypotest.errors import CorpusError
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.records.protocol.examples import Examples
from hypotest.records.stored.files import MAX_BYTES

KEY = "examples"
"""Of the protocol, for errors."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the table."""

    place: str
    """File and row, for errors."""
    prompt: str
    target: str
    foil: str | None
    cluster: str
    """The independent unit: its own where the protocol names none."""
    pair: str | None
    fields: Mapping[str, str]
    """Columns that conditions read, as text."""


@dataclass(frozen=True, slots=True)
class ExampleTable:
    """Examples, those of a cluster side by side, clusters in the order in which they first occur."""

    examples: tuple[Example, ...]
    sources: tuple[TextSource, ...]

    def clusters(self) -> tuple[CorpusDocument, ...]:
        """What is on one side of the split, with all of its prompts and targets as its text."""
        by_cluster: dict[str, list[str]] = {}
        for item in self.examples:
            by_cluster.setdefault(item.cluster, []).append(f"{item.prompt}{item.target}\n{item.foil or ''}")
        return tuple(CorpusDocument(name, "\n".join(sorted(texts))) for name, texts in by_cluster.items())


def read_examples(examples: Examples, base: Path, columns: Sequence[str] = ()) -> ExampleTable:
    """Read the examples that a protocol names.

    An example that was there before, with the same prompt, target and foil, is left out and counted.

    Args:
        examples: As a protocol names them.
        base: Folder that relative file paths start from.
        columns: Further ones, which conditions read.

    Raises:
        CorpusError: If a file cannot be read or has no rows, a column is not there, a prompt, target or foil
            is empty, or a pair lies in two clusters; says where.
    """
    parsed: list[Example] = []
    sources, left, seen = [], MAX_BYTES, set()
    wanted = tuple(dict.fromkeys((*examples.columns, *columns)))
    for where, name, _ in named_files(examples.files, base, KEY):
        rows = read_documents(base / name, where, examples.prompt, left, wanted)
        _require_columns(rows, examples, where)
        before, n_copies, digest = len(parsed), 0, hashlib.sha256()
        for number, prompt, values in rows:
            item = _example(f"{where}, row {number}", prompt, values, examples, columns)
            identity = (item.prompt, item.target, item.foil, item.pair)
            if identity in seen:
                n_copies += 1
                continue
            seen.add(identity)
            parsed.append(item)
            encoded = "\0".join((prompt, *(f"{key}={values[key]}" for key in sorted(values)))).encode()
            left -= len(encoded)
            digest.update(encoded + b"\0")
        sources.append(TextSource(name, "", digest.hexdigest(), len(parsed) - before, 0, n_copies))
    if not parsed:
        raise CorpusError(f"{KEY}.files: there is no example in them")
    _require_one_cluster(parsed)
    order = {name: place for place, name in enumerate(dict.fromkeys(item.cluster for item in parsed))}
    return ExampleTable(tuple(sorted(parsed, key=lambda item: order[item.cluster])), tuple(sources))


def _example(
    place: str, prompt: str, values: Mapping[str, str], examples: Examples, columns: Sequence[str]
) -> Example:
    if not prompt.strip():
        raise CorpusError(
            f"{place}: the prompt is empty: write what the network is to read, or remove the row"
        )
    for key in ("target", "foil", "cluster", "pair"):
        name = getattr(examples, key)
        if name is not None and not values.get(name, "").strip():
            raise CorpusError(
                f"{place}: the {key} is empty (column {name!r}, as {KEY}.{key} says): fill it, or remove the "
                "row"
            )
    target, foil = values[examples.target], values.get(examples.foil or "")
    if foil is not None and foil.strip() == target.strip():
        but = "" if foil == target else f" but for white space ({foil!r})"
        raise CorpusError(f"{place}: the foil is the target, {target!r}{but}: they must differ")
    pair = values.get(examples.pair or "")
    return Example(
        place=place,
        prompt=prompt,
        target=target,
        foil=foil,
        cluster=values[examples.cluster] if examples.cluster else pair or place,
        pair=pair,
        fields={name: values[name] for name in columns if name in values},
    )


def _require_columns(rows: Sequence[Row], examples: Examples, where: str) -> None:
    """A column that no row has is not empty: it is not there."""
    for key in ("target", "foil", "cluster", "pair"):
        name = getattr(examples, key)
        if name is not None and rows and not any(name in values for _, _, values in rows):
            raise CorpusError(f"{where}: no row has the column {name!r} that {KEY}.{key} names")


def _require_one_cluster(examples: Sequence[Example]) -> None:
    clusters: dict[str, Example] = {}
    for item in examples:
        if item.pair is None:
            return
        first = clusters.setdefault(item.pair, item)
        if first.cluster != item.cluster:
            raise CorpusError(
                f"{item.place}: the pair {item.pair!r} lies in two clusters, {first.cluster!r} "
                f"({first.place}) and {item.cluster!r}: a cluster stays on one side of the split, and a pair "
                "together"
            )
