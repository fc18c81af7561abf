"""A page for each predicate, from the object that it is."""

from __future__ import annotations

import re
from pathlib import Path

from docs.made.language import keys_of
from docs.made.text import docstring_of, first_line, listed, overview, paragraphs, sentence, table
from hypotest.predicates.predicate import ABOUT, Predicate
from hypotest.predicates.registry import PREDICATES

TEMPLATES = Path(__file__).parents[2] / "hypotest" / "registration" / "templates"
UNITS = {
    "type": "the type of the next token: labels are shuffled over types",
    "token": "the type of the current token: labels are shuffled over types of current tokens",
    "document": "the document: labels are shuffled over documents",
    "within_type": "the positions of one type: labels are shuffled among them",
    "span": "the stretch of text: labels are shuffled over stretches within documents",
    "cluster": "the cluster: labels are shuffled over clusters",
    "position": "the single position: shuffled labels describe and decide nothing",
}


def pages() -> dict[str, str]:
    """Every predicate's, and their index."""
    rows = [
        (f"[`{name}`](../predicates/{name}.md)", _where(item), item.words.summary)
        for name, item in PREDICATES.items()
    ]
    return overview(
        "predicates",
        "A condition says which positions it has: by one predicate, or several combined with `all`, `any` and `not` "
        "([your own protocol](../guide/own-protocol.md)).",
        table(["predicate", "stands under", "rows where"], rows),
        {name: page(item) for name, item in PREDICATES.items()},
    )


def _where(predicate: Predicate) -> str:
    return ", ".join(f"`{about}`" for about in predicate.about) or "the condition itself"


def page(predicate: Predicate) -> str:
    """One predicate: what it says, its keys, what follows for shuffled labels."""
    about = [f"`{about}:` ({ABOUT[about]})" for about in predicate.about]
    units = dict.fromkeys(predicate.unit(about) for about in predicate.about or (None,))
    return paragraphs(
        f"# `{predicate.name}`",
        f"**It holds for rows where {predicate.words.summary}.**",
        sentence(first_line(predicate.bind)),
        docstring_of(predicate.bind),
        "It stands under " + " or under ".join(about) + "."
        if about
        else "It is a key of its own in a condition.",
        "## In a protocol",
        _examples(predicate.name),
        keys_of(predicate.options),
        "## What follows from it",
        listed(
            [
                *(f"Its labels are constant within {UNITS.get(unit, unit)}." for unit in units),
                "It can be asked of "
                + " and ".join(_MATERIAL.get(kind, kind) for kind in predicate.material)
                + ".",
                *(["It needs the counts of `frequencies`."] if predicate.reads_counts else []),
                *(["It reads the documents themselves."] if predicate.reads_text else []),
            ]
        ),
    )


WRITTEN = {
    "in": ('{target: {in: [" he", " she"]}}', '{target: {in: [" it"]}}'),
    "in_file": ("{target: {in_file: entities.txt}}", "{not: {target: {in_file: entities.txt}}}"),
    "index": ("{index: {from: 64}}", "{index: {from: 8, below: 64}}"),
    "labels": ("{labels: {file: labels.csv, label: entity}}", "{not: {labels: {file: labels.csv}}}"),
    "span": ("{span: {label: quotation}}", "{not: {span: {label: quotation}}}"),
}
"""Conditions by predicates that no template uses."""
_MATERIAL = {"text": "text", "examples": "examples", "rows": "rows of any network"}


def _examples(name: str) -> str:
    """Conditions of shipped protocols that use it."""
    for path in sorted(TEMPLATES.rglob("*.yaml"), key=lambda path: (len(path.parts), path.name)):
        text = path.read_text(encoding="utf-8")
        section = re.search(r"^conditions:.*\n((?:[ #].*\n|\n)+)", text, flags=re.M)
        lines = [line for line in (section[1] if section else "").splitlines() if line.strip()]
        if any(re.search(rf"\b{name}:", line.partition("#")[0]) for line in lines):
            kept = "\n".join(
                line.partition(" #")[0].rstrip() for line in lines if not line.lstrip().startswith("#")
            )
            return f"```yaml\nconditions:\n{kept}\n```\n\nThis is from the template `{path.stem}`."
    one, other = WRITTEN[name]
    return f"```yaml\nconditions:\n  one: {one}\n  other: {other}\n```"
