"""Routing similarity: whether the heads look around alike in both conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hypotest.measures.measure import ConditionMeasure, Words
from hypotest.nulls.form import Form
from hypotest.records.design import SWAPPED

if TYPE_CHECKING:
    from hypotest.engine.streams import Streams
    from hypotest.records.arrays import IntArray
    from hypotest.records.evidence import Evidence
    from hypotest.records.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

HALVINGS = 5
"""Random halvings of the documents behind a noise ceiling."""
_ROWS_PER_TASK = 500

WORDS = Words(
    title="similarity of attention routing",
    unit="share of the noise ceiling",
    what=(
        "how alike the attention heads look around for {first} and for {second} targets, as a share of"
        " what two halves of the same data agree on"
    ),
    less="less alike: {first} targets take ways of their own",
    greater="more alike",
    label="routing similarity (share of the noise ceiling)",
    question="Do the attention heads look at the same places for {first} targets as for {second} ones?",
    method=(
        "routing similarity is the Spearman correlation of mean attention profiles, as a share of"
        " the split-half noise ceiling"
    ),
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """Similarity of the attention profiles of both conditions, as a share of its noise ceiling.

    p is that of t against the declared reference, with the interval's standard error. Labels swapped within
    documents, the ratio recomputed, stand beside it and do not decide: where both profiles mirror
    each other, every swapped profile mirrors the other too, and p was 1 at a similarity of -1.
    """
    from hypotest.engine.workers import chunks
    from hypotest.estimators import routing
    from hypotest.inference.randomization import compare_with_null
    from hypotest.testing.attention import routing_profiles
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.intervals import around, contrast_intervals, interval_p_value, secondary
    from hypotest.testing.undefined import defined

    split, protocol = task.evidence.evaluation, task.protocol
    streams, workers = task.streams, task.session.workers
    first, second = routing_profiles(split)
    n_documents = np.unique(split.documents).size
    halves = routing.halvings(n_documents, HALVINGS, streams("halves", prediction.id))
    everyone = np.ones((1, n_documents))
    observed = float(routing.routing_similarity_resamples(first, second, everyone, halves)[0])
    defined(
        observed,
        f"no head attends alike in two halves of the {n_documents} documents, or they share fewer than three "
        "distances; more positions may help",
    )
    # as many as document resamples, which cost the same: these swaps only stand beside the test
    swaps = streams("swaps", prediction.id).random((protocol.intervals.resamples, n_documents)) < 0.5
    shared = {"profiles_first": first, "profiles_second": second, "halves": halves}

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
    swapped = compare_with_null(
        observed, draws, null=SWAPPED, statistic=f"T({split.conditions.first}, {split.conditions.second})"
    )
    reference = float(prediction.contrast.reference or 0.0)
    intervals = contrast_intervals(
        observed - reference,
        lambda weights: resampled(weights) - reference,
        n_documents,
        protocol,
        streams,
    )
    plain = routing.routing_similarity(first, second)
    spearman = float(np.nanmean(plain))
    correlation = contrast_intervals(
        spearman,
        lambda weights: routing.routing_correlation_resamples(first, second, weights),
        n_documents,
        protocol,
        streams,
    )[1]
    if correlation is not None:  # lowered by noise as others' is
        correlation = around(correlation, spearman)
    return MeasuredContrast(
        observed=observed,
        reference="value",
        reference_value=reference,
        reference_sd=swapped.sd,
        standardized=swapped.z,
        p_value=None if intervals[0] is None else interval_p_value(intervals[0]),
        interval=intervals[0],
        interval_95=intervals[1],
        secondary=secondary(
            {
                "spearman": spearman,
                "spearman_lowest_head": float(np.nanmin(plain)),
                "noise_ceiling": float(routing.routing_reliability(first, second, halves).mean()),
                "documents": float(n_documents),
            },
            spearman=correlation,
        ),
        ladder=(swapped,),
        draws={SWAPPED: draws},
        notes=intervals[2],
    )


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The ratio less the declared reference."""
    from hypotest.estimators import routing
    from hypotest.testing.attention import routing_profiles

    profiles = routing_profiles(evidence.evaluation)
    n_documents = np.unique(evidence.evaluation.documents).size
    halves = routing.halvings(n_documents, HALVINGS, streams("truth, halves"))
    ones = np.ones((1, n_documents))
    found = float(routing.routing_similarity_resamples(*profiles, ones, halves)[0])
    return found - float(prediction.contrast.reference or 0.0)


def types_held_fixed(evidence: Evidence, group: IntArray) -> Iterator[str]:
    """What halves of the documents cannot see."""
    yield (
        "Routing's noise ceiling and interval are over documents, with the same token types in both halves. "
        "Where attention differs from type to type, the ceiling is too high and similarity falls below 1 "
        "although only the sample of types differs (in simulation 30 % of true nulls at 5 %); small "
        "differences from 1 are no evidence."
    )


MEASURE = ConditionMeasure(
    name="routing_similarity",
    words=WORDS,
    figure="routing",
    depends_on=("percentile", "of"),  # attention is read without any ablation
    level="conditions",
    contrasts=(Form.REFERENCE,),
    compared=compare,
    effect=effect,
    no_difference=1.0,
    limits=types_held_fixed,
)
