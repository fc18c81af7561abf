"""Which positions a protocol's conditions mean, from its words, the text and the model's own tokenizer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from tests.reference.by_hooks.evidence import Array


def vocabulary(reader: Any) -> list[str]:
    return [reader.decode([i]) for i in range(len(reader))]


def fitting(texts: list[str], pattern: str) -> Array:
    return np.array([re.fullmatch(pattern, text) is not None for text in texts])


def seen_before(tokens: Array) -> Array:
    """Whether a token occurred earlier in its block, for every place of every block."""
    seen = np.zeros(tokens.shape, bool)
    for row, line in zip(seen, tokens, strict=True):
        first = np.unique(line, return_index=True)[1]
        row[:] = True
        row[first] = False
    return seen


def texts_of(cache: Path, blocks_of: Array) -> list[list[Any]]:
    """Name, text and fields of each document of the text whose blocks these are (documents by number)."""
    for path in (cache / "prepared" / "documents").glob("*/json.npy"):
        documents = json.loads(bytes(np.load(path)).decode())["documents"]
        if blocks_of.max() + 1 == len(documents):
            return list(documents)
    raise SystemExit("the cache has no text with as many documents")


class Conditions:
    """Labels of every position, shape (n_blocks, length - 1): 1, 2, or 0 of neither.

    The place of a label is that of the position; its target stands one further. First places are left out:
    they see nothing but themselves.
    """

    def __init__(
        self, run: str, tokens: Array, lengths: Array, document: Array, cache: Path, reader: Any
    ) -> None:
        target = tokens[:, 1:]
        if run == "numbers":
            texts = vocabulary(reader)
            one, two = (fitting(texts, p)[target] for p in (" ?[0-9]+", " ?[a-z]+"))
        elif run == "induction":
            one = seen_before(tokens)[:, 1:]
            two = ~one
        elif run == "code":
            names = [name for name, *_ in texts_of(cache, document)]
            code = np.array([name.endswith(" (code)") for name in names])[document]
            one, two = (np.broadcast_to(rows[:, None], target.shape) for rows in (code, ~code))
        else:
            german = languages(tokens, document, reader)[document]
            one, two = (np.broadcast_to(rows[:, None], target.shape) for rows in (german, ~german))
        inside = (np.arange(target.shape[1]) + 1 < lengths[:, None]) & (np.arange(target.shape[1]) > 0)
        self.label = np.where(inside, one + 2 * two, 0).astype(np.int8)

    def wrong(self, block: Array, index: Array, first: Array) -> int:
        """How many labels of a run's positions are other ones."""
        return int(np.sum(self.label[block, index] != np.where(first, 1, 2)))


GERMAN, FRENCH = (
    {"der", "die", "und", "das", "nicht", "wird", "ist"},
    {"le", "la", "les", "des", "est", "une", "et"},
)


def languages(tokens: Array, document: Array, reader: Any) -> Array:
    """Whether each document is German, by its commonest words."""
    german = []
    for number in range(int(document.max()) + 1):
        words = re.findall(r"\w+", reader.decode(tokens[document == number][:8].ravel()).lower())
        german.append(sum(w in GERMAN for w in words) > sum(w in FRENCH for w in words))
    return np.array(german)
