"""What the intervals of an analysis are intervals for, in a simulated layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hypotest.engine.session import Session
from hypotest.measures.measure import ConditionMeasure, GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, declared_null, form_of
from hypotest.pipeline.analysis.analysis import Analysis
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.studies.calibration.documents import joined
from hypotest.testing.task import Task, Tested
from hypotest.testing.undefined import NO_VALUE


@dataclass(frozen=True, slots=True)
class TrueEffect:
    """A true effect, over new documents and new types."""

    at_large: float
    """In as much text as there is."""
    at_this_size: float
    """On average over texts as long as the analysed one: what biases of finite text add is in it."""


def true_effects(analysis: Analysis, texts: Sequence[Evidence], n_groups: int) -> dict[str, TrueEffect]:
    """The truth behind an analysis.

    The estimand is T(G) - mean T(null) for the group at hand, in the layer at hand, over the population of
    documents and of token types: here the same contrast on other texts of the same layer. Against shuffled
    labels the null's mean is the analysis' own, as it is in the interval; bins of neighbours are those of the
    selection split.

    Args:
        analysis: Its group is kept.
        texts: The same layer and selection split, measured on other documents with other types.
        n_groups: Random groups behind the mean of a null, in all.

    Returns:
        Prediction -> truth, where there is an interval.
    """
    plan, truths = analysis.task.protocol, {}
    whole = _Text(analysis, joined(list(texts)), "all", n_groups)
    parts = [
        _Text(analysis, text, str(number), -(-n_groups // len(texts))) for number, text in enumerate(texts)
    ]
    for item, result in zip(plan.predictions, analysis.predictions, strict=True):
        if result.interval is None:
            continue
        try:
            here = [part.effect(item, result) for part in parts]
            truths[item.id] = TrueEffect(whole.effect(item, result), float(np.mean(here)))
        except NO_VALUE:  # in a text of few documents, say
            continue
    return truths


class _Text:
    """Another text, with what was drawn in it."""

    def __init__(self, analysis: Analysis, evidence: Evidence, name: str, n_groups: int) -> None:
        seed = int(analysis.task.streams("truth", name).integers(2**62))
        self._task: Task = replace(analysis.task, evidence=evidence, session=Session.start(seed), drawn={})
        self._n_groups = n_groups

    def effect(self, item: Prediction, result: PredictionResult) -> float:
        """The contrast of a prediction in this text."""
        task, measure = self._task, measure_of(item)
        group = task.selection.group
        if isinstance(measure, ConditionMeasure):
            assert measure.effect is not None  # the result has an interval
            return measure.effect(item, task.evidence, group, task.streams)
        assert isinstance(measure, GroupMeasure)  # there are no others
        bound = measure.tied(item, task.evidence, task.session)
        tested = Tested(item, bound, float(bound.values(group[None, :])[0]), task, measure.decided_by_labels)
        if form_of(item.contrast) is Form.LABELS and result.reference_value is not None:
            return tested.observed - result.reference_value
        assert item.contrast.null is not None  # a group measure with an interval
        return tested.observed - self._null(item.contrast.null, tested)[0]

    def _null(self, name: str, tested: Tested) -> tuple[float, float]:
        """Mean and SD of a null in this text."""
        declared = declared_null(self._task.protocol, name)
        null, options = NULLS[name], NULLS[name].options() if declared is None else declared.options
        options = null.drawn_often(options, self._n_groups)
        if name not in self._task.drawn:
            state = null.prepare(options, self._task)
            self._task = replace(self._task, drawn={**self._task.drawn, name: state})
        compared = null.compare(tested, options, self._task.drawn[name], "").comparison
        return compared.mean, compared.sd
