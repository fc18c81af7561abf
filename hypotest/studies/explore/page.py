"""What `hypotest explore` prints and writes: the selection split in five small tables, and what is blind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hypotest.pages.document import (
    Details,
    Document,
    Figure,
    Heading,
    Items,
    Paragraph,
    Part,
    document,
    together,
)
from hypotest.pages.inline import aside, path, prose, strong
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import count_text, significant
from hypotest.report.reworded import reworded
from hypotest.studies.explore.record import Exploration
from hypotest.studies.explore.sections import sections


def exploration_summary(result: Exploration) -> Document:
    """What `hypotest explore` prints when it is done, legible from 80 columns on."""
    return reworded(document(_summary(result)), result.words)


def _summary(result: Exploration) -> Iterator[Part]:
    yield together(strong(result.title), scope_text(result))
    yield group_text(result)
    for section in sections(result):
        yield Heading(section.title)
        yield together(section.table, aside(section.legend))
    yield Heading("What remains blind")
    yield together(
        blind_text(result),
        *(f"note: {note}" for note in result.notes),
        ("Report: ", path(result.folder / "explore.md")),
    )


def exploration_page(
    result: Exploration, captions: Mapping[str, str], alternatives: Mapping[str, str]
) -> Document:
    """The report; figures are expected beside it.

    Args:
        result: What was found.
        captions: Of the figures, by their names.
        alternatives: What they show, for those who cannot see them, by the same names.
    """
    return reworded(document(_parts(result, captions, alternatives)), result.words)


def _parts(
    result: Exploration, captions: Mapping[str, str], alternatives: Mapping[str, str]
) -> Iterator[Part]:
    yield Heading(f"Exploration: {result.title}", 1)
    yield strong(scope_text(result))
    yield prose("Protocol `{}`, SHA-256 of its content `{}`.", result.protocol_id, result.protocol_hash)
    yield Heading("What remains blind")
    yield blind_text(result)
    yield Heading("The group")
    yield group_text(result)
    yield Details("Neurons, the first of the ranking first", (Paragraph(result.group.listed),))
    for section in sections(result):
        yield Heading(section.title)
        yield section.table
        yield section.legend
        if section.figure is not None:
            yield Figure(section.figure, captions[section.figure], alternatives[section.figure])
    if result.notes:
        yield Heading("Notes")
        yield Items(result.notes)


def scope_text(result: Exploration) -> str:
    """What was looked at, in a sentence."""
    positions = sum(item.positions for item in result.conditions)
    return (
        f"The selection split alone: {count_text(positions)} positions. This is exploration: it tests "
        "nothing and may be repeated at will before registration."
    )


def group_text(result: Exploration) -> str:
    """Which group the rule selects, why, and how stable it is."""
    group = result.group
    size = len(group.neurons)
    shared = len(set(group.neurons) & set(group.control_neurons))
    which = (
        f"The run would test {count_text(size)} of {count_text(group.n_neurons)} neurons, by the rule "
        f"{group.rule}: {group.reason}."
    )
    if result.halves_shared is None:
        return which
    return (
        f"{which} On {result.names.second} targets the same rule selects "
        f"{count_text(len(group.control_neurons))}, {count_text(shared)} of them the same. Selected on each "
        f"half of the documents alone, {count_text(size)} neurons share {count_text(result.halves_shared)} "
        f"({significant(result.halves_by_chance, 2)} by chance)."
    )


def blind_text(result: Exploration) -> str:
    """What nothing was seen of, in sentences."""
    blind = result.blind
    collected = (
        " Evidence of the evaluation split, complete or in part, already lies in the cache; it was not read "
        "here, and a registration will say so."
        if blind.was_collected
        else " The cache holds no evidence of it."
    )
    if blind.seen:
        collected += (
            f" The network was run over {count_text(blind.seen)} of its documents before, and a registration "
            "will name the plans (`hypotest register --fresh-documents` does without such documents)."
        )
    return (
        f"The evaluation split: {count_text(blind.positions)} positions in {count_text(blind.documents)} "
        f"documents, of which nothing was run through the model or read.{collected} None of the predictions "
        f"was measured: {sentence_list(blind.predictions)}."
    )
