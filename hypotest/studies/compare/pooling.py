"""Predictions of several runs beside each other: on one scale, and pooled over models where that is fair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hypotest.inference.equivalence import classify, equivalence_p, t_p_value
from hypotest.inference.meta_analysis import MetaAnalysis, pool_effects
from hypotest.measures.registry import MEASURES, filled_options
from hypotest.records.protocol.prediction import Outcome
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.texts import CorpusHub
from hypotest.records.results.prediction_result import Interval, PredictionResult
from hypotest.records.results.results import Results
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import opponent_text
from hypotest.studies.compare.record import ComparedPrediction, RunEffect
from hypotest.studies.compare.replication import (
    FIXED_GROUP,
    WHAT_TO_DO,
    bounds_of,
    errors_of,
    estimate_of,
    replicated,
)


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run under the label that the comparison gives it."""

    label: str
    results: Results
    plan: Protocol
    hashes: Mapping[str, Any]
    """Of the manifest: ``weights``, ``text``, ..."""

    @property
    def weights(self) -> Any:
        """Hash of the model's weights: what makes it a model of its own."""
        return self.hashes.get("weights")

    @property
    def texts(self) -> frozenset[str]:
        """What it read: hashes of the texts, and the data set of the Hub that they are part of."""
        text = self.hashes.get("text")
        hashes = frozenset(map(str, text.values())) if isinstance(text, Mapping) else frozenset()
        text = self.plan.corpus and self.plan.corpus.text
        if not isinstance(text, CorpusHub):
            return hashes
        return hashes | {f"{text.hub} {text.config} {text.split}"}

    def result(self, prediction: str) -> PredictionResult | None:
        """The result of the prediction of that name."""
        return next((item for item in self.results.predictions if item.id == prediction), None)

    def question(self, prediction: str) -> dict[str, str]:
        """What it asks, in words: measure, options with defaults filled in, contrast, unit of shuffling."""
        plan = next(item for item in self.plan.predictions if item.id == prediction)
        result = self.result(prediction)
        contrast = plan.contrast.model_dump(mode="json", exclude_none=True)
        parts = {"measure": plan.measure, "options": filled_options(plan), "contrast": contrast}
        reference = "" if result is None else result.against
        return {**{name: _in_words(value) for name, value in parts.items()}, "reference": reference}


def compare_predictions(runs: Sequence[OpenedRun], level: float) -> tuple[ComparedPrediction, ...]:
    """Every prediction of the runs, in the order of the first run that has it.

    Effects are compared, and pooled over models, where measure, options and contrast are the same; runs
    whose prediction of that name asks something else follow on their own. Against a null effects are in SDs
    of that null, since raw units depend on the size of the group (more neurons have more dimensions); the SD
    counts as known. Otherwise they are in the measure's own unit. The estimate is the centre of the run's
    interval, as in its test of equivalence: it is corrected for the bias of resampling documents, which
    would not average out over models.

    Errors are those of another study, with the group selected again, where runs have them. Runs of one
    network on texts of their own are studies of it: they are pooled as such, in the measure's own unit.

    Args:
        runs: Their labels differ.
        level: Significance level of pooled outcomes.
    """
    names = dict.fromkeys(item.id for run in runs for item in run.results.predictions)
    asked: list[tuple[str, list[OpenedRun], str]] = []
    for name in names:
        having = [run for run in runs if run.result(name) is not None]
        by_question: dict[tuple[str, ...], list[OpenedRun]] = {}
        for run in having:
            by_question.setdefault(tuple(run.question(name).values()), []).append(run)
        asked += [(name, same, _alone(name, same, having)) for same in by_question.values()]
    n_tests = sum(len(same) > 1 and _decides(name, same) for name, same, _ in asked)
    return tuple(_compared(name, same, level, alone, n_tests) for name, same, alone in asked)


def _against(results: Sequence[PredictionResult]) -> str:
    """What they are all compared with; of a number that the protocol gives, which."""
    first = results[0]
    numbers = {item.reference_value for item in results if item.reference_value is not None}
    if first.reference != "value" or len(numbers) != 1:
        return opponent_text(first.against)
    return f"{numbers.pop():g}, declared"


