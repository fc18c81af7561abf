"""Plateau flatness: whether the rank-influence curve begins with a plateau (eq. 11); describes.

Its formula::

    1 − |left slope| / κ, with κ the slope of the power law behind the breakpoint
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.groups.nulls import Influences
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.records.results.prediction_result import NullComparison
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

WORDS = MeasureWords(
    title="flatness of the influence plateau",
    unit="1 - |left slope| / kappa",
    what="how flat the top of the influence curve is, where the most influential neurons stand",
    less="the influence curve has a steeper top",
    greater="the influence curve has a flatter top, set apart from its rest",
    label="plateau flatness",
    question=(
        "Does the rank-influence curve of these targets begin with a plateau, set apart from the "
        "power law that follows?"
    ),
    method=(
        "plateau flatness is 1 - |left slope| / kappa of a continuous piecewise line on the "
        "log-log rank-influence curve (eq. 11 of arXiv:2509.21163)"
    ),
    transformed="Rank and influence are taken as natural logarithms for the fit of regimes.",
    beside={
        "has_plateau": "Whether the curve begins with a plateau: 1, or 0 if not.",
        "plateau_share": "Share of the neurons that stand on it.",
        "head_excess": "How far the most influential neurons lie above the power law that the others follow, "
        "below it where negative, in natural logarithms.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """Flatness of the head of one condition's rank-influence curve on the evaluation split; describes.

    "A plateau in one condition and none in the other" is two statements, one per condition: a difference of
    two flatnesses is large as well where neither curve has a plateau. Beside each stands the same curve
    under shuffled labels, on this split, where the curves are read; the group's own plateau was fitted on the
    selection split and plays no part.
    """
    from hypotest.groups.nulls import influences_under, labelled_sums
    from hypotest.inference.randomization import compare_with_null
    from hypotest.nulls.registry import declared_null
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.curves import describe_curve
    from hypotest.testing.intervals import secondary
    from hypotest.testing.ranking import in_chunks
    from hypotest.testing.relabelled import relabellings, units_and_draws
    from hypotest.testing.selection import document_halves
    from hypotest.testing.undefined import Undefined

    split, streams = task.evidence.evaluation, task.streams
    half = document_halves(split, streams("evaluation halves"))
    observed_sums = labelled_sums(split.delta_loss, np.where(split.first, 1, 0), half)
    first = np.array([[False, True]])
    arms = influences_under(first, observed_sums), influences_under(~first, observed_sums)
    if not all(np.isfinite(arm.halves).all() for arm in arms):
        raise Undefined(
            "curves are ranked on one half of the evaluation documents and read on the other, and one half "
            "holds no position of a condition"
        )
    fits = []
    for condition, influences in zip(split.conditions, arms, strict=True):
        fits.append(describe_curve(condition, influences))
    condition = str(MEASURE.filled(prediction.options)["condition"]) or split.conditions.first
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
    null = declared_null(task.protocol, prediction.contrast.null)
    assert null is not None  # validation: a contrast refers to declared nulls only
    ladder: list[NullComparison] = []
    draws = {}
    for unit, n_draws in units_and_draws(null.options.unit, null.n_draws).items():
        shuffled = relabellings((split,), unit, n_draws, streams("evaluation labels", unit))
        sums = labelled_sums(split.delta_loss, shuffled.units, half)
        labels = shuffled.labels if condition == split.conditions.first else ~shuffled.labels
        under_labels = np.concatenate([_flatness(influences) for influences in in_chunks(labels, sums)])
        compared = compare_with_null(
            fit.plateau_flatness,
            under_labels,
            null=null.name,
            variant=unit,
            statistic=f"T({condition})",
            log10_relabellings=shuffled.log10_distinct,
        )
        ladder.append(replace(compared, descriptive=True))
        draws[compared.id] = under_labels
    decisive = ladder[0]
    return MeasuredContrast(
        observed=fit.plateau_flatness,
        reference=decisive.null,
        variant=decisive.variant,
        reference_value=decisive.mean,
        reference_sd=decisive.sd,
        standardized=decisive.z,
        p_value=decisive.p_value,
        p_error=decisive.p_error,
        percentile=decisive.percentile,
        deciding_draws=draws[decisive.id],
        secondary=secondary(
            {
                "has_plateau": float(fit.plateau),
                "plateau_share": fit.breakpoints[0] / fit.ranks[-1] if fit.plateau else 0.0,
                "head_excess": fit.head_excess,
            }
        ),
        ladder=tuple(ladder),
        draws=draws,
        notes=tuple(notes),
        regimes=tuple(fits),
    )


def _flatness(influences: Influences) -> NDArray[np.float64]:
    """As `describe_curve` gives it, for every labelling."""
    from hypotest.testing.selection import fit_curves

    return np.nan_to_num(fit_curves(influences)[0].plateau_flatness)


MEASURE = ConditionMeasure(
    name="plateau_flatness",
    words=WORDS,
    figure="regimes",
    depends_on=("conditions", "replacement"),
    level="conditions",
    contrasts=(Form.LABELS,),
    options={
        "condition": Option(
            "", "condition whose curve it is; the first if not given", is_condition=True, varies=False
        )
    },
    no_interval="no document interval is available for the flatness of a curve",
    compared=compare,
    tried=False,
    needs=frozenset({Channel.INFLUENCE}),
)
