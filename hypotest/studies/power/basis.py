"""What one prediction's power is computed from, and what it comes to at other sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hypotest.inference.margins import equivalence_ceiling
from hypotest.inference.power import (
    effect_seen,
    equivalence_power,
    null_spread,
    ordinary_equivalence,
    randomization_power,
    smallest_significant,
    t_power,
    t_smallest,
)
from hypotest.records.protocol.design import MINIMUM_UNITS
from hypotest.records.protocol.prediction import Prediction
from hypotest.registration.checks.outcomes import why_no_interval
from hypotest.studies.power.record import SEEN


@dataclass(frozen=True, slots=True, eq=False)
class PowerBasis:
    """What one prediction's power is computed from: a null's draws, or a standard error over documents."""

    prediction: Prediction
    compared_with: str
    group_size: int | None
    declared: bool
    draws: NDArray[np.float64] | None
    """Of the null less their mean, with the documents at hand; None for contrasts without a null."""
    standard_error: float | None
    n_measured: int
    """Documents at hand on which the measure has a value."""
    measured_of: Callable[[int], int]
    """From a number of documents in the split to those on which it has one."""
    spread_ratio: float
    """SD of the null with half of the documents at hand, as a share of that with all of them."""
    margin: float | None
    margin_spread_ratio: float
    """The same of the margin: one in SDs of random groups moves with theirs."""
    notes: tuple[str, ...]

    @property
    def visible(self) -> bool:
        """Whether there is anything to predict from."""
        return self.draws is not None or self.standard_error is not None

    def narrowed(self, documents: int) -> float:
        """SD of the null with so many documents, as a share of the SD at hand."""
        return float(null_spread(1.0, self.spread_ratio, self.n_measured, self.measured_of(documents)))

    @property
    def _sd(self) -> float:
        assert self.draws is not None  # asked for nulls only
        return float(np.nanstd(self.draws, ddof=1))

    def unit(self, documents: int) -> float | None:
        """SD of the null or standard error, with so many documents."""
        return self.error(documents) if self.draws is None else self._sd * self.narrowed(documents)

    def error(self, documents: int) -> float | None:
        """Standard error with so many documents; it falls with their square root."""
        if self.standard_error is None:
            return None
        return self.standard_error * float(np.sqrt(self.n_measured / self.measured_of(documents)))

    def half_width(self, documents: int) -> float | None:
        """The margin; one in null SDs narrows as that of random groups does."""
        if self.margin is None:
            return None
        spread = null_spread(1.0, self.margin_spread_ratio, self.n_measured, self.measured_of(documents))
        return self.margin * float(spread)

    def power(self, effect: float, documents: int, draws: int | None, level: float) -> float:
        """Probability of p <= level, in the direction in which it is smaller."""
        if self.draws is not None:
            assert draws is not None  # a null has draws
            moved = effect / self.narrowed(documents)
            return min(randomization_power(self.draws, sign * moved, draws, level) for sign in (1, -1))
        error = self.error(documents)
        if not error:
            return 1.0 if effect > 0 else 0.0
        return t_power(effect, error, self.measured_of(documents) - 1, level)

    def smallest(self, documents: int, draws: int | None, level: float) -> float | None:
        """Smallest effect that would be significant."""
        if self.draws is not None:
            effect = _at_hand(self, draws, level)[0]
            return None if effect is None else effect * self.narrowed(documents)
        error = self.error(documents)
        return None if error is None else t_smallest(error, self.measured_of(documents) - 1, level)

    def seen(self, documents: int, draws: int | None, level: float) -> float | None:
        """Smallest effect that is significant with probability `SEEN`."""
        if self.draws is not None:
            effect = _at_hand(self, draws, level)[1]
            return None if effect is None else effect * self.narrowed(documents)
        unit = self.unit(documents)
        if not unit:
            return unit
        return effect_seen(lambda effect: self.power(effect, documents, draws, level), unit, SEEN)

    def ceiling(self, documents: int) -> float | None:
        """Share of null draws inside the margin."""
        margin = self.half_width(documents)
        if self.draws is None or margin is None:
            return None
        return equivalence_ceiling(self.draws * self.narrowed(documents), (-margin, margin), 0.0)

    def equivalent(
        self, documents: int, level: float, *, margin: float | None = None, effect: float = 0.0
    ) -> float | None:
        """Probability of ``equivalent``, by default where nothing is out of the ordinary.

        Args:
            documents: Of the split.
            level: Of each of the two tests.
            margin: Half-width; by default the declared one.
            effect: By which an ordinary group, or the absence of an effect, is moved.
        """
        margin, error = self.half_width(documents) if margin is None else margin, self.error(documents)
        freedom = self.measured_of(documents) - 1
        if margin is None or not self.visible:
            return None
        if self.draws is None:
            assert error is not None  # visible by its standard error
            return equivalence_power(effect, margin, error, freedom, level) if error else 1.0
        if error is None:
            # with enough documents there is no interval for this measure at all, and no equivalence
            never = why_no_interval(self.prediction) or self.n_measured >= MINIMUM_UNITS
            return 0.0 if never else None
        effects = self.draws * self.narrowed(documents)
        return ordinary_equivalence(effects, margin, error, freedom, level, effect)


@lru_cache(maxsize=64)
def _at_hand(base: PowerBasis, draws: int | None, level: float) -> tuple[float | None, float | None]:
    """Smallest significant effect, and the one that is seen, of a null with the documents at hand.

    Other numbers of documents narrow the null, and the effects with it.
    """
    null = base.draws
    assert null is not None and draws is not None  # a null has draws
    scale = float(np.nanstd(null, ddof=1))
    if not scale:
        return smallest_significant(null, draws, level), scale

    def power(effect: float) -> float:
        return min(randomization_power(null, sign * effect, draws, level) for sign in (1, -1))

    return smallest_significant(null, draws, level), effect_seen(power, scale, SEEN)