def _decides(name: str, runs: Sequence[OpenedRun]) -> bool:
    return any(item.role == "deciding" for run in runs if (item := run.result(name)) is not None)


def _alone(name: str, same: Sequence[OpenedRun], having: Sequence[OpenedRun]) -> str:
    """Why a run has no partner: what it asks otherwise than runs with a prediction of the same name."""
    if len(same) > 1:
        return ""
    if len(having) == 1:
        return f"only {same[0].label} has it"
    asked = [run.question(name) for run in having]
    own = same[0].question(name)
    differing = [part for part in own if part != "reference" and any(one[part] != own[part] for one in asked)]
    parts = differing or ["reference"]
    return f"only {same[0].label} asks with {', '.join(f'{part} {own[part]}' for part in parts)}"


def _compared(
    name: str, runs: Sequence[OpenedRun], level: float, alone: str, n_tests: int
) -> ComparedPrediction:
    results = [item for run in runs if (item := run.result(name)) is not None]
    first = results[0]
    studies = are_studies(runs)
    in_sds = not studies and all(item.null_sd is not None for item in results if item.outcome != "undefined")
    scales = [item.null_sd or 1.0 if in_sds else 1.0 for item in results]
    reasons = [
        _why_not(run, () if studies else runs[:place], item, studies)
        for place, (run, item) in enumerate(zip(runs, results, strict=True))
    ]
    places = [place for place, reason in enumerate(reasons) if not reason]
    pooled = None
    if len(places) > 1:
        estimates = [estimate_of(results[place], scales[place]) for place in places]
        pooled = _pool(estimates, _share_text([runs[place] for place in places]))
    fixed = [runs[place].label for place in places if errors_of(results[place]) == "fixed group"]
    not_replications = ""
    if pooled is not None and fixed:
        pooled = replace(pooled, p_heterogeneity=None)
        not_replications = f"{sentence_list(fixed)} {FIXED_GROUP}"
    refused = alone or _nothing_left(runs, reasons)
    having = [place for place, item in enumerate(results) if item.outcome != "undefined"]
    margins = [_scaled(results[place].margin, scales[place]) for place in places or having]
    margin, agree = _common_margin(margins)
    outcome, p_value, p_equivalence = _outcome(pooled, margin, level)
    unit = "the measure's unit"
    if first.measure in MEASURES:
        unit = MEASURES[first.measure].words.of(runs[0].plan.names).unit
    weights = dict(zip(places, pooled.weights, strict=True)) if pooled else {}
    return ComparedPrediction(
        id=name,
        measure=first.measure,
        title=first.title,
        against=_against(results),
        scale="SDs of the null" if in_sds else unit,
        runs=tuple(
            _effect(run.label, item, scale, weights.get(place), reasons[place])
            for place, (run, item, scale) in enumerate(zip(runs, results, scales, strict=True))
        ),
        pooled=pooled,
        why_not_pooled="" if pooled else refused,
        margin=margin,
        margins_agree=agree,
        outcome=outcome,
        p_value=p_value,
        p_equivalence=p_equivalence,
        pooled_over="studies" if studies else "models",
        not_replications=not_replications,
        replicability=() if studies else replicated(_apart(runs, results), level, n_tests),
    )


def _nothing_left(runs: Sequence[OpenedRun], reasons: Sequence[str]) -> str:
    """Why there are not two effects to pool."""
    if len(set(reasons)) == 1:
        return (
            f"each has {reasons[0]}"
            if reasons[0].startswith(("no ", "an ", "errors "))
            else f"each is {reasons[0]}"
        )
    said = [f"{run.label}: {reason}" for run, reason in zip(runs, reasons, strict=True) if reason]
    return f"fewer than two effects are left ({'; '.join(said)})"


