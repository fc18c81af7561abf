"""Placebos: every prediction tested where its first condition is make-believe."""

from __future__ import annotations

from dataclasses import dataclass

MARKED = 5.0
"""Times as many significant placebos as expected, from which they are marked: 5 of 20 at 0.05."""


@dataclass(frozen=True, slots=True)
class PlaceboResult:
    """One prediction under every placebo; tested with few draws, since p is only compared with the level."""

    prediction: str
    null: str = ""
    """That decides it; empty where none does."""
    effects: tuple[float | None, ...] = ()
    """Of each random division, as `PredictionResult.effect`; None where it is undefined."""
    p_values: tuple[float | None, ...] = ()
    """Two-sided; None where nothing can be concluded."""
    effect_by_loss: float | None = None
    """Of units with a high against units with a low baseline loss."""
    p_by_loss: float | None = None
    reason: str = ""
    """Why there is no placebo of this prediction."""

    def n_significant(self, level: float) -> int:
        """How many reject."""
        return sum(value is not None and value <= level for value in self.p_values)

    @property
    def n_known(self) -> int:
        """How many can reject."""
        return sum(value is not None for value in self.p_values)

    def is_marked(self, level: float) -> bool:
        """Whether more reject than should."""
        return self.n_known > 0 and self.n_significant(level) >= max(2.0, MARKED * level * self.n_known)


@dataclass(frozen=True, slots=True)
class Placebos:
    """Positions of the second condition, divided into two make-believe conditions."""

    n_splits: int
    """Random divisions; one by loss comes on top."""
    level: float
    draws: int
    """Of each null of groups; of relabellings `draws_of_labels`."""
    draws_of_labels: int
    positions: tuple[int, int]
    """Fewest and most positions of a make-believe condition, both splits together, over random divisions."""
    real_positions: tuple[int, int]
    """Of the first and of the second condition."""
    unit: str
    """What is divided, in the plural: token types to be predicted."""
    n_units: int
    loss_ratio: float | None
    """Mean loss of the first over that of the second condition."""
    loss_ratio_reached: float | None
    """The same of types with a high over types with a low loss; None where no cut leaves enough positions."""
    predictions: tuple[PlaceboResult, ...]

    @property
    def one_draw(self) -> float:
        """By how much one draw more or less changes a two-sided p-value at most."""
        return 2 / (min(self.draws, self.draws_of_labels) + 1)

    def of(self, prediction: str) -> PlaceboResult | None:
        """Those of one prediction."""
        return next((item for item in self.predictions if item.prediction == prediction), None)
