"""The verdict as a person would say it."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.inline import Inline, Tone, emphasis, joined, listed, prose, strong
from hypotest.records.results.prediction_result import Stance
from hypotest.records.results.results import HypothesisVerdict, Results
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import significant

TONES: dict[str, Tone] = {"supported": "good", "refuted": "bad"}
"""Of a hypothesis' status; of the others, careful."""
_STANCES: dict[Stance, str] = {
    "silent": "the hypothesis expects nothing of it",
    "open": "it expects something, and the data do not settle it",
}
"""Those that no reader knows from the word."""


def stances_in_words(results: Results) -> str:
    """What *silent* and *open* mean, where they occur; empty where neither does."""
    there = {stance for item in results.predictions for stance in item.stances.values()}
    return "; ".join(f"{stance}: {meaning}" for stance, meaning in _STANCES.items() if stance in there)


def verdict_line(results: Results) -> Inline:
    """``distributed: supported; modular: refuted``, each in its tone."""
    return joined(
        "; ",
        (
            strong(f"{item.hypothesis}: {item.status}", TONES.get(item.status, "careful"))
            for item in results.verdicts
        ),
    )


def sceptic_words(results: Results) -> Inline:
    """What a sceptic looks for first: how apart the two groups are, how rare is rare, how large it all is."""
    return joined(" ", _sceptic_sentences(results))


def _sceptic_sentences(results: Results) -> Iterator[str]:
    group, (first, second) = results.group, results.corpus.conditions
    size = len(group.neurons)
    if group.control_neurons:
        shared = len(set(group.neurons) & set(group.control_neurons))
        yield f"Of the {size:,} neurons, the same rule also selects {shared:,} for {second} targets."
    curve = results.figures.frequencies
    if curve is not None:
        low, high = curve.count_range
        left = f", and {curve.n_dropped_types:,} rarer types are left out" if curve.n_dropped_types else ""
        yield f"A {curve.condition} type occurs {low:,} to {high:,} times in the reference text{left}."
    if results.ablation is not None:
        ablated = results.ablation.group
        random = (
            ""
            if ablated.random_together is None
            else f"; random groups of that size, by {significant(ablated.random_together, 2)}"
        )
        yield (
            f"Ablated one by one, they change the mean loss on {first} targets by "
            f"{significant(ablated.sum_of_single, 2)} nats in sum, all at once by "
            f"{significant(ablated.together, 2)}{random}."
        )


def verdict_words(results: Results) -> Inline:
    """One paragraph: what was tested, and what became of each hypothesis."""
    group = results.group
    corpus = results.corpus
    measured = " and ".join(
        f"{corpus.positions.get(f'evaluation {name}', 0):,} {name}" for name in corpus.conditions
    )
    tested = (
        f"We tested {len(group.neurons):,} of the {group.n_neurons:,} neurons of "
        f"{_subject(results)}, on {measured} positions from "
        f"{corpus.documents_used.get('evaluation', 0):,} documents that took no part in selecting "
        "the neurons."
    )
    return joined(" ", [tested, *_verdict_sentences(results)])


def _subject(results: Results) -> str:
    name = results.subject.get("name", "the model")
    layer = results.subject.get("layer")
    if "units" in results.subject and layer is None:
        recorded = "channels" in results.subject
        return str(name) if recorded else f"the module {results.subject['units']} of {name}"
    return f"the model {name}" if layer is None else f"layer {layer} of {name}"


def _verdict_sentences(results: Results) -> Iterator[Inline]:
    absent = [item for item in results.verdicts if item.status == "not applicable"]
    yield from (_sentence(item) for item in results.verdicts if item.status != "not applicable")
    if absent:
        yield _not_applicable(absent, results)


def _not_applicable(verdicts: list[HypothesisVerdict], results: Results) -> Inline:
    premises = tuple(item.id for item in results.predictions if item.role == "premise")
    failed = tuple(
        dict.fromkeys(name for item in verdicts for name in item.contradicted_by if name in premises)
    )
    one = len(verdicts) == 1
    return prose(
        "The {} {} {} **not apply**: {} did not hold, so there is nothing here that could be organised in "
        "{}.",
        "hypothesis" if one else "hypotheses",
        listed(emphasis(item.hypothesis) for item in verdicts),
        "does" if one else "do",
        f"the premise {sentence_list(failed)}" if failed else "a premise",
        "this way" if one else "one way or the other",
    )


def _sentence(verdict: HypothesisVerdict) -> Inline:
    start = prose("The hypothesis *{}* ", verdict.hypothesis)
    supporting = sentence_list(verdict.supported_by)
    if verdict.status == "supported":
        number = len(verdict.supported_by)
        which = "the one prediction" if number == 1 else f"all {number} predictions"
        end = prose(
            "is **supported**: {} on which it speaks came out as it expected ({}).", which, supporting
        )
    elif verdict.status == "refuted":
        end = prose(
            "is **refuted**: {} came out otherwise than it expected, beyond the correction for multiple "
            "tests.",
            sentence_list(verdict.refuted_by),
        )
    else:
        end = prose("stays **undecided**: {}.", _why_undecided(verdict))
    return (start, end)


def _why_undecided(verdict: HypothesisVerdict) -> str:
    reasons = []
    if verdict.supported_by:
        reasons.append(f"{sentence_list(verdict.supported_by)} came out as it expected")
    if verdict.contradicted_by:
        speak = "speaks" if len(verdict.contradicted_by) == 1 else "speak"
        reasons.append(
            f"{sentence_list(verdict.contradicted_by)} {speak} against it, but not beyond the correction for "
            "multiple tests"
        )
    if verdict.open:
        reasons.append(f"the data do not settle {sentence_list(verdict.open)}")
    if not reasons:
        return verdict.reason.rstrip(".")
    return reasons[0] if len(reasons) == 1 else f"{', '.join(reasons[:-1])}, and {reasons[-1]}"
