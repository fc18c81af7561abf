"""How far what is foreseen from few draws of a null can be off, by their number alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.power.basis import PowerBasis
from hypotest.studies.power.grid import planned_draws
from hypotest.studies.power.record import UNITS, MonteCarlo

_RESAMPLES = 200


def monte_carlo(
    base: PowerBasis, plan: Protocol, planned: int, rng: np.random.Generator
) -> MonteCarlo | None:
    """What other draws of the same null would have said, by resampling those at hand.

    Args:
        base: What the prediction's power rests on.
        plan: The protocol.
        planned: Documents of the evaluation split.
        rng: Source of the resampling.

    Returns:
        95 % percentile intervals over `_RESAMPLES` resamples; None without a null.
    """
    null, scale = base.draws, base.unit(planned)
    if null is None or not scale:
        return None
    draws, level = planned_draws(plan, base.prediction), plan.decision.level
    rows = []
    for _ in range(_RESAMPLES):
        other = null[rng.integers(null.size, size=null.size)]
        moved = replace(base, draws=other - np.nanmean(other))
        rows.append(
            [
                moved.seen(planned, draws, level),
                moved.ceiling(planned),
                moved.equivalent(planned, level),
                *(moved.power(unit * scale, planned, draws, level) for unit in UNITS),
            ]
        )
    values = np.array(rows, dtype=np.float64)
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    seen, ceiling, equivalent, *power = (
        None if np.isnan(bounds).any() else bounds for bounds in zip(low.tolist(), high.tolist(), strict=True)
    )
    return MonteCarlo(null.size, seen, tuple(item for item in power if item), ceiling, equivalent)
