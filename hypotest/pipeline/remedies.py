"""What would give a plan enough distinct draws: changes that were tried on the text at hand, not guesses.

Every remedy is a changed plan that is valid, whose positions were drawn from this text as its run would draw
them, and whose nulls then have the draws that their level needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol as Shape

import polars as pl
from pydantic import ValidationError

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.conditions import SampledPositions, sample_positions
from hypotest.corpora.frequencies import FrequencyCuts, cut_frequencies
from hypotest.errors import CorpusError
from hypotest.pipeline.distinct import Distinct, count_distinct
from hypotest.pipeline.randomness import Streams
from hypotest.records.protocol import Protocol
from hypotest.registration import canonical, check_protocol

_STEP = 5
"""Percent between the percentiles that are tried."""
_MORE = (2, 4, 8)
"""Times as many positions."""
_NULLS = ("size_matched", "covariate_matched")


class Drawn(Shape):
    """A text and the positions drawn from it; see `hypotest.pipeline.positions.FoundPositions`."""

    @property
    def blocks(self) -> Blocks:
        """The text."""

    @property
    def cuts(self) -> FrequencyCuts:
        """Which types are rare and common, and the counts behind it."""

    @property
    def sampled(self) -> SampledPositions:
        """The positions."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of a plan, with which it has enough distinct draws."""

    changes: tuple[tuple[str, Any], ...]
    """Dotted keys of the protocol, predictions by their id, and their new values."""
    plan: Protocol
    """The changed plan."""
    words: str
    """What to write, and what it gives."""


def find_remedies(protocol: Protocol, drawn: Drawn, n_neurons: int | None, short: Distinct) -> list[Remedy]:
    """Look for changes that work, one of each kind: the smallest.

    Args:
        protocol: A valid protocol.
        drawn: Its text and positions.
        n_neurons: Neurons in the layer; None if they are not known.
        short: The null that has too few distinct draws.
    """
    kinds = (_percentiles, _more_positions, _elbow) if short.null == "label_shuffled" else (_larger_groups,)
    found = []
    for kind in (*kinds, _other_nulls, _fewer_tests):
        for changes in kind(protocol, n_neurons, short):
            remedy = _tried(protocol, drawn, n_neurons, short, changes)
            if remedy is not None:
                found.append(remedy)
                break
    return found


def largest_sample(
    protocol: Protocol, drawn: Drawn, n_neurons: int | None, null: str
) -> tuple[int, str] | None:
    """The largest multiple of the positions that this text has, and the distinct draws that it gives."""
    found = None
    for factor in _MORE:
        plan = changed(protocol, (("conditions.positions", factor * protocol.conditions.positions),))
        positions = None if plan is None else redraw(plan, drawn)
        if plan is None or positions is None:
            break
        counted = {item.null: item for item in count_distinct(plan, positions, n_neurons)}
        found = (plan.conditions.positions, counted[null].found)
    return found


def redraw(plan: Protocol, drawn: Drawn) -> pl.DataFrame | None:
    """The positions that a changed plan's run would draw from the same text; None where it has too few."""
    try:
        cuts = cut_frequencies(drawn.cuts.counts, plan.conditions, drawn.cuts.n_unlisted)
        return sample_positions(
            drawn.blocks,
            cuts,
            n_positions=plan.conditions.positions,
            max_per_document=plan.conditions.max_per_document,
            selection_share=plan.split.selection,
            rng=Streams(plan.seed)("positions"),
        ).positions
    except CorpusError:
        return None


def changed(protocol: Protocol, changes: tuple[tuple[str, Any], ...]) -> Protocol | None:
    """The plan with other values; None where that is no valid plan."""
    data = canonical(protocol)
    for key, value in changes:
        *way, last = key.split(".")
        place = data
        for step in way:
            place = (
                next(item for item in place if item["id"] == step)
                if isinstance(place, list)
                else place.setdefault(step, {})
            )
        place[last] = value
        if (last, value) == ("role", "descriptive"):
            place["expects"] = {}
    try:
        plan = Protocol.model_validate(data)
    except ValidationError:
        return None
    wrong = any(problem.severity == "error" for problem in check_protocol(plan))
    return None if wrong else plan


