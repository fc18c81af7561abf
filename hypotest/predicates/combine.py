"""A condition of a protocol as a whole: its predicates, combined by all, any and not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from hypotest.errors import CorpusError
from hypotest.predicates.predicate import ABOUT, Bound, Predicate, Setting
from hypotest.predicates.rows import About, BoolArray, Rows
from hypotest.predicates.units import common_unit
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.protocol.conditions import COMBINATIONS, Condition, Leaf, leaves
from hypotest.records.protocol.design import Covariate, Unit
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.figure_data import FrequencyCurve

Definitions = dict[str, Condition]
"""Both conditions by name, the first one first."""
_OF_UNITS: Mapping[Unit, tuple[Covariate, ...]] = {
    "document": ("document", "block"),
    "token": ("token",),
    "type": ("target",),
}
"""What positions share within units in which labels are constant."""
_Mask = Callable[[Rows], BoolArray]


@dataclass(frozen=True, slots=True, eq=False)
class BoundCondition:
    """A condition that is tied to a tokenizer."""

    name: str
    holds: _Mask
    """For which rows it holds, shape (n_rows,). Raises CorpusError, with the place in the protocol, if a
    predicate holds nowhere or everywhere, or cannot be computed."""
    remarks: tuple[str, ...]
    """What binding found out about its predicates, each with its place."""
    curve: FrequencyCurve | None
    """What a report draws of it."""
    stretches: tuple[Callable[[Rows], IntArray], ...] = ()
    """Of its predicates, as `Bound` has them."""


def bound_condition(name: str, condition: Condition, setting: Setting) -> BoundCondition:
    """Tie a condition to a tokenizer.

    Args:
        name: As the protocol calls it.
        condition: Of a valid protocol.
        setting: Vocabulary, token counts, folder.

    Raises:
        CorpusError: If a predicate cannot be used; begins with its place in the protocol.
    """
    bound: dict[tuple[str | int, ...], Bound] = {}
    for leaf in leaves(condition):
        with _place(name, leaf):
            bound[leaf.path] = predicate_of(leaf).bind(leaf.options, _about(leaf), setting)
    masks = {leaf.path: _checked(name, leaf, bound[leaf.path].holds) for leaf in leaves(condition)}
    return BoundCondition(
        name=name,
        holds=_combined(condition, (), masks),
        remarks=tuple(
            f"{_key(leaf)}: {item.remark}" for leaf in leaves(condition) if (item := bound[leaf.path]).remark
        ),
        curve=next((replace(item.curve, condition=name) for item in bound.values() if item.curve), None),
        stretches=tuple(item.stretches for item in bound.values() if item.stretches),
    )


def predicate_of(leaf: Leaf) -> Predicate:
    """The predicate that a condition names."""
    from hypotest.predicates.registry import PREDICATES  # which looks through this folder, this file included

    return PREDICATES[leaf.name]


def unit_of(*conditions: Condition) -> Unit:
    """Coarsest unit within which the labels of some conditions are constant: what may be shuffled.

    What all of them demand, such as a language, tells no row of one from a row of another, and is not asked.
    """
    return common_unit(predicate_of(leaf).unit(_about(leaf)) for leaf in _telling(conditions))


def exchange_of(protocol: Protocol) -> Unit:
    """What labels of a protocol's conditions are shuffled over; those of minimal pairs within these."""
    if protocol.examples is not None and protocol.examples.pair is not None:
        return "pair"
    return unit_of(*protocol.conditions.values())


def _telling(conditions: Sequence[Condition]) -> Iterator[Leaf]:
    """Predicates that can tell rows of some conditions apart."""
    demands = [condition.value if condition.key == "all" else (condition,) for condition in conditions]
    shared = [item for item in demands[0] if all(item in others for others in demands[1:])]
    if len(conditions) == 1 or all(len(items) == len(shared) for items in demands):
        shared = []
    for items in demands:
        for item in items:
            if item not in shared:
                yield from leaves(item)


def stretches(bound: Sequence[BoundCondition], rows: Rows) -> IntArray | None:
    """Number, within its document, of the stretch of text that each row lies in; shape (n_rows,).

    Returns:
        None if no predicate divides the text into stretches.
    """
    divisions = [divide(rows) for condition in bound for divide in condition.stretches]
    if not divisions:
        return None
    return np.unique(np.stack(divisions, axis=1), axis=0, return_inverse=True)[1].astype(np.int32).ravel()


def defining(conditions: Iterable[Condition]) -> frozenset[Covariate]:
    """What tells some conditions apart, so that they differ in it by definition."""
    factors: set[Covariate] = set()
    for leaf in _telling(tuple(conditions)):
        predicate = predicate_of(leaf)
        factors.update(shared_within(predicate.unit(_about(leaf))))
        if leaf.about != "token":
            factors.update(predicate.defines)
    return frozenset(factors)


