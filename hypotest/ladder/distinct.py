"""How many different draws a null has on a text and a layer, and how many its level needs.

The number of draws is checked with the protocol (`hypotest.registration`). What depends on the text and the
layer is the number of *distinct* draws: with R of them, no two-sided p-value falls below 2/R however often
they are drawn. Heads are no unit of any randomization here: with one top head among H, p could not fall
below 1/H.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from hypotest.nulls.registry import declared
from hypotest.records.protocol.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Distinct:
    """Different draws of one null."""

    null: str
    log10_distinct: float
    needed: int
    """For its level: 2 M / level with M tests; 0 where nothing rests on it."""
    n_tests: int
    what: str
    """Such as ``relabellings (over token types)``."""

    @property
    def is_enough(self) -> bool:
        """Whether a p-value can reach the corrected level."""
        return self.needed == 0 or self.log10_distinct >= math.log10(self.needed) - 1e-9

    @property
    def number(self) -> str:
        """Their number, for a sentence."""
        return number_text(self.log10_distinct)


def number_text(log10_number: float) -> str:
    """A whole number that may be too large for one.

    Examples:
        >>> number_text(math.log10(1204)), number_text(40.3)
        ('1,204', 'over 10^40')
    """
    if log10_number < 9:
        return f"{round(10**log10_number):,}"
    return f"over 10^{math.floor(log10_number)}"


def count_distinct(protocol: Protocol, positions: pl.DataFrame, n_neurons: int | None) -> Iterator[Distinct]:
    """Count the different relabellings and groups of a plan.

    Args:
        protocol: A valid protocol.
        positions: The sampled positions of both splits: document, target, condition.
        n_neurons: Neurons in the layer; None where they are not known, and groups are not counted.
    """
    for item in declared(protocol):
        if item.null.distinct is None:
            continue
        counted = item.null.distinct(item.options, protocol, positions, n_neurons)
        if counted is not None:
            yield _distinct(protocol, item.name, *counted)


def require_exchangeable(protocol: Protocol, positions: pl.DataFrame) -> None:
    """Refuse rows over whose units labels cannot be shuffled as declared.

    Raises:
        EvidenceError: If a unit, such as a cluster of examples, has both labels.
    """
    list(count_distinct(protocol, positions, None))


def _distinct(protocol: Protocol, null: str, log10_distinct: float, what: str) -> Distinct:
    n_tests = protocol.n_tests_of(null)
    # rounded before ceil: 2 * 7 / 0.05 must give 280 also in floating point
    needed = math.ceil(round(2 * n_tests / protocol.decision.level, 6))
    return Distinct(null, log10_distinct, needed, n_tests, what)
