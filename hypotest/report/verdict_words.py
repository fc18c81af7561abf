"""The verdict as a person would say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hypotest.measures.registry import words_of
from hypotest.pages.inline import Inline, Tone, emphasis, joined, listed, prose, strong
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.prediction_result import PredictionResult, Stance
from hypotest.records.results.results import HypothesisVerdict, Results
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import significant

_IN_WORDS = 3
"""Findings of a hypothesis that its sentence puts in words."""
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


def verdict_words(results: Results) -> Iterator[Inline]:
    """What was tested, and what became of each hypothesis, a paragraph each."""
    group = results.group
    corpus = results.corpus
    measured = " and ".join(
        f"{corpus.positions.get(f'evaluation {name}', 0):,} {name}" for name in corpus.conditions
    )
    yield (
        f"We tested {len(group.neurons):,} of the {group.n_neurons:,} neurons of "
        f"{_subject(results)}, on {measured} positions from "
        f"{corpus.documents_used.get('evaluation', 0):,} documents that took no part in selecting "
        "the neurons."
    )
    yield from _verdict_sentences(results)


def _subject(results: Results) -> str:
    name = results.subject.get("name", "the model")
    layer = results.subject.get("layer")
    if "units" in results.subject and layer is None:
        recorded = "channels" in results.subject
        return str(name) if recorded else f"the module {results.subject['units']} of {name}"
    return f"the model {name}" if layer is None else f"layer {layer} of {name}"


def _verdict_sentences(results: Results) -> Iterator[Inline]:
    absent = [item for item in results.verdicts if item.status == "not applicable"]
    said: set[str] = set()
    for item in results.verdicts:
        if item.status != "not applicable":
            yield _sentence(item, results, said)
    if absent:
        yield _not_applicable(absent, results)


def _not_applicable(verdicts: list[HypothesisVerdict], results: Results) -> Inline:
    premises = tuple(item.id for item in results.predictions if item.role == "premise")
    failed = tuple(
        dict.fromkeys(name for item in verdicts for name in item.contradicted_by if name in premises)
    )
    one = len(verdicts) == 1
    findings = "; ".join(finding for finding, _ in _findings(failed, results))
    return prose(
        "The {} {} {} **not apply**: {} did not hold{}, so there is nothing here that could be organised in "
        "{}.",
        "hypothesis" if one else "hypotheses",
        listed(emphasis(item.hypothesis) for item in verdicts),
        "does" if one else "do",
        f"the premise {sentence_list(failed)}" if failed else "a premise",
        f" ({findings})" if findings else "",
        "this way" if one else "one way or the other",
    )


def _sentence(verdict: HypothesisVerdict, results: Results, said: set[str]) -> Inline:
    """What became of one hypothesis, and why: a sentence, the first findings in words, the others by name."""

    def findings(ids: Sequence[str]) -> str:
        new = [name for name in ids if name not in said]
        shown = dict(_findings(new, results)[:_IN_WORDS])
        told = {name for names in shown.values() for name in names}
        said.update(told)
        left = [name for name in ids if name not in told]
        words = [f"{finding} ({', '.join(names)})" for finding, names in shown.items()]
        rest = [f"likewise {sentence_list(left)}" if words else sentence_list(left)] if left else []
        return "; ".join([*words, *rest])

    start = prose("The hypothesis *{}* ", verdict.hypothesis)
    if verdict.status == "supported":
        number = len(verdict.supported_by)
        end = prose(
            "is **supported** by {} on which it speaks: {}.",
            "the one prediction" if number == 1 else f"all {number} predictions",
            findings(verdict.supported_by),
        )
    elif verdict.status == "refuted":
        end = prose(
            "is **refuted** by what it did not expect, also after correction for multiple tests: {}.",
            findings(verdict.refuted_by),
        )
    else:
        end = prose("stays **undecided**: {}.", _why_undecided(verdict, results, findings))
    return (start, end)


def _why_undecided(
    verdict: HypothesisVerdict, results: Results, findings: Callable[[Sequence[str]], str]
) -> str:
    names = Conditions(*results.corpus.conditions)
    titles = {item.id: words_of(item.measure, item.title, names).title for item in results.predictions}
    reasons = []
    if verdict.open:
        unsettled = tuple(f"{titles.get(name, 'not described')} ({name})" for name in verdict.open)
        reasons.append(f"the data do not settle {sentence_list(unsettled)}")
    if verdict.contradicted_by:
        reasons.append(
            "against it, but not after correction for multiple tests, is: "
            f"{findings(verdict.contradicted_by)}"
        )
    if verdict.supported_by:
        reasons.append(f"for it is: {findings(verdict.supported_by)}")
    if not reasons:
        return verdict.reason.rstrip(".")
    return "; ".join(reasons)


def _findings(ids: Sequence[str], results: Results) -> list[tuple[str, list[str]]]:
    """What predictions came to, in words, each with their names; those that came to the same are one."""
    names = Conditions(*results.corpus.conditions)
    by_id = {item.id: _finding(item, names) for item in results.predictions}
    of_finding: dict[str, list[str]] = {}
    for name in ids:
        of_finding.setdefault(by_id.get(name, "not described"), []).append(name)
    return list(of_finding.items())


def _finding(item: PredictionResult, names: Conditions) -> str:
    words = words_of(item.measure, item.title, names)
    if item.outcome == "equivalent":
        return f"no difference that matters in {words.title}"
    said = {"less": words.less, "greater": words.greater}.get(item.outcome, item.outcome)
    return f"{words.title} is {said}" if said == item.outcome else said
