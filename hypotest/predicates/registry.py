"""Every predicate that a protocol can name: the files of this folder, and what installed packages add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic import TypeAdapter

from hypotest.predicates.predicate import ABOUT, INTERFACE, Predicate
from hypotest.records.protocol.conditions import COMBINATIONS
from hypotest.records.protocol.design import Unit
from hypotest.records.stored.plugins import discover, require_place

__all__ = ["ABOUT", "PACKAGE", "PREDICATES"]

PACKAGE = "hypotest.predicates"
"""Our own; and the entry points of installed packages: ``quoted = "package.module:PREDICATE"``."""


def _checked(name: str, predicate: object, known: Mapping[str, Predicate]) -> Predicate:
    """A predicate of another package.

    Raises:
        ValueError: If it cannot be used here.
    """
    if not isinstance(predicate, Predicate):
        raise ValueError(f"must be a Predicate; found {type(predicate).__name__}")
    require_place(name, predicate.name, predicate.interface, INTERFACE, (*known, *ABOUT, *COMBINATIONS))
    if unknown := set(predicate.about) - set(ABOUT):
        raise ValueError(f"about must name {' or '.join(ABOUT)}; found {', '.join(map(repr, unknown))}")
    if predicate.exchange not in (*get_args(Unit), None) or (
        predicate.exchange is None and not predicate.about
    ):
        raise ValueError(
            f"exchange must be one of {', '.join(get_args(Unit))}, or None where `about` says which type it "
            f"is; found {predicate.exchange!r}"
        )
    TypeAdapter(predicate.options)  # raises where that is no type of a value
    return predicate


PREDICATES: Mapping[str, Predicate] = discover(PACKAGE, "PREDICATE", _checked)
"""Every predicate that a protocol can name."""
