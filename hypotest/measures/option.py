"""One key of a measure's options: default, range, words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a measure. Its type is that of its default."""

    default: str | int | float
    description: str
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    varies: bool = True
    """Whether other values are as defensible, so that a multiverse may list some; not where they ask another
    question, or only cost time."""
    is_condition: bool = False
    """Whether its value is the name of a condition; empty: the first one."""
    only_with: tuple[str, str] | None = None
    """Another option of the measure and its value, without which this one says nothing."""

    def is_used(self, options: Mapping[str, Any]) -> bool:
        """Whether it says something beside these options."""
        return self.only_with is None or options.get(self.only_with[0]) == self.only_with[1]

    @property
    def required(self) -> str:
        """What a value must be, in words."""
        if self.is_condition:
            return "the name of a condition"
        if len(self.choices) == 1:
            return self.choices[0]
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        bounds = (
            ("at least", self.at_least),
            ("above", self.above),
            ("at most", self.at_most),
            ("below", self.below),
        )
        words = [f"{word} {bound:g}" for word, bound in bounds if bound is not None]
        return " ".join([kind, " and ".join(words)]).rstrip()

    def accepts(self, value: Any) -> bool:
        """Whether a value has the right type and lies in the range."""
        if self.is_condition:
            return isinstance(value, str)
        if self.choices:
            return isinstance(value, str) and value in self.choices
        numeric = int if isinstance(self.default, int) else int | float
        if isinstance(value, bool) or not isinstance(value, numeric) or not math.isfinite(value):
            return False
        return not (
            (self.at_least is not None and value < self.at_least)
            or (self.above is not None and value <= self.above)
            or (self.at_most is not None and value > self.at_most)
            or (self.below is not None and value >= self.below)
        )
