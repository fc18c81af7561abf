"""A comparison in words and numbers, for the page and the console."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import UNDEFINED, decimals_for, fixed, p_text, range_text, significant
from hypotest.studies.compare.record import Agreement, ClaimCheck, ComparedPrediction, ComparedRun, Comparison


def model_text(run: ComparedRun) -> str:
    """The model, with the revision that was asked for."""
    return run.model if run.revision is None else f"{run.model} at {run.revision}"


def decimals_of(item: ComparedPrediction) -> int:
    """Decimals that all effects of one prediction share."""
    errors = [effect.standard_error for effect in item.runs if effect.standard_error]
    return decimals_for(min(errors, default=None), tuple(effect.effect for effect in item.runs))


def weight_text(weight: float | None) -> str:
    """Weight in the pooled effect, ``51 %``; empty where there is none."""
    return "" if weight is None else f"{100 * weight:.0f} %"


INTERVALS = "intervals are of 95 %; `equivalent` rests on that of 90 %, which a run's own table shows"
"""Beneath effects, where an outcome may seem to contradict its interval."""


def pooled_line(item: ComparedPrediction) -> str:
    """How much models differ, what else is known of the pooled effect, or why there is none."""
    if item.pooled is None:
        return f"Not pooled: {item.why_not_pooled}."
    pooled, decimals = item.pooled, decimals_of(item)
    between = {"models": "models", "studies": "studies of this network"}[item.pooled_over]
    tested = "not tested" if pooled.p_heterogeneity is None else f"p {p_text(pooled.p_heterogeneity)}"
    words = [
        f"Between {between}: tau {significant(pooled.tau2**0.5)}, I² {100 * pooled.i2:.0f} %, "
        f"Q {significant(pooled.q)} on {pooled.n_effects - 1} degrees of freedom ({tested})"
    ]
    if pooled.prediction is not None:
        words.append(f"95 % prediction interval {range_text(pooled.prediction, decimals)}")
    words.append(f"difference from 0: p {p_text(item.p_value)}")
    if item.margin is not None:
        narrowest = "" if item.margins_agree else ", the narrowest of margins that differ"
        p_equivalence = p_text(item.p_equivalence)
        words.append(f"equivalence within {range_text(item.margin, decimals)}{narrowest}: p {p_equivalence}")
    if pooled.shared_errors:
        words.append("errors over documents counted as shared")
    text = "; ".join(words).replace("p <", "p < ") + "."
    return f"{text} Differences are not tested: {item.not_replications}." if item.not_replications else text


def replicability_lines(comparison: Comparison) -> list[str]:
    """What is shown in how many models, a line per prediction and outcome; of none: nothing."""
    lines = []
    for item in comparison.predictions:
        for one in item.replicability:
            if one.at_least:
                together = ""
                if one.at_least_adjusted is not None and one.at_least_adjusted != one.at_least:
                    number = f"at least {one.at_least_adjusted}" if one.at_least_adjusted else "none"
                    together = f"; corrected for the number of predictions that decide: {number}"
                lines.append(
                    f"{item.id}: {one.outcome} in at least {one.at_least} of {one.n_models} models "
                    f"(p {p_text(one.p_values[one.at_least - 1])}{together})".replace("p <", "p < ")
                )
    return lines


def untested_lines(comparison: Comparison) -> list[str]:
    """Why differences between runs are not tested; one line per reason, with the predictions it holds for."""
    by_reason: dict[str, list[str]] = {}
    for item in comparison.predictions:
        if item.not_replications:
            by_reason.setdefault(item.not_replications, []).append(item.id)
    return [
        f"{sentence_list(names)}: differences between runs are not tested, {reason}"
        for reason, names in by_reason.items()
    ]


def unpooled_lines(comparison: Comparison) -> list[str]:
    """Why predictions are not pooled; one line per reason, with the predictions that it holds for."""
    by_reason: dict[str, list[str]] = {}
    for item in comparison.predictions:
        if item.pooled is None:
            by_reason.setdefault(item.why_not_pooled, []).append(item.id)
    return [f"{sentence_list(names)}: not pooled, {reason}" for reason, names in by_reason.items()]


def count_line(checks: Sequence[ClaimCheck]) -> str:
    """How many claims agree, disagree, are open, shown or not measured; those about other models apart."""
    own = [item for item in checks if item.same_model]
    others = [item for item in checks if not item.same_model]
    parts = [
        f"{where}: {_counts(part)}."
        for where, part in (
            ("On the model and layer that they are about", own),
            ("On another model or layer (*)", others),
        )
        if part
    ]
    return " ".join([f"{len(checks)} claims held against {_runs_text(checks)}.", *parts])


_AGREEMENTS: dict[Agreement, str] = {
    "open": "the run is too uncertain to say",
    "shown": "published without a spread, so put beside the run's and not judged",
    "not measured": "the run has no such number",
}
"""Those that no reader knows from the word."""


def agreements_in_words(checks: Sequence[ClaimCheck]) -> str:
    """What *open*, *shown* and *not measured* mean, where they occur."""
    there = {item.agreement for item in checks}
    return "; ".join(f"{name}: {meaning}" for name, meaning in _AGREEMENTS.items() if name in there)


def _counts(checks: Sequence[ClaimCheck]) -> str:
    counts = Counter(item.agreement for item in checks)
    return ", ".join(f"{name} {counts[name]}" for name in get_args(Agreement) if counts[name])


def _runs_text(checks: Sequence[ClaimCheck]) -> str:
    labels = list(dict.fromkeys(item.run for item in checks))
    return f"run{'s' if len(labels) > 1 else ''} {sentence_list(labels)}"


def measured_text(item: ClaimCheck) -> str:
    """What was measured: the outcome with its effect, or the number that the claim is about."""
    if item.measured is None:
        return UNDEFINED
    number = fixed(item.measured, _decimals(item))
    return f"{item.measured_outcome} ({number})" if item.quantity == "outcome" else number


def interval_of(item: ClaimCheck) -> str:
    """Interval of the measured number; of the effect, for an outcome."""
    return "" if item.interval is None else range_text(item.interval, _decimals(item))


def _decimals(item: ClaimCheck) -> int:
    width = None if item.interval is None else (item.interval[1] - item.interval[0]) / 4
    return decimals_for(width, (item.measured or 0.0,))


def reason_lines(checks: Sequence[ClaimCheck]) -> list[str]:
    """Why claims are open or not measured; one line per reason, with the claims and runs it holds for."""
    labels = list(dict.fromkeys(item.run for item in checks))
    by_reason: dict[str, dict[str, list[str]]] = {}
    for item in checks:
        if item.reason:
            runs_of = by_reason.setdefault(f"{item.agreement}, {item.reason}", {})
            runs_of.setdefault(item.claim, []).append(item.run)
    lines = []
    for reason, runs_of in by_reason.items():
        names = [
            claim if runs == labels else f"{claim} ({', '.join(runs)})" for claim, runs in runs_of.items()
        ]
        lines.append(f"{sentence_list(names)}: {reason}")
    return lines
