"""Example contexts: lines of the text in which the tested neurons are most active, or matter most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Details, Heading, Part, Table, table
from hypotest.pages.inline import Inline, joined, match, quote
from hypotest.records.results.corpus_result import Context, ContextOfNeuron, Contexts, NeuronContexts
from hypotest.records.results.results import Results
from hypotest.report.numbers import count_text, fixed, significant
from hypotest.report.text import token_text


def contexts_section(results: Results) -> Iterator[Part]:
    """A folded table for each of the first neurons; a sentence where lines of the text are left out."""
    contexts = results.contexts
    if contexts is None or not contexts.neurons:
        if results.corpus.text_tokens is not None and results.ablation is not None:
            yield "No line of the text is shown: this run was told to leave contexts out, or has none."
        return
    yield Heading("Example contexts", 3)
    shown, members = len(contexts.neurons), len(results.group.neurons)
    of = (
        f"the first {count_text(shown)} of the {count_text(members)}"
        if shown < members
        else f"all {count_text(members)}"
    )
    yield (
        f"For {of} neurons, in the order of the ranking: where each is most active, and where ablating it "
        "changes the loss of the target most, whichever way; at most one context of a document, all of the "
        "evaluation split. The target is ",
        match("marked"),
        ". Chosen to be extreme, they show what a neuron can do, not what it usually does.",
    )
    names = dict(
        zip(results.group.neurons, results.group.called or map(str, results.group.neurons), strict=False)
    )
    for item in contexts.neurons:
        name = names.get(item.neuron, str(item.neuron))
        yield Details(_summary(name, item, contexts), (_table(item, contexts),))


def _summary(name: str, item: NeuronContexts, contexts: Contexts) -> Inline:
    targets = dict.fromkeys(contexts.contexts[each.context].target for each in item.affected)
    named = joined(", ", (quote(f"“{token_text(target)}”") for target in targets))
    label = name if not name.isdigit() else f"neuron {name}"
    return (f"{label}: matters most for ", named)


def _table(item: NeuronContexts, contexts: Contexts) -> Table:
    kinds: Sequence[tuple[str, tuple[ContextOfNeuron, ...]]] = (
        ("most active", item.activating),
        ("most affected", item.affected),
    )
    return table(
        ["", "context", "condition", "activation", "loss", "loss without", "change"],
        [
            _row(kind if place == 0 else "", contexts.contexts[each.context], each)
            for kind, shown in kinds
            for place, each in enumerate(shown)
        ],
        numeric=(3, 4, 5, 6),
    )


def _row(kind: str, context: Context, each: ContextOfNeuron) -> list[Inline]:
    target = context.target if context.target.strip() else token_text(context.target)
    return [
        kind,
        (quote(context.before), match(target), quote(context.after)),
        context.condition,
        significant(each.activation, 3),
        fixed(context.loss, 3),
        fixed(context.loss + each.change, 3),
        significant(each.change, 2),
    ]
