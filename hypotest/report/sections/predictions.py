"""The section of one prediction: asked, expected, found, compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from hypotest.measures.registry import MEASURES as UNITS
from hypotest.measures.registry import words_of
from hypotest.pages.document import Details, Heading, Items, Part, table
from hypotest.pages.inline import Inline, joined, prose, strong, term, with_code
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.hidden_bias import HiddenBias
from hypotest.records.results.prediction_result import (
    MARGIN_SHARE,
    OTHER_CONDITION,
    PredictionResult,
)
from hypotest.report.glossary import explained_in, spoken
from hypotest.report.numbers import (
    count_text,
    fixed,
    level_text,
    p_text,
    prediction_text,
    significant,
)
from hypotest.report.picture import Picture, figures_of
from hypotest.report.sections.margins import sensitivity_sentences
from hypotest.report.sections.null_draws import draws_table
from hypotest.report.text import capital

_MOSTLY_LINEAR = 0.5
_ROLES = {
    "premise": " It is a premise: without it the other predictions have nothing to be about.",
    "descriptive": " It describes, and decides nothing.",
    "deciding": "",
}
_READINGS = {
    "less": "smaller than what it is compared with",
    "greater": "greater than what it is compared with",
    "equivalent": "shown to lie inside the margin",
    "inconclusive": "neither a difference nor equivalence could be shown",
    "undefined": "there is no value to judge",
}


def prediction_section(
    item: PredictionResult, figures: Sequence[Picture], names: Conditions, level: float
) -> Iterable[Part]:
    """The paragraphs, tables and figures of one prediction, in reading order."""
    words = words_of(item.measure, item.title, names)
    yield Heading(f"{item.id}: {item.outcome}", 3, folds=True)
    yield f"{words.question}{_ROLES[item.role]}"
    yield _measured(item, names)
    yield from _expected(item)
    yield from figures_of(figures, item.id)
    if item.ladder:
        yield draws_table((*item.ladder, *item.arms), level)
    if item.hidden_bias is not None:
        yield hidden_bias_text(item.hidden_bias)
    if beside := tuple(_beside(item)):
        yield ("Beside it, never decisive: ", joined("; ", beside), ".")
    if item.communities:
        yield Details(
            f"The neurons of its {len(item.communities)} communities",
            (Items(tuple(", ".join(map(str, neurons)) for neurons in item.communities)),),
        )
    notes = item.notes[1:] if item.outcome == "undefined" else item.notes  # its reason is said above
    if notes:
        yield Items(tuple(map(with_code, notes)))


def hidden_bias_text(bias: HiddenBias) -> str:
    """How strong a cause that nobody measured would have to be."""
    times = significant(bias.strength, 3)
    text = (
        "Hidden causes: a cause that nobody measured, hand in hand with this measure, that gives one neuron "
        f"{times} times the odds of its neighbours to be in the group would be enough to lose significance "
        "(Rosenbaum's gamma, at the worst)"
    )
    if bias.at_least:
        text = (
            "Hidden causes: none that gives one neuron up to "
            f"{times} times the odds of its neighbours to be in the group is enough to lose significance "
            "(Rosenbaum's gamma, at the worst)"
        )
    share = f"{100 * bias.linear:.0f} % of the measure's variance over matched groups is a sum over neurons"
    if bias.linear < _MOSTLY_LINEAR:
        return f"{text}; only {share}, so that a smaller one may do."
    return f"{text}; {share}."


def _beside(item: PredictionResult) -> Iterator[Inline]:
    """Intervals of the numbers said above, then secondary numbers, those with an interval first."""
    own = item.own_intervals
    said = {"observed": own.observed, "reference": own.reference, "standardized": own.standardized}
    yield from ((term(name), _interval(ends)) for name, ends in said.items() if ends is not None)
    for name, number in sorted(item.secondary.items(), key=lambda pair: pair[1].interval_95 is None):
        yield (term(spoken(name)), f" {_secondary(number.value)}{_interval(number.interval_95)}")


def _interval(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f", 95 % interval {_secondary(ends[0])} to {_secondary(ends[1])}"


def _measured(item: PredictionResult, names: Conditions) -> Inline:
    numbers = prediction_text(item)
    if item.outcome == "undefined":
        return prose(
            "{}: **undefined** on the evaluation split: {}.{} It counts neither for nor against any "
            "hypothesis, and leaves those open that expect something.",
            item.title,
            item.notes[0] if item.notes else "no reason was given",
            "" if item.observed is None else f" The measured value is {numbers.observed}.",
        )
    against = {"value": "the declared value", OTHER_CONDITION: f"the {names.second} condition"}.get(
        item.reference, f"the null {item.against}"
    )
    mean = "" if item.reference_sd is None else ", mean (SD)"
    sentences: list[Inline] = [
        prose(
            "{}: **{}**, against {} ({}{}){}",
            item.title,
            numbers.observed,
            numbers.reference,
            against,
            mean,
            _scale(item, names),
        )
    ]
    effect = f" {numbers.effect}"
    if item.interval is not None:
        effect += f", {level_text(item.interval)} interval {numbers.interval}"
    else:
        effect += ", without an interval, since none is valid here"
    if item.interval_95 is not None:
        effect += f", {level_text(item.interval_95)} interval {numbers.interval_95}"
    if item.standardized is not None:
        effect += f"; in SDs {fixed(item.standardized, 2)}"
    if item.ratio is not None and _far_from_zero(item):
        effect += f"; ratio {fixed(item.ratio, 3)}"
    sentences += [(term("Effect"), effect), *_selected_again(item), _tests(item)]
    if item.margin is not None:
        ceiling = ""
        if item.equivalence_ceiling is not None:
            ceiling = f"; {100 * item.equivalence_ceiling:.1f} % of null draws lie inside it"
        sentences.append(f"Margin of equivalence {numbers.margin}{_narrowed(item)}{ceiling}")
        sentences += sensitivity_sentences(item)
    sentences.append(_beyond(item))
    last = ""
    if item.outcome == "inconclusive" and item.smallest_effect is not None:
        last = f"; the smallest effect that would have been seen is {numbers.smallest_effect}"
    sentences.append(prose("Outcome: **{}**, {}{}.", item.outcome, _READINGS[item.outcome], last))
    return joined(". ", filter(None, sentences))


def _selected_again(item: PredictionResult) -> Iterator[str]:
    """By how much another study would differ, which selects its own group."""
    again = item.reselection
    if again is None:
        return
    if again.interval_95 is None:
        yield f"If the group is selected again: no interval, {again.reason}"
        return
    of_group = None if item.interval_95 is None else item.interval_95.standard_error
    smaller = (
        "" if of_group in (None, again.standard_error) else f" ({significant(of_group, 2)} for these neurons)"
    )
    text = (
        "If the group is selected again, in another study: standard error "
        f"{significant(again.standard_error, 2)}{smaller}, 95 % interval "
        f"{prediction_text(item).reselected_95}"
    )
    if again.kept is not None and again.sizes is not None:
        low, high = again.sizes
        sizes = str(low) if low == high else f"{low} to {high}"
        text += (
            f"; {again.n_selections} selections of {sizes} neurons on half of the text keep {again.kept:.0%} "
            "of these"
        )
    yield text


def _scale(item: PredictionResult, names: Conditions) -> str:
    """The scale of every number of the sentence and of what follows."""
    measure = UNITS.get(item.measure)
    if measure is None:
        return ""
    unit = measure.words.of(names).unit
    said = "; ".join(f"{word}: {meaning}" for word, meaning in explained_in(unit).items())
    return f"; scale: {unit}{f' ({said})' if said else ''}"


def _far_from_zero(item: PredictionResult) -> bool:
    """Whether a ratio says anything: dividing by a mean that is zero up to noise does not."""
    return item.reference_value is not None and abs(item.reference_value) > 2 * (item.reference_sd or 0.0)


def _secondary(value: float | None) -> str:
    if value is not None and math.isfinite(value) and value == int(value):
        return count_text(int(value))
    return significant(value, 4)


def _tests(item: PredictionResult) -> str:
    parts = []
    for name, p_value, adjusted in (
        ("difference", item.p_value, item.p_adjusted),
        ("equivalence", item.p_equivalence, item.p_equivalence_adjusted),
    ):
        if p_value is None:
            continue
        part = f"{name} p {_relation(p_value)}"
        if name == "difference" and item.p_error:
            part += f" (Monte Carlo SE {significant(item.p_error, 1)})"
        if adjusted is not None:
            part += f", adjusted {_relation(adjusted)}"
        parts.append(part)
    return capital("; ".join(parts))


def _narrowed(item: PredictionResult) -> str:
    """Why the margin is not as wide as the protocol says."""
    share = item.secondary.get(MARGIN_SHARE)
    if share is None or share.value is None:
        return ""
    return (
        f", which is {fixed(share.value, 2)} of the declared one, since {item.reference} groups keep "
        "members of the group and hide as much of any difference"
    )


def _beyond(item: PredictionResult) -> str:
    """Who expects equivalence is contradicted by a difference only where it lies beyond the margin."""
    expected = any("equivalent" in outcomes for outcomes in item.expects.values())
    if item.p_beyond is None or item.outcome not in ("less", "greater") or not expected:
        return ""
    adjusted = ""
    if item.p_beyond_adjusted is not None:
        adjusted = f", adjusted {_relation(item.p_beyond_adjusted)}"
    return f"Beyond the margin: p {_relation(item.p_beyond)}{adjusted}"


def _relation(p_value: float) -> str:
    text = p_text(p_value)
    return text.replace("<", "< ") if text.startswith("<") else f"= {text}"


def _expected(item: PredictionResult) -> Iterable[Part]:
    names = tuple(dict.fromkeys([*item.expects, *item.stances]))
    if names:
        yield table(
            ["hypothesis", "expected", "found", "stance"],
            [
                (name, _expectation(item, name), item.outcome, strong(item.stances.get(name, "silent")))
                for name in names
            ],
        )


def _expectation(item: PredictionResult, hypothesis: str) -> str:
    expected = item.expects.get(hypothesis, ())
    return " or ".join(expected) if expected else "anything"
