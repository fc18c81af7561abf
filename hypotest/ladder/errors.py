"""How a group measure's effect varies over documents and target types, two crossed random factors.

Rows are left out in turn, in groups of documents, of types and of cells (`hypotest.inference.left_out`). A
null's
mean moves with the rows too, mostly together with the group's value: the contrast is that with the mean of a
few
of the null's own groups under the same rows, so that what they share cancels. What those few respond of their
own adds a twentieth of a group's variance; the Monte Carlo variance of the null's mean is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hypotest.inference.crossed import Variances, crossed_interval
from hypotest.inference.left_out import crossed_errors, evaluated, unit_counts
from hypotest.records.results.prediction_result import Interval
from hypotest.testing.intervals import UNDEFINED, all_defined
from hypotest.testing.left_out import effective_units, left_out_of
from hypotest.testing.rung import CONTROL_GROUPS, Rung
from hypotest.testing.task import Tested

_AGREE = 1e-3
"""Relative difference of the same value with and without weights that is taken for rounding."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How an effect varies, or why that is not known."""

    centre: float = 0.0
    variances: Variances | None = None
    """Over documents and types."""
    noise: float = 0.0
    """Variance of the effect that comes of neither: of the null's mean over its draws, and of searches."""
    own: Interval | None = None
    """95 % interval of the group's own value, around it."""
    effective: Mapping[str, float] = field(default_factory=dict)
    """Documents and types of equal size that would say as much."""
    reason: str = ""
    """Why there is no interval."""

    def interval(self, level: float) -> Interval | None:
        """Of the effect; None where there is none."""
        if self.variances is None:
            return None
        return crossed_interval(self.centre, self.variances, level, extra_variance=self.noise)


def errors_of(tested: Tested, decisive: Rung) -> Errors:
    """The errors of the group's effect against the null that decides.

    Args:
        tested: The measure of the group.
        decisive: The group among that null's draws.
    """
    measure, compared = tested.measure, decisive.comparison
    if measure.resamples is None or measure.rows is None:
        return Errors(reason=measure.no_interval)
    if decisive.groups is None and decisive.scale is None:
        return Errors(
            reason=f"the null {compared.id} has no groups in this network: no interval over documents and "
            "types"
        )
    conditions = tested.task.evidence.evaluation.conditions
    left = left_out_of(measure.rows, tested.task.streams)
    effective = effective_units(left, conditions)
    if reason := unit_counts(left).too_few(conditions):
        return Errors(effective=effective, reason=reason)
    groups = [tested.group[None, :]]
    if decisive.groups is not None:
        groups.append(decisive.groups[:CONTROL_GROUPS])
    together, resamples = np.concatenate(groups), measure.resamples
    values = evaluated(lambda units, weights: resamples(together, units, weights), left)
    if not all_defined(*values):
        return Errors(effective=effective, reason=UNDEFINED)
    whole = measure.values(together)
    if measure.noise is None and not np.allclose(values[0][:, 0], whole, rtol=_AGREE):
        return Errors(
            effective=effective,
            reason=f"no interval: with all rows its resamples give {values[0][0, 0]:.4g} for the group, and "
            f"its values {whole[0]:.4g}",
        )
    if decisive.scale is None:
        effects = [row[0] - row[1:].mean(axis=0) for row in values]
    else:
        effects = [decisive.scale(row[0], tested.group.size) for row in values]
    errors, of_group = crossed_errors(effects, left), crossed_errors([row[0] for row in values], left)
    searching = 0.0 if measure.noise is None else measure.noise(tested.group)
    return Errors(
        centre=compared.observed - compared.mean,
        variances=errors.variances,
        noise=compared.sd**2 / compared.n_draws + searching + decisive.noise,
        own=crossed_interval(tested.observed, of_group.variances, 0.95, extra_variance=searching),
        effective=effective,
    )
