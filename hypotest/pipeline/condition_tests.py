"""Contrasts that do not concern groups: rare against common over documents, and the top head's share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.groups.nulls import Influences, labelled_sums
from hypotest.inference.bootstrap import (
    MINIMUM_DOCUMENTS,
    document_interval,
    document_weights,
    jackknife_weights,
)
from hypotest.inference.effect_size import cliffs_delta, paired_standardized_difference
from hypotest.inference.equivalence import t_p_value
from hypotest.inference.randomization import compare_with_null, swapped_differences
from hypotest.measures import concentration, heads, routing
from hypotest.measures.regimes import rank_grid
from hypotest.pipeline.comparison import Comparison
from hypotest.pipeline.group_tests import RESAMPLES
from hypotest.pipeline.parallel import chunks, in_parallel
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import (
    SHOWN_DRAWS,
    Selection,
    document_halves,
    fit_curves,
    in_chunks,
    relabellings,
)
from hypotest.records.evidence import Evidence, SplitEvidence
from hypotest.records.protocol import PermutationUnit, Prediction, Protocol
from hypotest.records.results import Interval, NullComparison, RegimeFit

SWAPS = 9999
"""Draws in which the labels of documents are swapped."""
ROUTING_SWAPS = 1999
HALVINGS = 5
"""Random halvings of the documents behind a noise ceiling."""
_ROWS_PER_TASK = 500
SWAPPED = "swapped within documents"
_TOO_FEW = f"fewer than {MINIMUM_DOCUMENTS} documents: no interval and no p-value"


def compare_regimes(
    prediction: Prediction, evidence: Evidence, protocol: Protocol, streams: Streams
) -> tuple[Comparison, tuple[RegimeFit, ...]]:
    """Flatness of the rank-influence curve's head, rare against common, on the evaluation split.

    The null shuffles labels on this split, since the curves are read there; the group's own plateau was
    fitted on the selection split and plays no part.
    """
    split = evidence.evaluation
    half = document_halves(split, streams("evaluation halves"))
    observed_sums = labelled_sums(split.delta_loss, np.where(split.mask("rare"), 1, 0), half)
    arms = next(in_chunks(np.array([[False, True]]), observed_sums))
    fits = []
    for condition, influences in zip(("rare", "common"), arms, strict=True):
        fits.append(_regime_fit(condition, influences))
    rare, common = (fit.plateau_flatness for fit in fits)
    null = protocol.nulls.label_shuffled
    assert null is not None  # validation: a contrast refers to declared nulls only
    ladder: list[NullComparison] = []
    draws = {}
    units: list[PermutationUnit] = sorted(("type", "position"), key=lambda unit: unit != null.unit)
    for unit in units:
        n_draws = null.draws if unit == null.unit else min(null.draws, SHOWN_DRAWS)
        shuffled = relabellings(split, unit, n_draws, streams("evaluation labels", unit))
        sums = labelled_sums(split.delta_loss, shuffled.units, half)
        differences = np.concatenate(
            [
                fit_curves(on_rare)[0].plateau_flatness - fit_curves(on_common)[0].plateau_flatness
                for on_rare, on_common in in_chunks(shuffled.labels, sums)
            ]
        )
        name = f"label_shuffled ({unit})"
        draws[name] = differences
        ladder.append(
            compare_with_null(
                rare - common,
                differences,
                null=name,
                statistic="T(rare) - T(common)",
                log10_relabellings=shuffled.log10_distinct,
            )
        )
    decisive = ladder[0]
    comparison = Comparison(
        observed=rare,
        reference="common",
        reference_value=common,
        reference_sd=decisive.sd,
        standardized=decisive.z,
        p_value=decisive.p_value,
        p_error=decisive.p_error,
        percentile=decisive.percentile,
        deciding_draws=draws[decisive.null],
        companions={
            "rare_has_plateau": float(fits[0].plateau),
            "common_has_plateau": float(fits[1].plateau),
            "head_excess_rare": fits[0].head_excess,
            "head_excess_common": fits[1].head_excess,
        },
        ladder=tuple(ladder),
        draws=draws,
        notes=("labels were shuffled on the evaluation split, where the curves are read",),
    )
    return comparison, tuple(fits)


def compare_attention(
    prediction: Prediction, evidence: Evidence, protocol: Protocol, streams: Streams
) -> Comparison:
    """Gini coefficient of attention, rare against common query positions, paired by document."""
    gini = attention_gini(evidence.evaluation).mean(axis=1)
    rare, common, _ = document_means(evidence.evaluation, gini)
    differences = rare - common
    estimate = float(differences.mean())
    draws = swapped_differences(differences, SWAPS, streams("swaps", prediction.id))
    swapped = compare_with_null(estimate, draws, null=SWAPPED, statistic="T(rare) - T(common)")
    intervals = _mean_intervals(differences, protocol, streams)
    paired = paired_standardized_difference(rare, common)
    return Comparison(
        observed=float(rare.mean()),
        reference="common",
        reference_value=float(common.mean()),
        standardized=None if paired is None else paired.value,
        p_value=swapped.p_value,
        p_error=swapped.p_error,
        percentile=swapped.percentile,
        interval=intervals[0],
        interval_95=intervals[1],
        deciding_draws=draws,
        companions={
            "documents": float(differences.size),
            "standardized_low": None if paired is None else paired.low,
            "standardized_high": None if paired is None else paired.high,
            "cliffs_delta": cliffs_delta(rare, common),
        },
        ladder=(swapped,),
        draws={SWAPPED: draws},
        notes=() if intervals[0] else (_TOO_FEW,),
    )


def compare_routing(
    prediction: Prediction, evidence: Evidence, protocol: Protocol, streams: Streams
) -> Comparison:
    """Similarity of rare and common attention profiles, as a share of its noise ceiling."""
    split = evidence.evaluation
    rare, common = routing_profiles(split)
    n_documents = np.unique(split.documents).size
    halves = routing.halvings(n_documents, HALVINGS, streams("halves", prediction.id))
    everyone = np.ones((1, n_documents))
    observed = float(routing.routing_similarity_resamples(rare, common, everyone, halves)[0])
    swaps = streams("swaps", prediction.id).random((ROUTING_SWAPS, n_documents)) < 0.5
    shared = {"profiles_rare": rare, "profiles_common": common, "halves": halves}

    def resampled(weights: NDArray[Any]) -> NDArray[np.float64]:
        calls = [{**shared, "weights": weights[rows]} for rows in chunks(len(weights), _ROWS_PER_TASK)]
        return np.concatenate(in_parallel(routing.routing_similarity_resamples, calls))

    calls = [{**shared, "swaps": swaps[rows]} for rows in chunks(len(swaps), _ROWS_PER_TASK)]
    draws = np.concatenate(in_parallel(routing.routing_similarity_swaps, calls))
    swapped = compare_with_null(observed, draws, null=SWAPPED, statistic="T(rare, common)")
    reference = float(prediction.contrast.reference or 0.0)
    intervals: tuple[Interval | None, Interval | None] = (None, None)
    if n_documents >= MINIMUM_DOCUMENTS:
        weights = document_weights(n_documents, RESAMPLES, streams("documents", str(n_documents)))
        intervals = _intervals(
            observed - reference,
            resampled(weights) - reference,
            resampled(jackknife_weights(n_documents)) - reference,
            protocol,
        )
    plain = routing.routing_similarity(rare, common)
    return Comparison(
        observed=observed,
        reference="value",
        reference_value=reference,
        reference_sd=swapped.sd,
        standardized=swapped.z,
        p_value=swapped.p_value,
        p_error=swapped.p_error,
        percentile=swapped.percentile,
        interval=intervals[0],
        interval_95=intervals[1],
        deciding_draws=draws,
        companions={
            "spearman": float(np.nanmean(plain)),
            "spearman_lowest_head": float(np.nanmin(plain)),
            "noise_ceiling": float(routing.routing_reliability(rare, common, halves).mean()),
            "documents": float(n_documents),
        },
        ladder=(swapped,),
        draws={SWAPPED: draws},
        notes=("p compares with labels swapped within documents, the interval with the reference",)
        + (() if intervals[0] else (_TOO_FEW,)),
    )


def compare_top_head_share(
    prediction: Prediction,
    evidence: Evidence,
    selection: Selection,
    protocol: Protocol,
    streams: Streams,
) -> Comparison:
    """Share of the top head in the effect of all heads of its layer, against a declared share."""
    ablation = evidence.evaluation.head_ablation
    on_selection = evidence.selection.head_ablation.single.sum(axis=0, dtype=np.float64)
    group = selection.group
    top = int(heads.top_head(on_selection, group[None, :])[0])
    layers = head_layers(evidence)
    n_documents = ablation.documents.size

    def share(weights: NDArray[np.float64] | NDArray[np.int32]) -> NDArray[np.float64]:
        return heads.top_head_share(ablation.single, ablation.layer, layers, group, top, weights)

    observed = float(share(np.ones((1, n_documents)))[0])
    reference = float(prediction.contrast.reference or 0.0)
    intervals: tuple[Interval | None, Interval | None] = (None, None)
    p_value = None
    if n_documents >= MINIMUM_DOCUMENTS:
        weights = document_weights(n_documents, RESAMPLES, streams("documents", str(n_documents)))
        intervals = _intervals(
            observed - reference,
            share(weights) - reference,
            share(jackknife_weights(n_documents)) - reference,
            protocol,
        )
        one = intervals[0]
        assert one is not None  # just computed
        p_value = t_p_value((one.low + one.high) / 2, one.standard_error, one.degrees_of_freedom)
    head = evidence.heads[top]
    n_heads = sum(item.layer == head.layer for item in evidence.heads)
    return Comparison(
        observed=observed,
        reference="value",
        reference_value=reference,
        p_value=p_value,
        interval=intervals[0],
        interval_95=intervals[1],
        companions={
            "top_head_layer": float(head.layer),
            "top_head": float(head.head),
            "share_of_equal_heads": 1 / n_heads,
            "documents": float(n_documents),
        },
        notes=() if intervals[0] else (_TOO_FEW,),
    )


def attention_gini(split: SplitEvidence) -> NDArray[np.float64]:
    """Gini coefficient of every head's attention at every position, shape (n_positions, n_heads)."""
    visible = split.positions["index"].to_numpy().astype(np.int64) + 1
    return concentration.gini(split.attention, np.broadcast_to(visible[:, None], split.attention.shape[:2]))