def shared_within(unit: Unit) -> tuple[Covariate, ...]:
    """What positions of one unit have in common, and positions of different units have not."""
    return _OF_UNITS.get(unit, ())


def columns_of(*conditions: Condition) -> tuple[str, ...]:
    """Columns of the text that conditions read."""
    every = (leaf for condition in conditions for leaf in leaves(condition))
    return tuple(dict.fromkeys(name for leaf in every for name in predicate_of(leaf).fields(leaf.options)))


def limitations_of(
    conditions: Iterable[Condition], vocab_size: int, curve: FrequencyCurve | None
) -> list[str]:
    """What a reviewer would ask of conditions, a sentence each."""
    every = (leaf for condition in conditions for leaf in leaves(condition))
    said = (text for leaf in every for text in predicate_of(leaf).limits(leaf.options, vocab_size, curve))
    return list(dict.fromkeys(said))


def needs_counts(*conditions: Condition) -> bool:
    """Whether a predicate reads the protocol's ``frequencies``."""
    return any(predicate_of(leaf).reads_counts for condition in conditions for leaf in leaves(condition))


def needs_documents(*conditions: Condition) -> bool:
    """Whether a predicate reads the documents themselves."""
    return any(predicate_of(leaf).reads_text for condition in conditions for leaf in leaves(condition))


def condition_words(condition: Condition) -> str:
    """Where a condition holds, as a clause: "the next token matches `^[0-9]+$`"."""
    key, value = condition.key, condition.value
    if key == "not":
        return f"it is not so that {condition_words(value)}"
    if key in COMBINATIONS:
        joint = " and " if key == "all" else " or "
        parts = ((item.key, condition_words(item)) for item in value)
        return joint.join(f"({part})" if inner in ("all", "any") else part for inner, part in parts)
    (leaf,) = leaves(condition)
    # the subject of a clause is the token's short name
    subject = ABOUT[cast(About, leaf.about)].partition(",")[0] if leaf.about else ""
    return predicate_of(leaf).words.clause(leaf.options, subject)


def notes_of(conditions: Iterable[Condition]) -> list[str]:
    """Sentences on what is done before rows are told apart."""
    every = (leaf for condition in conditions for leaf in leaves(condition))
    said = (predicate_of(leaf).words.note(leaf.options) for leaf in every)
    return list(dict.fromkeys(filter(None, said)))


def definitions(conditions: Definitions) -> str:
    """Both conditions in a sentence's end: "to rare where ..., and to common where ..."."""
    parts = [f"to {name} where {condition_words(condition)}" for name, condition in conditions.items()]
    return ", and ".join(parts)


def _about(leaf: Leaf) -> About | None:
    return cast(About | None, leaf.about)


def _key(leaf: Leaf) -> str:
    return ".".join(f"#{part + 1}" if isinstance(part, int) else part for part in leaf.path)


@contextmanager
def _place(name: str, leaf: Leaf) -> Iterator[None]:
    """Put the place of a predicate before what is wrong with it."""
    try:
        yield
    except CorpusError as error:
        raise CorpusError(f"conditions.{name}.{_key(leaf)}: {error}") from None


def _checked(name: str, leaf: Leaf, holds: _Mask) -> _Mask:
    """A predicate that tells rows apart, or says that it does not."""

    def told(rows: Rows) -> BoolArray:
        with _place(name, leaf):
            mask = np.asarray(holds(rows))
            if mask.shape != (len(rows),) or mask.dtype != bool:
                raise CorpusError(
                    f"the predicate must give true or false for each of {len(rows):,} rows; found "
                    f"{mask.dtype} of shape {mask.shape}"
                )
            if not mask.any() or mask.all():
                where = "none" if not mask.any() else "every one"
                raise CorpusError(
                    f"holds at {where} of the {len(rows):,} {rows.called}, so that it tells nothing apart: "
                    "check it, or take others"
                )
            return mask

    return told


def _combined(condition: Condition, path: tuple[str | int, ...], masks: Mapping[Any, _Mask]) -> _Mask:
    key, value = condition.key, condition.value
    if key == "not":
        inner = _combined(value, (*path, key), masks)
        return lambda rows: ~inner(rows)
    if key in COMBINATIONS:
        parts = [_combined(item, (*path, key, place), masks) for place, item in enumerate(value)]
        join = np.logical_and if key == "all" else np.logical_or
        return lambda rows: np.asarray(join.reduce([part(rows) for part in parts]))
    (leaf,) = leaves(condition)
    return masks[(*path, *leaf.path)]
