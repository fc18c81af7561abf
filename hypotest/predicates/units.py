"""What may be shuffled: within which units of the rows a condition holds everywhere or nowhere.

Only such units can change labels without tearing apart what belongs together; where a condition can hold at
any single row, labels change places among rows that are alike otherwise. A unit is named by the factors that
tell its members apart; one unit is finer than another if it has all its factors and more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.records.protocol.design import PERMUTED, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How labels of one kind of unit are dealt out again."""

    words: str
    """The units, in the plural."""
    over: str
    """In words, how labels are dealt out again: continues "labels are shuffled"."""
    members: tuple[str, ...] = ()
    """Columns of the rows in which the rows of a unit agree; none: each row is a unit."""
    within: tuple[str, ...] = ()
    """Columns in which units agree that change labels with each other."""
    by_count: bool = False
    """Whether they also agree in the floor of log2 of their rows, so that a draw has about as many rows of
    each label as the data."""
    finer: tuple[Unit, ...] = ()
    """Units that are shown beside it, and reject too often."""
    instead: tuple[Unit, ...] = ()
    """Units that a protocol can declare for it, because the conditions alone do not tell."""
    tells_types: bool = False
    """Whether each type to be predicted so belongs to one condition."""
    calibrated: bool = False
    """Whether its false-positive rate is known (``tests/reference/exchange.py``); nothing rests on others."""


EXCHANGES: Mapping[Unit, Exchange] = MappingProxyType(
    {
        "type": Exchange(
            words="token types to be predicted",
            over="over token types",
            members=("target",),
            by_count=True,
            finer=("document_type", "position"),
            tells_types=True,
            calibrated=True,
        ),
        "token": Exchange(
            words="types of the current token",
            over="over types of the current token",
            members=("token",),
            by_count=True,
            finer=("position",),
            calibrated=True,
        ),
        "document": Exchange(
            words="documents",
            over="over documents",
            members=("split", "document"),
            within=("split",),
            by_count=True,
            calibrated=True,
        ),
        "cluster": Exchange(
            words="clusters of examples",
            over="over clusters of examples",
            members=("split", "document"),
            within=("split",),
            by_count=True,
            instead=("pair",),
            calibrated=True,
        ),
        "pair": Exchange(
            words="pairs",
            over="within pairs, those of a cluster together",
            members=("split", "document", "condition"),
            within=("split", "document"),
            calibrated=True,
        ),
        "span": Exchange(
            words="stretches of text",
            over="over stretches of text within documents",
            members=("split", "document", "span"),
            within=("split", "document"),
            finer=("position",),
            calibrated=True,
        ),
        "within_type": Exchange(
            words="positions of one token type",
            over="over positions within token types",
            within=("split", "target"),
            calibrated=True,
        ),
        "document_type": Exchange(
            words="token types within documents",
            over="over pairs of document and token type",
            members=("document", "target"),
            within=("document",),
            finer=("position",),
        ),
        "position": Exchange(
            words="single positions", over="over single positions within documents", within=("document",)
        ),
    }
)
"""By unit. Clusters of examples are numbered as documents; without clusters, each pair is one. Labels of
pairs change places in all pairs of a cluster at once: what its words do to the difference is then no evidence
that labels mean something. (Pairs one by one rejected 0.27 to 0.40 there at 0.05, clusters 0.03 to 0.04.)"""

_FACTORS: Mapping[Unit, frozenset[str]] = MappingProxyType(
    {
        unit: frozenset(item.members) - {"split"}
        for unit, item in EXCHANGES.items()
        if item.members and "condition" not in item.members
    }
)
_EVERYTHING = frozenset({"target", "token", "document", "span", "position"})


def instead_of(unit: Unit, *, of_examples: bool) -> str:
    """What to write where units hold rows of both labels; examples say themselves which are pairs.

    Examples:
        >>> instead_of("cluster", of_examples=False), instead_of("type", of_examples=False)
        ('; write `unit: pair`', '')
    """
    units = EXCHANGES[unit].instead
    if units and of_examples:
        return (
            "; name the column that pairs share as `examples.pair`, or let each cluster hold examples of one "
            "condition"
        )
    return "".join(f"; write `unit: {other}`" for other in units)


def common_unit(units: Iterable[Unit]) -> Unit:
    """The coarsest unit within which labels are constant that are constant within each of these.

    Examples:
        >>> common_unit(["type", "type"]), common_unit(["type", "document"]), common_unit(["token", "type"])
        ('type', 'document_type', 'position')
    """
    different = set(units)
    if len(different) == 1:
        return different.pop()
    factors = frozenset[str]().union(*map(_factors, different))
    return next((unit for unit, own in _FACTORS.items() if own == factors), "position")


def constant_within(exchange: Unit, unit: Unit) -> bool:
    """Whether labels that are constant within `exchange` are so within a unit: itself, or a finer one.

    Examples:
        >>> constant_within("type", "document_type"), constant_within("document", "type")
        (True, False)
    """
    return _factors(exchange) <= _factors(unit)


def permuted_name(unit: Unit) -> str:
    """The comparison in which labels of the unit are permuted, beside a test by t.

    Examples:
        >>> permuted_name("type"), permuted_name("document")
        ('types permuted', 'labels permuted over documents')
    """
    return PERMUTED if unit == "type" else f"labels permuted {EXCHANGES[unit].over}"


def division(columns: Mapping[str, NDArray[Any]], unit: Unit) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which rows keep one label together, and which units change labels with each other.

    Args:
        columns: Those of the rows that the unit is told by, each of shape ``(n_rows,)``.
        unit: What keeps its label.

    Returns:
        Unit of each row, and stratum of each row's unit, both numbered from 0 in the order of the columns.

    Raises:
        KeyError: If a column is missing.
    """
    from hypotest.inference.relabelling import type_strata  # to check a protocol needs no inference

    exchange = EXCHANGES[unit]
    n_rows = next(iter(columns.values())).size
    units = _codes([columns[name] for name in exchange.members]) if exchange.members else np.arange(n_rows)
    strata = [columns[name] for name in exchange.within]
    if exchange.by_count:
        strata.append(type_strata(np.bincount(units))[units])
    return units, _codes(strata)


def _codes(columns: Iterable[NDArray[Any]]) -> NDArray[np.intp]:
    """A number for every combination of values, in lexicographic order."""
    combined: NDArray[np.intp] | None = None
    for column in columns:
        distinct, codes = np.unique(column, return_inverse=True)
        joint = codes if combined is None else combined * distinct.size + codes
        combined = np.unique(joint, return_inverse=True)[1].astype(np.intp)
    assert combined is not None  # every exchange has members, or something within which labels change places
    return combined


def _factors(unit: Unit) -> frozenset[str]:
    return _FACTORS.get(unit, _EVERYTHING)
