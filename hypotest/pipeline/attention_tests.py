"""Attention of rare against common query positions, over documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.inference.effect_size import cliffs_delta, paired_standardized_difference
from hypotest.inference.randomization import compare_with_null, swapped_differences
from hypotest.measures import concentration, routing
from hypotest.pipeline.comparison import Comparison
from hypotest.pipeline.intervals import around, bounds, contrast_intervals, interval_p_value
from hypotest.pipeline.parallel import Workers, chunks
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.undefined import Undefined, defined
from hypotest.records.evidence import Evidence, SplitEvidence
from hypotest.records.prediction import Prediction
from hypotest.records.protocol import Protocol

SWAPS = 9999
"""Draws in which the labels of documents are swapped."""
HALVINGS = 5
"""Random halvings of the documents behind a noise ceiling."""
_ROWS_PER_TASK = 500
SWAPPED = "swapped within documents"


def compare_attention(
    prediction: Prediction, evidence: Evidence, protocol: Protocol, streams: Streams
) -> Comparison:
    """Gini coefficient of attention, rare against common query positions, paired by document."""
    gini = attention_gini(evidence.evaluation).mean(axis=1)
    rare, common, _ = document_means(evidence.evaluation, gini)
    if not rare.size:
        raise Undefined("no document of the evaluation split has a value for both conditions")
    differences = rare - common
    estimate = float(differences.mean())
    draws = swapped_differences(differences, SWAPS, streams("swaps", prediction.id))
    swapped = compare_with_null(estimate, draws, null=SWAPPED, statistic="T(rare) - T(common)")
    intervals, of_rare, of_common = (
        contrast_intervals(float(values.mean()), _weighted_mean(values), values.size, protocol, streams)
        for values in (differences, rare, common)
    )
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
            **bounds({"observed": of_rare[1], "reference": of_common[1]}),
            "documents": float(differences.size),
            "standardized_low": None if paired is None else paired.low,
            "standardized_high": None if paired is None else paired.high,
            "cliffs_delta": cliffs_delta(rare, common),
        },
        ladder=(swapped,),
        draws={SWAPPED: draws},
        notes=intervals[2],
    )


def compare_routing(
    prediction: Prediction,
    evidence: Evidence,
    protocol: Protocol,
    streams: Streams,
    workers: Workers | None = None,
) -> Comparison:
    """Similarity of rare and common attention profiles, as a share of its noise ceiling.

    p is that of t against the declared reference, with the interval's standard error. Labels swapped within
    documents, the ratio recomputed, stand beside it and do not decide: where rare and common profiles mirror
    each other, every swapped profile mirrors the other too, and p was 1 at a similarity of -1.
    """
    split, workers = evidence.evaluation, workers or Workers()
    rare, common = routing_profiles(split)
    n_documents = np.unique(split.documents).size
    halves = routing.halvings(n_documents, HALVINGS, streams("halves", prediction.id))
    everyone = np.ones((1, n_documents))
    observed = float(routing.routing_similarity_resamples(rare, common, everyone, halves)[0])
    defined(
        observed,
        f"no head attends alike in two halves of the {n_documents} documents, or they share fewer than three "
        "distances; more positions may help",
    )
    # as many as document resamples, which cost the same: these swaps only stand beside the test
    swaps = streams("swaps", prediction.id).random((protocol.intervals.resamples, n_documents)) < 0.5
    shared = {"profiles_rare": rare, "profiles_common": common, "halves": halves}

    def resampled(weights: NDArray[Any]) -> NDArray[np.float64]:
        calls = [{**shared, "weights": weights[rows]} for rows in chunks(len(weights), _ROWS_PER_TASK)]
        return np.concatenate(
            workers(
                f"{prediction.id}: {len(weights):,} document resamples",
                routing.routing_similarity_resamples,
                calls,
            )
        )

    calls = [{**shared, "swaps": swaps[rows]} for rows in chunks(len(swaps), _ROWS_PER_TASK)]
    draws = np.concatenate(
        workers(f"{prediction.id}: swapped labels", routing.routing_similarity_swaps, calls)
    )
    swapped = compare_with_null(observed, draws, null=SWAPPED, statistic="T(rare, common)")
    reference = float(prediction.contrast.reference or 0.0)
    intervals = contrast_intervals(
        observed - reference,
        lambda weights: resampled(weights) - reference,
        n_documents,
        protocol,
        streams,
    )
    plain = routing.routing_similarity(rare, common)
    spearman = float(np.nanmean(plain))
    correlation = contrast_intervals(
        spearman,
        lambda weights: routing.routing_correlation_resamples(rare, common, weights),
        n_documents,
        protocol,
        streams,
    )[1]
    if correlation is not None:  # lowered by noise as others' is
        correlation = around(correlation, spearman)
    return Comparison(
        observed=observed,
        reference="value",
        reference_value=reference,
        reference_sd=swapped.sd,
        standardized=swapped.z,
        p_value=None if intervals[0] is None else interval_p_value(intervals[0]),
        interval=intervals[0],
        interval_95=intervals[1],
        companions={
            "spearman": spearman,
            **bounds({"spearman": correlation}),
            "spearman_lowest_head": float(np.nanmin(plain)),
            "noise_ceiling": float(routing.routing_reliability(rare, common, halves).mean()),
            "documents": float(n_documents),
        },
        ladder=(swapped,),
        draws={SWAPPED: draws},
        notes=intervals[2],
    )


def _weighted_mean(values: NDArray[np.float64]) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """The mean over documents, given how often each was drawn."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def attention_gini(split: SplitEvidence) -> NDArray[np.float64]:
    """Gini coefficient of every head's attention at every position, shape (n_positions, n_heads)."""
    last = split.indices[:, None] + 1
    visible = np.minimum(last, split.head_windows[None, :])
    return concentration.gini(split.attention, visible, first=last - visible)


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
                split.indices[rows],
                split.documents[rows],
                documents,
                split.head_windows,
            )
        )
    return profiles[0], profiles[1]
