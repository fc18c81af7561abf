"""Minimal pairs of English subject-verb agreement, by template: a noun in both numbers before each verb.

"The key to the old cabinet" is followed by " is", "The keys to the old cabinet" by " are". Both prompts of a
pair differ in the number of the noun alone; the noun is the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOUNS = (
    *("argument", "array", "attribute", "axis", "branch", "buffer", "button", "cache", "callback", "class"),
    *("client", "column", "command", "comment", "connection", "constant", "container", "context", "cookie"),
    *("coordinate", "copy", "date", "decorator", "default", "device", "document", "element", "encoder"),
    *("engine", "entry", "error", "event", "exception", "expression", "extension", "field", "file", "filter"),
    *("flag", "folder", "format", "frame", "function", "graph", "header", "image"),
    *("index", "instance", "iterator", "key"),
)
_PLURALS = {"axis": "axes", "branch": "branches", "class": "classes", "copy": "copies", "entry": "entries"}
_PLURALS["index"] = "indices"
TEMPLATES = (
    ("The {} of this module", " is", " are"),
    ("If the {} in the list", " has", " have"),
    ("By default, the {} that we use here", " was", " were"),
    ("Return whether the first {} of the object", " does", " do"),
)


def examples(nouns: tuple[str, ...] = NOUNS) -> Iterator[dict[str, Any]]:
    """Both numbers of each noun in each template: 400 prompts."""
    for noun in nouns:
        for number, (template, singular, plural) in enumerate(TEMPLATES):
            words = {"singular": noun, "plural": _PLURALS.get(noun, f"{noun}s")}
            verbs = {"singular": singular, "plural": plural}
            for name, other in (("singular", "plural"), ("plural", "singular")):
                yield {
                    "prompt": template.format(words[name]),
                    "target": verbs[name],
                    "foil": verbs[other],
                    "number": name,
                    "noun": noun,
                    "item": f"{noun} {number}",
                }


def write(path: Path, nouns: tuple[str, ...] = NOUNS) -> Path:
    """As JSON lines."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in examples(nouns)), encoding="utf-8")
    return path


PROTOCOL = """\
hypotest: 1
id: agreement
title: Are the neurons that keep a verb in the number of its subject coordinated?
subject: {model: reference, layer: last}
examples:
  files: [agreement.jsonl]
  target: target
  foil: foil
  cluster: noun
  pair: item
outcome: logit_difference
conditions:
  singular: {field: {number: singular}}
  plural: {field: {number: plural}}
sample: {positions: 200}
placebos: 0
group:
  select: {top_fraction: 0.02}
nulls:
  size_matched: {draws: 999}
  local_matched: {draws: 999}
  label_shuffled: {draws: 999}
predictions:
  - id: selectivity
    role: premise
    measure: selectivity
    contrast: {null: label_shuffled}
    modular: greater
    distributed: greater
  - id: coordination
    measure: effective_dimension
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: less
    distributed: equivalent
  - id: concentration
    measure: attention_gini
    role: descriptive
    contrast: {conditions: [singular, plural], by: document}
  - id: clustering
    measure: modularity
    role: descriptive
    contrast: {null: size_matched}
seed: 11
"""
