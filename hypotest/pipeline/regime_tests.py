"""The rank-influence curve's regimes, a statement per condition; descriptive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hypotest.groups.nulls import Influences, labelled_sums
from hypotest.inference.randomization import compare_with_null
from hypotest.measures.regimes import rank_grid
from hypotest.pipeline.comparison import Comparison
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import (
    document_halves,
    fit_curves,
    in_chunks,
    relabellings,
    units_and_draws,
)
from hypotest.pipeline.undefined import Undefined
from hypotest.records.evidence import Evidence
from hypotest.records.prediction import Prediction
from hypotest.records.protocol import Protocol
from hypotest.records.results import NullComparison, RegimeFit
from hypotest.registration.measures import filled_options


def compare_regimes(
    prediction: Prediction, evidence: Evidence, protocol: Protocol, streams: Streams
) -> tuple[Comparison, tuple[RegimeFit, ...]]:
    """Flatness of the head of one condition's rank-influence curve on the evaluation split; describes.

    "A plateau for rare targets and none for common ones" is two statements, one per condition: a difference
    of two flatnesses is large as well where neither curve has a plateau. Beside each stands the same curve
    under shuffled labels, on this split, where the curves are read; the group's own plateau was fitted on the
    selection split and plays no part.
    """
    split = evidence.evaluation
    half = document_halves(split, streams("evaluation halves"))
    observed_sums = labelled_sums(split.delta_loss, np.where(split.mask("rare"), 1, 0), half)
    arms = next(in_chunks(np.array([[False, True]]), observed_sums))
    if not all(np.isfinite(arm.halves).all() for arm in arms):
        raise Undefined(
            "curves are ranked on one half of the evaluation documents and read on the other, and one half "
            "holds no position of a condition"
        )
    fits = []
    for condition, influences in zip(("rare", "common"), arms, strict=True):
        fits.append(describe_curve(condition, influences))
    condition = str(filled_options(prediction)["condition"])
    fit = next(fit for fit in fits if fit.condition == condition)
    notes = [
        f"the rank-influence curve of {condition} targets {'has' if fit.plateau else 'has no'} plateau",
        "labels were shuffled on the evaluation split, where the curves are read",
    ]
    if fit.kappa <= 0:
        notes.append(
            f"no falling power law for {condition} targets: flatness is undefined and counts as 0, in the "
            "draws as well"
        )
    null = protocol.nulls.label_shuffled
    assert null is not None  # validation: a contrast refers to declared nulls only
    ladder: list[NullComparison] = []
    draws = {}
    for unit, n_draws in units_and_draws(null):
        shuffled = relabellings((split,), unit, n_draws, streams("evaluation labels", unit))
        sums = labelled_sums(split.delta_loss, shuffled.units, half)
        name = f"label_shuffled ({unit})"
        draws[name] = np.concatenate(
            [_flatness(arms[condition == "common"]) for arms in in_chunks(shuffled.labels, sums)]
        )
        compared = compare_with_null(
            fit.plateau_flatness,
            draws[name],
            null=name,
            statistic=f"T({condition})",
            log10_relabellings=shuffled.log10_distinct,
        )
        ladder.append(replace(compared, descriptive=True))
    decisive = ladder[0]
    comparison = Comparison(
        observed=fit.plateau_flatness,
        reference=decisive.null,
        reference_value=decisive.mean,
        reference_sd=decisive.sd,
        standardized=decisive.z,
        p_value=decisive.p_value,
        p_error=decisive.p_error,
        percentile=decisive.percentile,
        deciding_draws=draws[decisive.null],
        companions={
            "has_plateau": float(fit.plateau),
            "plateau_share": fit.breakpoints[0] / fit.ranks[-1] if fit.plateau else 0.0,
            "head_excess": fit.head_excess,
        },
        ladder=tuple(ladder),
        draws=draws,
        notes=tuple(notes),
    )
    return comparison, tuple(fits)


def _flatness(influences: Influences) -> NDArray[np.float64]:
    """As `describe_curve` gives it, for every labelling."""
    return np.nan_to_num(fit_curves(influences)[0].plateau_flatness)


def describe_curve(condition: str, influences: Influences) -> RegimeFit:
    """The rank-influence curve of one labelling and its regimes; an undefined flatness counts as 0."""
    fits, curve = fit_curves(influences)
    breakpoints = fits.breakpoints[0]
    return RegimeFit(
        condition=condition,
        ranks=tuple(rank_grid(influences.whole.shape[1]).astype(float).tolist()),
        influence=tuple(np.exp(curve[0]).tolist()),
        fitted=tuple(np.exp(fits.fitted[0]).tolist()),
        breakpoints=tuple(breakpoints[np.isfinite(breakpoints)].tolist()),
        slopes=tuple(fits.slopes[0][np.isfinite(fits.slopes[0])].tolist()),
        kappa=float(fits.kappa[0]),
        plateau=bool(fits.plateau[0]),
        plateau_flatness=float(np.nan_to_num(fits.plateau_flatness[0])),
        head_excess=float(np.nan_to_num(fits.head_excess[0])),
        bic=tuple(fits.bic[0].tolist()),
    )
