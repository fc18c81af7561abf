"""How alike the positions of both conditions are in one thing that could explain a difference away."""

from __future__ import annotations

from dataclasses import dataclass

from hypotest.records.protocol.design import LARGEST_IMBALANCE


@dataclass(frozen=True, slots=True)
class RowBalance:
    """One covariate of the measured positions, the first condition against the second."""

    covariate: str
    """``index``, ``target_frequency`` (log2), ``length`` (log2 of tokens), ``loss`` (nats); ``block``,
    ``document``, ``token``, ``target`` have no order."""
    first: tuple[float, float] | None
    """Mean and SD in the first condition; None where there is no order."""
    second: tuple[float, float] | None
    difference: float | None
    """(mean of the first - mean of the second) / sqrt of the mean of both variances; None where there is no
    order, or where both are constant and differ."""
    shared: float | None
    """Of what has no order: share that both have in common, 1 - the total variation distance."""
    by_chance: float | None
    """The same of random divisions of all positions."""
    matched: bool = False
    """Whether pairs of positions agree in it."""
    defining: bool = False
    """Whether the conditions are told apart by it, so that they cannot but differ."""

    @property
    def is_apart(self) -> bool:
        """Whether it could explain a difference: more than a quarter of an SD, or of what chance shares."""
        if self.shared is not None and self.by_chance is not None:
            return self.by_chance - self.shared > LARGEST_IMBALANCE
        return self.difference is None or abs(self.difference) > LARGEST_IMBALANCE