def _tried(
    protocol: Protocol,
    drawn: Drawn,
    n_neurons: int | None,
    short: Distinct,
    changes: tuple[tuple[str, Any], ...],
) -> Remedy | None:
    plan = changed(protocol, changes)
    positions = None if plan is None else redraw(plan, drawn)
    if plan is None or positions is None:
        return None
    counted = list(count_distinct(plan, positions, n_neurons))
    if not all(item.is_enough for item in counted):
        return None
    return Remedy(changes, plan, f"{_written(changes)} ({_reached(counted, short, plan)})")


def _written(changes: tuple[tuple[str, Any], ...]) -> str:
    shown = [f"{key}: {value}" for key, value in changes if not isinstance(value, dict)]
    return " and ".join(shown) + (", without expectations" if "role: descriptive" in shown[-1] else "")


def _reached(counted: list[Distinct], short: Distinct, plan: Protocol) -> str:
    now = next((item for item in counted if item.null == short.null), None)
    if now is None or now.needed == 0:
        others = [f"{item.found} {item.what}" for item in counted if item.needed]
        return ", ".join(others) if others else f"nothing rests on {short.null} then"
    return f"{now.found} of {now.needed:,}"


def _percentiles(
    protocol: Protocol, n_neurons: int | None, short: Distinct
) -> Iterator[tuple[tuple[str, Any], ...]]:
    rare = protocol.conditions.rare.target_frequency.below_percentile
    common = protocol.conditions.common.target_frequency.from_percentile
    if rare is None or common is None:
        return
    first = _STEP * (math.floor(rare / _STEP) + 1)
    for percent in range(first, 100, _STEP):
        yield (
            ("conditions.rare.target_frequency.below_percentile", percent),
            ("conditions.common.target_frequency.from_percentile", max(percent, common)),
        )


def _more_positions(
    protocol: Protocol, n_neurons: int | None, short: Distinct
) -> Iterator[tuple[tuple[str, Any], ...]]:
    for factor in _MORE:
        yield (("conditions.positions", factor * protocol.conditions.positions),)


def _elbow(
    protocol: Protocol, n_neurons: int | None, short: Distinct
) -> Iterator[tuple[tuple[str, Any], ...]]:
    yield (("conditions.elbow", "keep" if protocol.conditions.elbow == "drop" else "drop"),)


def _larger_groups(
    protocol: Protocol, n_neurons: int | None, short: Distinct
) -> Iterator[tuple[tuple[str, Any], ...]]:
    if n_neurons is None:
        return
    key = "otherwise" if protocol.group.select == "plateau" else "select"
    for size in range(2, n_neurons // 2 + 1):
        share = math.ceil(1e4 * size / n_neurons) / 1e4
        yield ((f"group.{key}.top_fraction", share),)


def _other_nulls(
    protocol: Protocol, n_neurons: int | None, short: Distinct
) -> Iterator[tuple[tuple[str, Any], ...]]:
    """All predictions that rest on this null, on another one."""
    resting = [item.id for item in protocol.predictions if item.contrast.null == short.null]
    for null in _NULLS:
        if null == short.null or (null == "size_matched" and n_neurons is None):
            continue
        declared: tuple[tuple[str, Any], ...] = ()
        if getattr(protocol.nulls, null) is None:
            declared = ((f"nulls.{null}.draws", 9999),)
        yield (*declared, *((f"predictions.{name}.contrast.null", null) for name in resting))


def _fewer_tests(
    protocol: Protocol, n_neurons: int | None, short: Distinct
) -> Iterator[tuple[tuple[str, Any], ...]]:
    """The last predictions that rest on this null decide no more: as few of them as will do."""
    resting = [
        item.id
        for item in protocol.predictions
        if item.contrast.null == short.null and item.role != "descriptive"
    ]
    for number in range(1, len(resting) + 1):
        yield tuple((f"predictions.{name}.role", "descriptive") for name in resting[-number:])
