"""What a predicate is: one object that says what it is called, what it takes, and which rows it holds for.

Each lies in a file of its own beside this one, and is found there (`hypotest.predicates.registry`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.predicates.rows import About, BoolArray, Rows
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.protocol.design import MatchFactor, Unit
from hypotest.records.protocol.material import Material
from hypotest.records.results.figure_data import FrequencyCurve

INTERFACE = 1
"""Version of what a predicate has to offer; it rises when one that was written before no longer works."""

ABOUT: Mapping[About, str] = MappingProxyType(
    {"target": "the next token, the one to be predicted", "token": "the current token"}
)
"""What a predicate can be about, and how a sentence calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredicateWords:
    """What texts say of a predicate."""

    summary: str
    """Of its key in the protocol, for editors: continues "rows where ..."."""
    clause: Callable[[Any, str], str]
    """From the options and a subject such as "the next token": "the next token matches `^[0-9]+$`"."""
    note: Callable[[Any], str] = lambda options: ""
    """A sentence on what is done before, if anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What predicates are tied to; what takes long is computed when it is asked for."""

    base: Path
    """Folder that relative paths start from."""
    vocab_size: int
    texts: Callable[[], tuple[str, ...]]
    """The text of every token as it stands within a text, in the order of ids."""
    counts: Callable[[], tuple[NDArray[np.int64], int]]
    """Occurrences of each token id in the protocol's ``frequencies``, and how many of the last ids are
    none of that table's."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A predicate with its options, tied to a tokenizer."""

    holds: Callable[[Rows], BoolArray]
    """For which rows it holds, shape (n_rows,). Raises `hypotest.errors.CorpusError` if it cannot be said."""
    remark: str = ""
    """What binding found out, for whoever checks the text: ``212 types, 5 to 20 occurrences each``."""
    curve: FrequencyCurve | None = None
    """What a report draws of it."""
    stretches: Callable[[Rows], IntArray] | None = None
    """Of one whose labels belong to spans of text: the number, within its document, of the span, or of the
    text between two of them, that each row lies in, shape (n_rows,)."""


Kind = tuple[str, Iterable[tuple[Any, Any]]]
"""Why definitions are changed, and the options of both conditions, the smallest change first."""


def _nothing(options: Any, *more: Any) -> Iterable[str]:
    return ()


def _no_pairs(options: Any) -> Iterable[tuple[str, Any]]:
    return ()


def _no_names(options: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """One way to say which rows a condition has."""

    name: str
    words: PredicateWords
    interface: int = INTERFACE
    """Version that it was written for; predicates of other packages should write it out."""
    about: tuple[About, ...] = ()
    """Under which keys it stands: of the next or the current token. Empty: it is a key of its own."""
    options: Any
    """Its YAML value: a subclass of Strict, whose keys have ranges and descriptions, or a plain type."""
    exchange: Unit | None = None
    """Coarsest unit within which it holds everywhere or nowhere, which says what may be shuffled. None: the
    types of what it is about."""
    material: tuple[Material, ...] = ("text", "examples")
    """What rows it can be asked of."""
    bind: Callable[[Any, About | None, Setting], Bound]
    """Tied to a tokenizer: from the options and what it is about.

    Raises `hypotest.errors.CorpusError` where that shows that it cannot be used; the place in the protocol is
    put before the message."""
    check: Callable[[Any], Iterable[str]] = _nothing
    """What is wrong with the options, beyond their types and ranges, before any text is read."""
    overlaps: Callable[[Any, Any], str] = lambda one, other: ""
    """Why two of it, about the same, share rows; empty if they do not, or it is not known."""
    files: Callable[[Any], tuple[str, ...]] = _no_names
    """Files that it reads, seen from the protocol's folder."""
    fields: Callable[[Any], tuple[str, ...]] = _no_names
    """Columns of the text that it reads."""
    defines: tuple[MatchFactor, ...] = ()
    """What pairs of positions can be matched on, and two conditions of it are told apart by, where it is not
    about the current token; documents and current tokens follow from `unit`."""
    reads_counts: bool = False
    """Whether it needs the counts of the protocol's ``frequencies``."""
    reads_text: bool = False
    """Whether it needs the documents themselves."""
    limits: Callable[[Any, int, FrequencyCurve | None], Iterable[str]] = _nothing
    """What a reviewer would ask of it, from its options, the size of the vocabulary, and what is drawn."""
    narrower: Callable[[Any], Iterable[tuple[str, Any]]] = _no_pairs
    """Stricter definitions, whose rows are among its own: what changes, and the options."""
    wider: Callable[[Any, Any], tuple[Kind, ...]] = lambda one, other: ()
    """Kinds of other definitions of two conditions that are about the same, which may have rows enough where
    a text is short of them: from the options of both."""

    @property
    def home(self) -> Path:
        """The file in which it is computed, also where another package brings it."""
        return Path(inspect.getfile(self.bind))

    def unit(self, about: About | None) -> Unit:
        """Coarsest unit within which its labels are constant."""
        if self.exchange is not None:
            return self.exchange
        return "token" if about == "token" else "type"


def of_types(mask: BoolArray, about: About | None, remark: str, curve: FrequencyCurve | None = None) -> Bound:
    """A predicate that is a property of token types.

    Args:
        mask: For which token ids it holds, shape (vocab_size,).
        about: Which token it is about.
        remark: As in `Bound`.
        curve: As in `Bound`.
    """
    assert about is not None  # the protocol's schema: it stands under one of these keys
    return Bound(lambda rows: np.asarray(mask[rows.ids(about)]), remark, curve)


def count_words(mask: BoolArray, what: str = "types") -> str:
    """``1,212 of 50,257 types``."""
    return f"{int(mask.sum()):,} of {mask.size:,} {what}"