def document_means(
    split: SplitEvidence, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Mean over each document's rare and common positions, for documents that have both.

    Returns:
        Rare and common means, shape (n_documents,), and the documents.
    """
    documents, owner = np.unique(split.documents, return_inverse=True)
    means = []
    for condition in ("rare", "common"):
        rows = split.mask(condition)
        counts = np.bincount(owner[rows], minlength=documents.size)
        sums = np.bincount(owner[rows], weights=values[rows], minlength=documents.size)
        with np.errstate(invalid="ignore"):
            means.append(sums / counts)
    both = np.isfinite(means[0]) & np.isfinite(means[1])
    return means[0][both], means[1][both], documents[both].astype(np.int64)


def routing_profiles(
    split: SplitEvidence,
) -> tuple[routing.AttentionProfiles, routing.AttentionProfiles]:
    """Attention profiles per document at rare and at common query positions."""
    documents = np.unique(split.documents)
    profiles = []
    for condition in ("rare", "common"):
        rows = split.mask(condition)
        profiles.append(
            routing.attention_profiles(
                split.attention[rows],
                split.positions["index"].to_numpy()[rows],
                split.documents[rows],
                documents,
            )
        )
    return profiles[0], profiles[1]


def head_layers(evidence: Evidence) -> NDArray[np.int64]:
    """For each head, the row of its layer in `HeadAblation.layer`."""
    order = list(dict.fromkeys(head.layer for head in evidence.heads))
    return np.array([order.index(head.layer) for head in evidence.heads])


def _regime_fit(condition: str, influences: Influences) -> RegimeFit:
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
        plateau_flatness=float(fits.plateau_flatness[0]),
        head_excess=float(fits.head_excess[0]),
        bic=tuple(fits.bic[0].tolist()),
    )


def _mean_intervals(
    differences: NDArray[np.float64], protocol: Protocol, streams: Streams
) -> tuple[Interval | None, Interval | None]:
    """Intervals of a mean over documents."""
    n_documents = differences.size
    if n_documents < MINIMUM_DOCUMENTS:
        return None, None
    weights = document_weights(n_documents, RESAMPLES, streams("documents", str(n_documents)))
    without = (differences.sum() - differences) / (n_documents - 1)
    return _intervals(float(differences.mean()), weights @ differences / n_documents, without, protocol)


def _intervals(
    estimate: float,
    replicates: NDArray[np.float64],
    jackknife: NDArray[np.float64],
    protocol: Protocol,
) -> tuple[Interval, Interval]:
    """At the level of the equivalence test, and at 95 %."""
    levels = (1 - 2 * protocol.decision.level, 0.95)
    at_level, at_95 = (
        document_interval(estimate, replicates, jackknife, len(jackknife), level) for level in levels
    )
    return at_level, at_95