def _effect(label: str, item: PredictionResult, scale: float, weight: float | None, reason: str) -> RunEffect:
    estimate = estimate_of(item, scale)
    return RunEffect(
        run=label,
        outcome=item.outcome,
        effect=_plain_effect(item, scale) if estimate is None else estimate[0],
        standard_error=None if estimate is None else estimate[1],
        errors_of=errors_of(item),
        interval=_scaled(bounds_of(item), scale),
        weight=weight,
        why_not_pooled=reason,
    )


def _plain_effect(item: PredictionResult, scale: float) -> float | None:
    return None if item.effect is None else item.effect / scale


def _pool(estimates: Sequence[tuple[float, float] | None], shared: bool) -> MetaAnalysis:
    effects, errors = zip(*(item for item in estimates if item is not None), strict=True)
    return pool_effects(np.array(effects), np.array(errors), shared_errors=shared)


def _why_not(run: OpenedRun, before: Sequence[OpenedRun], item: PredictionResult, studies: bool) -> str:
    """Why the effect of a run cannot be pooled; empty if it can."""
    twin = next((other for other in before if _same_model(run, other)), None)
    if twin is not None:
        same = "the same weights as" if run.weights == twin.weights else "another checkpoint of the model of"
        return f"{same} {twin.label}: not another model"
    if item.outcome == "undefined":
        return "undefined"
    estimate = estimate_of(item, 1.0)
    if estimate is None:
        return "no interval over documents"
    if estimate[1] <= 0:
        return "an interval of no width"
    if studies and errors_of(item) == "fixed group":
        return f"errors of a fixed group only, no replication: {WHAT_TO_DO}"
    return ""


def are_studies(runs: Sequence[OpenedRun]) -> bool:
    """Whether all runs are studies of one network, each on texts of its own: replications."""
    networks = {(run.weights, run.results.subject.get("layer")) for run in runs}
    return (
        len(runs) > 1
        and len(networks) == 1
        and runs[0].weights is not None
        and not _share_text(runs)
        and all(run.texts for run in runs)
    )


def _apart(runs: Sequence[OpenedRun], results: Sequence[PredictionResult]) -> list[PredictionResult]:
    """Of each model the first."""
    return [
        item
        for place, (run, item) in enumerate(zip(runs, results, strict=True))
        if not any(_same_model(run, other) for other in runs[:place])
    ]


def _same_model(one: OpenedRun, other: OpenedRun) -> bool:
    """Whether they are one model: the same weights, or two checkpoints of one training."""
    if one.weights is not None and one.weights == other.weights:
        return True
    subjects = one.plan.subject, other.plan.subject
    return subjects[0].model == subjects[1].model and subjects[0].revision != subjects[1].revision


def _share_text(runs: Sequence[OpenedRun]) -> bool:
    return any(one.texts & other.texts for place, one in enumerate(runs) for other in runs[:place])


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_in_words(item)}" for name, item in value.items()) + "}"
    return f"[{', '.join(map(_in_words, value))}]" if isinstance(value, list) else str(value)


def _scaled(bounds: tuple[float, float] | None, scale: float) -> tuple[float, float] | None:
    return None if bounds is None else (bounds[0] / scale, bounds[1] / scale)


def _common_margin(
    margins: Sequence[tuple[float, float] | None],
) -> tuple[tuple[float, float] | None, bool]:
    """What counts as equivalent in every run, and whether that is the margin of each of them."""
    known = [item for item in margins if item is not None]
    if not known or len(known) < len(margins):
        return None, not known
    common = max(low for low, _ in known), min(high for _, high in known)
    return common, bool(np.allclose(known, [common] * len(known), rtol=1e-6, atol=0))


def _outcome(
    pooled: MetaAnalysis | None, margin: tuple[float, float] | None, level: float
) -> tuple[Outcome | None, float | None, float | None]:
    """Outcome of the pooled effect, its p-value and that of equivalence, all on Student's t."""
    if pooled is None:
        return None, None, None
    interval: Interval = pooled.interval_95
    p_value = t_p_value(pooled.effect, interval.standard_error, interval.degrees_of_freedom)
    outcome, _ = classify(
        effect=pooled.effect, p_value=p_value, interval=interval, margin=margin, level=level
    )
    return outcome, p_value, None if margin is None else equivalence_p(interval, margin)
