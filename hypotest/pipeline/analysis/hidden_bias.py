"""What would overturn a significant p-value: a hidden cause of membership in the group, and how strong."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import polars as pl

from hypotest.ladder.against_nulls import is_drawn
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.registry import declared_null
from hypotest.pipeline.analysis.analysis import Analysis
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.results.hidden_bias import HiddenBias
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.testing.task import Tested
from hypotest.testing.undefined import NO_VALUE


def with_hidden_bias(analysis: Analysis) -> tuple[PredictionResult, ...]:
    """The predictions; those that are significant against a null that has such a measure, with it."""
    task = analysis.task
    session = task.session
    step = session.stage("hidden bias", 1)
    results = [
        replace(result, hidden_bias=_of_prediction(item, result, analysis))
        for item, result in zip(task.protocol.predictions, analysis.predictions, strict=True)
    ]
    step()
    return tuple(results)


def _of_prediction(item: Prediction, result: PredictionResult, analysis: Analysis) -> HiddenBias | None:
    task, measure = analysis.task, measure_of(item)
    declared = declared_null(task.protocol, item.contrast.null)
    if (
        declared is None
        or declared.null.sensitivity is None
        or not isinstance(measure, GroupMeasure)
        or item.role == "descriptive"
        or not is_drawn(task, declared)
        or result.p_value is None
        or result.p_value > task.protocol.decision.level
        or result.ladder[0].blocked is not None
    ):
        return None
    draws = analysis.nulls.filter(pl.col("prediction") == item.id, pl.col("null") == result.ladder[0].key)
    values = draws.sort("draw")["value"].fill_null(float("nan")).to_numpy()
    with suppress(*NO_VALUE):  # it stands beside the test, which does not need it
        bound = measure.tied(item, task.evidence, task.session)
        observed = float(bound.values(task.selection.group[None, :])[0])
        tested = Tested(item, bound, observed, task, measure.decided_by_labels)
        return declared.null.sensitivity(tested, task.drawn[declared.name], values)
    return None
