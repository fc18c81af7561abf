"""The verdict as a person would say it."""

from __future__ import annotations

from hypotest.records.results import HypothesisVerdict, Results
from hypotest.report.text import escape_markdown, sentence_list


def verdict_words(results: Results) -> str:
    """One paragraph: what was tested, and what became of each hypothesis."""
    group = results.group
    corpus = results.corpus
    tested = (
        f"We tested {len(group.neurons):,} of the {group.n_neurons:,} neurons of "
        f"{_subject(results)}, on {corpus.positions.get('evaluation rare', 0):,} rare and "
        f"{corpus.positions.get('evaluation common', 0):,} common positions from "
        f"{corpus.documents_used.get('evaluation', 0):,} documents that took no part in selecting "
        "the neurons."
    )
    return " ".join([tested, *_verdict_sentences(results)])


def _subject(results: Results) -> str:
    name = escape_markdown(results.subject.get("name", "the model"))
    layer = results.subject.get("layer")
    return f"the model {name}" if layer is None else f"layer {escape_markdown(layer)} of {name}"


def _verdict_sentences(results: Results) -> list[str]:
    absent = [item for item in results.verdicts if item.status == "not applicable"]
    rest = [item for item in results.verdicts if item.status != "not applicable"]
    sentences = [_sentence(item) for item in rest]
    if absent:
        sentences.append(_not_applicable(absent, results))
    return sentences


def _names(ids: tuple[str, ...]) -> str:
    return sentence_list([escape_markdown(name) for name in ids])


def _not_applicable(verdicts: list[HypothesisVerdict], results: Results) -> str:
    premises = tuple(item.id for item in results.predictions if item.role == "premise")
    failed = tuple(
        dict.fromkeys(name for item in verdicts for name in item.contradicted_by if name in premises)
    )
    who = sentence_list([f"*{escape_markdown(item.hypothesis)}*" for item in verdicts])
    one = len(verdicts) == 1
    which = f"the premise {_names(failed)}" if failed else "a premise"
    return (
        f"The {'hypothesis' if one else 'hypotheses'} {who} {'does' if one else 'do'} **not "
        "apply**: "
        f"{which} did not hold, so there is nothing here that could be organised in "
        f"{'this way' if one else 'one way or the other'}."
    )


def _sentence(verdict: HypothesisVerdict) -> str:
    start = f"The hypothesis *{escape_markdown(verdict.hypothesis)}*"
    supported, open_ = len(verdict.supported_by), _names(verdict.open)
    if verdict.status == "supported":
        if supported == 1:
            return (
                f"{start} is **supported**: the one prediction on which it speaks came out as it "
                f"expected ({_names(verdict.supported_by)})."
            )
        return (
            f"{start} is **supported**: all {supported} predictions on which it speaks came out as "
            f"it expected ({_names(verdict.supported_by)})."
        )
    if verdict.status == "refuted":
        return (
            f"{start} is **refuted**: {_names(verdict.refuted_by)} came out otherwise than it "
            "expected, beyond the correction for multiple tests."
        )
    return f"{start} stays **undecided**: {_why_undecided(verdict, open_)}."


def _why_undecided(verdict: HypothesisVerdict, open_: str) -> str:
    reasons = []
    if verdict.supported_by:
        reasons.append(f"{_names(verdict.supported_by)} came out as it expected")
    if verdict.contradicted_by:
        reasons.append(
            f"{_names(verdict.contradicted_by)} speaks against it, but not beyond the "
            "correction for multiple tests"
            if len(verdict.contradicted_by) == 1
            else f"{_names(verdict.contradicted_by)} speak against it, but not beyond the "
            "correction for multiple tests"
        )
    if verdict.open:
        reasons.append(f"the data do not settle {open_}")
    if not reasons:
        return escape_markdown(verdict.reason.rstrip("."))
    text = reasons[0] if len(reasons) == 1 else f"{', '.join(reasons[:-1])}, and {reasons[-1]}"
    return text
