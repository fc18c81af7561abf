"""What figures show, in words and numbers, for those who cannot see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import median

from hypotest.records.results.figure_data import (
    FrequencyCurve,
    HeadResult,
    LayerInfluence,
    RegimeFit,
    Spectrum,
)
from hypotest.records.results.group_result import Member
from hypotest.records.results.prediction_result import PredictionResult, SecondaryNumber
from hypotest.records.results.results import Results
from hypotest.report.figures.curves import elbow_window
from hypotest.report.figures.nulls import Draws, modes_text
from hypotest.report.ladder import EQUIVALENCE_SIGN, Step, ladder_of
from hypotest.report.numbers import DECLARED_VALUE, count_text, decimals_for, fixed, range_text, significant

OUTCOME_WORDS = {
    "less": "below",
    "greater": "above",
    "equivalent": "inside the margin of",
    "inconclusive": "not told apart from",
    "undefined": "without a value against",
}
"""Outcome -> where the group lies; the opponent follows."""


def estimate_in_words(item: PredictionResult, observed: float, reference: float) -> str:
    """The value, its intervals, and what it is compared with."""
    uncertainty = None if item.interval is None else item.interval.standard_error
    decimals = decimals_for(uncertainty, (observed, reference))
    parts = [f"observed {fixed(observed, decimals)}"]
    for interval in (item.interval, item.interval_95):
        if interval is not None:
            bounds = (reference + interval.low, reference + interval.high)
            parts.append(f"{100 * interval.level:g} % interval {range_text(bounds, decimals)}")
    declared = item.reference == "value"
    name = f"the {DECLARED_VALUE}" if declared else f"{item.against} targets"
    parts.append(f"compared with {name}, {f'{reference:g}' if declared else fixed(reference, decimals)}")
    if item.margin is not None:
        bounds = (reference + item.margin[0], reference + item.margin[1])
        parts.append(f"margin {range_text(bounds, decimals)}")
    return f"{item.id}: {', '.join(parts)}."


def nulls_in_words(item: PredictionResult, draws: Mapping[str, Draws]) -> str:
    """The observed value and the draws of each null, with how many modes they have."""
    parts = []
    for rung in item.ladder:
        modes = modes_text(draws[rung.key]) if rung.key in draws else ""
        parts.append(
            f"{rung.id}: observed {significant(rung.observed, 4)}, draws {significant(rung.mean, 4)} "
            f"(SD {significant(rung.sd, 2)}){f' in {modes}' if modes else ''}"
            f"{', no conclusion' if rung.blocked is not None else ''}"
        )
    return f"{item.id} among its nulls. {'; '.join(parts)}."


def regimes_in_words(regimes: Sequence[RegimeFit]) -> str:
    """Where each curve begins and ends, breaks, and how steep it is."""
    return " ".join(_regime(fit) for fit in regimes)


def _regime(fit: RegimeFit) -> str:
    breaks = " and ".join(f"{value:,.0f}" for value in fit.breakpoints)
    return (
        f"{fit.condition} targets: influence goes from {significant(fit.influence[0])} at rank "
        f"{fit.ranks[0]:,.0f} to {significant(fit.influence[-1])} at rank {fit.ranks[-1]:,.0f}; "
        f"{f'breaks at rank {breaks}' if breaks else 'no breaks'}, "
        f"slopes {', '.join(fixed(slope, 2) for slope in fit.slopes)}; "
        f"{'a' if fit.plateau else 'no'} plateau."
    )


def frequencies_in_words(curve: FrequencyCurve) -> str:
    """Ends of the curve, the range of the condition, the elbow and where its slope is taken."""
    low, high = curve.count_range
    said = (
        f"{curve.condition}: {count_text(curve.n_in_range)} types of {count_text(low)} to "
        f"{count_text(high)} occurrences, from rank {count_text(curve.first_rank)} on."
    )
    if curve.log10_rank:
        first, last = 10 ** curve.log10_count[0], 10 ** curve.log10_count[-1]
        said = f"Counts fall from {first:,.0f} at rank 1 to {last:,.0f} at rank {curve.n_types:,}. {said}"
    window = elbow_window(curve)
    if curve.elbow_rank is None or window is None:
        return f"{said} No elbow cuts the rarest."
    return (
        f"{said} Elbow at rank {count_text(curve.elbow_rank)}, its slope taken from rank "
        f"{window[0]:,.0f} to {window[1]:,.0f}: {count_text(curve.n_dropped_types)} types beyond are dropped."
    )


def spectrum_in_words(spectrum: Spectrum, variance: float) -> str:
    """The largest eigenvalue, how many make up the variance, and how many leave the band."""
    others = f"{spectrum.null or 'random'} groups"
    outside = sum(
        not low <= value <= high
        for value, low, high in zip(spectrum.observed, spectrum.null_low, spectrum.null_high, strict=True)
    )
    return (
        f"Largest eigenvalue: {significant(spectrum.observed[0])} of the variance in the group, median "
        f"{significant(spectrum.null_median[0])} in {others}. Eigenvalues for {100 * variance:g} % of the "
        f"variance: {_needed(tuple(accumulate(spectrum.observed)), variance)} in the group, "
        f"{_needed(spectrum.cumulated_median, variance)} by the median of {others}. Outside their 95 % band: "
        f"{outside} of {len(spectrum.observed)} eigenvalues."
    )


def _needed(cumulated: Sequence[float], variance: float) -> str:
    number = next((place for place, share in enumerate(cumulated, start=1) if share >= variance), None)
    return "an unknown number" if number is None else str(number)


def group_in_words(others: LayerInfluence, members: Sequence[Member], names: Sequence[str]) -> str:
    """Typical influence of the group and of others on both conditions, and on which side the group lies."""
    pairs = [item.influence for item in members]
    known = [(first, second) for first, second in pairs if first is not None and second is not None]
    more = sum(first > second for first, second in known)
    said = f"Group of {len(known)}: {_medians(known, names)}; {more} matter more for {names[0]} targets."
    rest = list(zip(others.first, others.second, strict=True))
    return f"{said} Others: {_medians(rest, names)}." if rest else said


def _medians(pairs: Sequence[tuple[float, float]], names: Sequence[str]) -> str:
    first, second = (significant(median(values)) for values in zip(*pairs, strict=True))
    return f"median influence {first} on {names[0]} and {second} on {names[1]} targets"


def ladder_in_words(results: Results) -> str:
    """Every prediction: what decides and its numbers, then the other opponents by what was found."""
    ladder = ladder_of(results)
    rows = []
    for item in results.predictions:
        by_outcome: dict[str, list[str]] = {}
        for rung in ladder.rungs[item.id].values():
            if not rung.decides:
                by_outcome.setdefault(_outcome_words(rung), []).append(_opponent(rung))
        decisive = [rung for rung in ladder.rungs[item.id].values() if rung.decides]
        parts = [
            f"{_outcome_words(rung)} {_opponent(rung)}, which decides{_numbers(rung)}" for rung in decisive
        ]
        parts += [f"{words} {', '.join(names)}" for words, names in by_outcome.items()]
        rows += [f"{item.id}: {'; '.join(parts)}."] if parts else []
    return " ".join(rows)


def _outcome_words(rung: Step) -> str:
    if rung.too_few is not None:
        return "too few draws of"
    return "no conclusion against" if rung.no_conclusion else OUTCOME_WORDS[rung.outcome]


def _opponent(rung: Step) -> str:
    return f"the {DECLARED_VALUE}" if rung.opponent == DECLARED_VALUE else rung.opponent


def _numbers(rung: Step) -> str:
    p = rung.p_text.removesuffix(EQUIVALENCE_SIGN) + (" of equivalence" if rung.of_equivalence else "")
    said = ", ".join(filter(None, (f"z {rung.z_text}" if rung.z_text else "", p)))
    return f" ({said})" if said else ""


def attention_in_words(heads: Sequence[HeadResult], names: Sequence[str], mean: PredictionResult) -> str:
    """Both means over heads, and the heads with the most and the least concentration."""
    own = mean.own_intervals
    return (
        f"Mean over {len(heads)} heads: {names[0]} {_valued(mean.observed, own.observed)}, {names[1]} "
        f"{_valued(mean.reference_value, own.reference)}."
        f"{_ends([(head, head.gini_first) for head in heads], f' On {names[0]} targets')}"
    )


def routing_in_words(heads: Sequence[HeadResult], mean: SecondaryNumber | None) -> str:
    """The mean over heads, and the most and the least alike."""
    said = "" if mean is None else f"Mean over {len(heads)} heads {_valued(mean.value, mean.interval_95)}."
    return said + _ends([(head, head.routing) for head in heads], " By head" if said else "By head")


def impacts_in_words(heads: Sequence[HeadResult], layer_impacts: Mapping[str, float]) -> str:
    """The heads that matter most and least, the random groups' value for the former, and whole layers."""
    said = _ends([(head, head.impact) for head in heads], "Relative change with one head ablated")
    known = [head for head in heads if head.impact is not None]
    top = max(known, key=lambda head: head.impact or 0.0, default=None)
    if top is not None and top.null_impact is not None:
        said += f" Random groups change by {significant(top.null_impact)} with {_name(top)} ablated."
    kinds = {"single": "top head", "random": "random head", "all": "all heads"}
    parts = []
    for name, value in layer_impacts.items():
        layer, _, kind = name.rpartition(" ")
        parts.append(f"{layer} {kinds.get(kind, kind)} {significant(value)}")
    return f"{said} By layer: {', '.join(parts)}." if parts else said


def _ends(valued: Sequence[tuple[HeadResult, float | None]], lead: str) -> str:
    """The largest and the smallest value, with its head."""
    known = sorted(((value, head) for head, value in valued if value is not None), key=lambda pair: -pair[0])
    if not known:
        return f"{lead}: no values."
    (high, first), (low, last) = known[0], known[-1]
    return f"{lead}: from {significant(high)} ({_name(first)}) to {significant(low)} ({_name(last)})."


def _name(head: HeadResult) -> str:
    return f"L{head.layer}H{head.head}"


def _valued(value: float | None, interval: tuple[float, float] | None) -> str:
    """``0.612 [0.601, 0.622]``."""
    decimals = decimals_for(None if interval is None else (interval[1] - interval[0]) / 4, (value,))
    return fixed(value, decimals) + (f" {range_text(interval, decimals)}" if interval is not None else "")
