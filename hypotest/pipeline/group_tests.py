"""Group measures against the ladder of nulls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.groups.nulls import size_matched
from hypotest.inference.bootstrap import (
    MINIMUM_DOCUMENTS,
    contrast_interval,
    document_interval,
    document_weights,
    jackknife_weights,
)
from hypotest.inference.randomization import compare_with_null
from hypotest.pipeline.comparison import Comparison
from hypotest.pipeline.group_measures import GroupMeasure
from hypotest.pipeline.intervals import RESAMPLES
from hypotest.pipeline.parallel import Values
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import Selection
from hypotest.pipeline.shuffled import Shuffled, compare_shuffled
from hypotest.records.evidence import IntArray
from hypotest.records.protocol import Prediction, Protocol
from hypotest.records.results import Interval, NullComparison

CONTROL_GROUPS = 20
"""Random groups that tell how a null's mean moves with the documents."""
CONTROL_RESAMPLES = 500
_MOST_UNDEFINED = 0.05  # above this share, undefined draws are not redrawn but count as extreme
_FIXED_EVALUATION = (
    "the evaluation split keeps its labels while those of the selection split are shuffled: token types "
    "that occur in both can make this p-value too small"
)


def compare_group(
    prediction: Prediction,
    measure: GroupMeasure,
    selection: Selection,
    random_groups: IntArray,
    n_neurons: int,
    protocol: Protocol,
    streams: Streams,
) -> Comparison:
    """Measure the group, measure every null of the protocol, and compare with the deciding one.

    Args:
        prediction: What is asked.
        measure: Its measure, tied to the evidence.
        selection: The group, and its versions under shuffled labels.
        random_groups: From `draw_random_groups`, the same for every measure.
        n_neurons: Neurons in the layer.
        protocol: The nulls and the level.
        streams: Random numbers.

    Raises:
        EvidenceError: If the measure is undefined for the group.
    """
    group = selection.group
    observed = float(measure.values(group[None, :])[0])
    if not np.isfinite(observed):
        raise EvidenceError(
            f"predictions.{prediction.id}: {prediction.measure} is undefined for this group of {len(group)} "
            "neurons (no variation, or too few of them); choose a larger group"
        )
    random_values = None
    if protocol.nulls.size_matched is not None:
        random_groups, random_values = _random_values(measure, random_groups, n_neurons, streams)
    ladder: dict[str, NullComparison] = {}
    draws: dict[str, Values] = {}
    if random_values is not None:
        draws["size_matched"] = random_values
        ladder["size_matched"] = compare_with_null(observed, random_values, null="size_matched")
    shuffled = [compare_shuffled(item, measure, selection, n_neurons, streams) for item in selection.shuffled]
    for item in shuffled:
        draws[item.name] = item.draws
        ladder[item.name] = compare_with_null(
            item.observed,
            item.draws,
            null=item.name,
            statistic=item.statistic,
            log10_relabellings=item.log10_relabellings,
        )

    by_labels = prediction.contrast.null == "label_shuffled"
    name = shuffled[0].name if by_labels else "size_matched"
    decisive = ladder.pop(name)
    interval, notes = _intervals(
        measure,
        selection,
        decisive,
        shuffled[0] if by_labels else None,
        random_groups,
        protocol,
        streams,
    )
    if by_labels and measure.under_labels is None:
        notes = (*notes, _FIXED_EVALUATION)
    companions = dict(measure.companions(group))
    if by_labels:
        companions = {
            "group": observed,
            "common_group": float(measure.values(selection.common[None, :])[0]),
            **companions,
        }
    return Comparison(
        observed=decisive.observed,
        reference=name,
        reference_value=decisive.mean,
        reference_sd=decisive.sd,
        standardized=decisive.z,
        p_value=decisive.p_value,
        p_error=decisive.p_error,
        percentile=decisive.percentile,
        interval=interval(1 - 2 * protocol.decision.level) if interval else None,
        interval_95=interval(0.95) if interval else None,
        size_matched=random_values,
        deciding_draws=draws[name],
        point_only=interval is None and measure.documents.size == 0,
        companions=companions,
        ladder=(decisive, *ladder.values()),
        draws=draws,
        notes=notes,
    )


def draw_random_groups(size: int, n_neurons: int, protocol: Protocol, streams: Streams) -> NDArray[np.int64]:
    """Size-matched groups: all of the null's, or the few that intervals need when it is not declared."""
    null = protocol.nulls.size_matched
    n_draws = CONTROL_GROUPS if null is None else null.draws
    return size_matched(n_neurons, size, n_draws, streams("size_matched", str(size)))


def _random_values(
    measure: GroupMeasure, random_groups: IntArray, n_neurons: int, streams: Streams
) -> tuple[NDArray[np.int64], Values]:
    """Groups and their values, where a few undefined ones have been drawn again."""
    groups = random_groups.astype(np.int64)
    values = measure.values(groups)
    undefined = np.isnan(values)
    if undefined.mean() <= _MOST_UNDEFINED:
        size = groups.shape[1]
        rng = streams("size_matched, redrawn", str(size))
        while undefined.any():  # each round leaves at most a few per cent of the last one
            groups[undefined] = size_matched(n_neurons, size, int(undefined.sum()), rng)
            values[undefined] = measure.values(groups[undefined])
            undefined = np.isnan(values)
    return groups, values


def _intervals(
    measure: GroupMeasure,
    selection: Selection,
    decisive: NullComparison,
    shuffled: Shuffled | None,
    random_groups: IntArray,
    protocol: Protocol,
    streams: Streams,
) -> tuple[Callable[[float], Interval] | None, tuple[str, ...]]:
    """The effect's interval over documents as a function of its level, or why there is none."""
    if measure.resamples is None:
        return None, (measure.no_interval,)
    n_documents = measure.documents.size
    if n_documents < MINIMUM_DOCUMENTS:
        return None, (
            f"{n_documents} documents are too few for an interval ({MINIMUM_DOCUMENTS} are needed)",
        )
    weights = document_weights(n_documents, RESAMPLES, streams("documents", str(n_documents)))
    leave_one_out = jackknife_weights(n_documents)
    monte_carlo = decisive.sd**2 / decisive.n_draws
    resamples = measure.resamples
    if shuffled is not None:
        arms = (selection.group, selection.common)
        replicates, jackknife = (
            shuffled.scale(resamples(arms[0][None, :], rows)[0], len(arms[0]))
            - shuffled.scale(resamples(arms[1][None, :], rows)[0], len(arms[1]))
            for rows in (weights, leave_one_out)
        )
        return (
            lambda level: document_interval(
                decisive.observed - decisive.mean,
                replicates - decisive.mean,
                jackknife - decisive.mean,
                n_documents,
                level,
                extra_variance=monte_carlo,
            ),
            (),
        )
    group = selection.group[None, :]
    controls = random_groups[:CONTROL_GROUPS]
    own, without = resamples(group, weights)[0], resamples(group, leave_one_out)[0]
    control_values = measure.values(controls)
    control_resamples = resamples(controls, weights[:CONTROL_RESAMPLES])
    return (
        lambda level: contrast_interval(
            decisive.observed,
            decisive.mean,
            own,
            without,
            control_values,
            control_resamples,
            level,
            null_mean_variance=monte_carlo,
        ),
        (),
    )
