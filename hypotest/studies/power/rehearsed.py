"""From rehearsed analyses to what the power of their predictions rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.measures.registry import MEASURES
from hypotest.pipeline.analysis.analysis import Analysis
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.studies.power.basis import PowerBasis


def power_bases(
    plan: Protocol,
    predictions: Iterable[Prediction],
    analysis: Analysis,
    spread_ratios: Mapping[str, tuple[float, float]],
    measuring: int,
    documents_with_heads: Callable[[int], int],
    *,
    declared: bool,
) -> Iterator[PowerBasis]:
    """Take from an analysis what the power of its predictions rests on.

    Args:
        plan: The protocol.
        predictions: Which of them.
        analysis: Of one half of the selection split, the group selected on the other.
        spread_ratios: From `compare_halved`, of the declared group.
        measuring: Documents behind `analysis`.
        documents_with_heads: From documents of a split to those in which heads are ablated.
        declared: Whether the group is the one that the protocol's own rule selects.
    """
    by_id = {item.id: item for item in analysis.predictions}
    for prediction in predictions:
        result = by_id[prediction.id]
        if result.outcome == "undefined":  # said in the notes; there is nothing to predict from
            continue
        level = MEASURES[prediction.measure].level
        n_measured = measuring if result.interval is None else result.interval.degrees_of_freedom + 1

        def measured_of(documents: int, n_measured: int = n_measured) -> int:
            return max(2, round(documents * n_measured / measuring))

        draws = None
        if prediction.contrast.null is not None:
            draws = _draws(analysis, result)
            draws = draws - np.nanmean(draws)
        spread, margin_spread = spread_ratios.get(prediction.id, (1.0, 1.0))
        yield PowerBasis(
            prediction=prediction,
            compared_with=result.reference,
            group_size=None if level == "conditions" else len(analysis.task.selection.group),
            declared=declared,
            draws=draws,
            standard_error=None if result.interval is None else result.interval.standard_error,
            n_measured=n_measured,
            measured_of=documents_with_heads if level == "heads" else measured_of,
            spread_ratio=spread,
            margin=None if result.margin is None else result.margin[1],
            margin_spread_ratio=margin_spread,
            notes=_notes(result, draws),
        )


def compare_halved(
    plan: Protocol, whole: Analysis, halved: Analysis | None
) -> dict[str, tuple[float, float]]:
    """How much wider nulls, and margins in their SDs, are with half of the documents.

    Args:
        plan: The protocol; weights have no documents.
        whole: With all documents at hand.
        halved: With half of them; without, nothing is said.

    Returns:
        Per prediction with a null, SD and margin as shares of those with all documents.
    """
    if halved is None:
        return {}
    wholes = {item.id: item for item in whole.predictions}
    measured = {item.id for item in plan.predictions if MEASURES[item.measure].level != "weights"}
    ratios = {}
    for item in halved.predictions:
        other = wholes.get(item.id)
        if other is None or "undefined" in (item.outcome, other.outcome):
            continue
        if item.id in measured and item.ladder and other.ladder and other.ladder[0].sd > 0:
            margins = (item.margin, other.margin)
            ratios[item.id] = (
                item.ladder[0].sd / other.ladder[0].sd,
                margins[0][1] / margins[1][1] if margins[0] and margins[1] and margins[1][1] > 0 else 1.0,
            )
    return ratios


def _draws(analysis: Analysis, result: PredictionResult) -> NDArray[np.float64]:
    mine = analysis.nulls.filter(
        (pl.col("prediction") == result.id) & (pl.col("null") == result.ladder[0].id)
    )
    return np.asarray(mine["value"].to_numpy(), dtype=np.float64)


def _notes(result: PredictionResult, draws: NDArray[np.float64] | None) -> tuple[str, ...]:
    notes = []
    if result.interval is None and draws is None:
        notes.append(f"no interval, so nothing can be foreseen: {'; '.join(result.notes)}")
    return tuple(notes)
