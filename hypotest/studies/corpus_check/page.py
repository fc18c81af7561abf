"""What `hypotest corpus check` prints, and the figure it leaves behind."""

from __future__ import annotations

from hypotest.pages.document import Block, Document, document, table, together
from hypotest.pages.inline import aside, path, strong
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.sentences import sentence_list
from hypotest.records.stored.folders import replace_folder
from hypotest.report.numbers import count_text
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.reworded import reworded
from hypotest.report.sections.corpus import left_out_of, used_of
from hypotest.report.sections.row_balance import LEGEND, imbalances, row_balance_table
from hypotest.report.text import token_text
from hypotest.studies.corpus_check.record import ConditionSample, CorpusCheck

_SOURCES = 6
"""Sources that are named; the rest are counted."""


def corpus_summary(check: CorpusCheck) -> Document:
    """What `hypotest corpus check` prints when it is done: the text, its cuts and its positions."""
    words = check.words
    counted = (words.rows, words.units, "effective", "types", "effective", "top type")
    counts = table(
        ("split", "condition", *counted),
        [
            (
                item.split,
                item.condition,
                count_text(item.positions),
                count_text(item.documents),
                count_text(round(item.effective_documents)),
                count_text(item.types),
                count_text(round(item.effective_types)),
                f"{item.top_type_share:.1%}",
            )
            for item in check.counts
        ],
        numeric=range(2, 2 + len(counted)),
    )
    legend = (
        f"effective: {words.units}, and types, of equal size that weigh as much; top type: share of the most "
        "frequent target"
    )
    drawn = check.folder / "frequencies.png"
    figure = [] if check.frequencies is None else [("Figure: ", path(drawn))]
    names = Conditions(*(item.condition for item in check.samples))
    balance = together(
        row_balance_table(check.balance, names),
        aside(f"Of the evaluation split. {LEGEND}"),
        *imbalances(check.balance, names),
        *figure,
    )
    sampled = document(
        [
            together(strong(check.title), text_of(check), *check.remarks, room_of(check)),
            *(_sample_of(check, item) for item in check.samples),
            together(counts, aside(legend)),
        ]
    )
    return Document((*sampled.blocks, *reworded(document([balance]), words).blocks))


def text_of(check: CorpusCheck) -> str:
    """How much text there is, and whose tokens it is cut into."""
    words = check.words
    names = list(check.sources[:_SOURCES])
    if len(check.sources) > _SOURCES:
        names.append(f"{count_text(len(check.sources) - _SOURCES)} more")
    documents, blocks, tokens = (count_text(n) for n in (check.documents, check.blocks, check.tokens))
    if words.names:
        units = "" if words.units == words.rows else f" in {documents} {words.units}"
        return (
            f"{blocks} examples{units} ({tokens} tokens, by the tokenizer of {check.model}, the longest "
            f"{check.context}), from {sentence_list(names)}.{left_out_of(check.empty, check.copies)}"
        )
    return (
        f"{documents} documents in {blocks} blocks of {check.context} tokens ({tokens} in all, by the "
        f"tokenizer of {check.model}), from {sentence_list(names)}. "
        f"{used_of(check.tokens, check.text_tokens, check.padded)}{left_out_of(check.empty, check.copies)}"
    )


def _sample_of(check: CorpusCheck, item: ConditionSample) -> Block:
    """What a condition comes to: targets and positions in their text."""
    frequent = ", ".join(f"{token_text(text)} ({count_text(number)})" for text, number in item.frequent)
    return together(
        (
            strong(item.condition),
            f": where {check.words.said(item.definition)}; "
            f"{count_text(check.available[item.condition])} in the {check.words.whole}.",
        ),
        f"Most frequent targets: {frequent}.",
        *(
            ("- ", aside(_line(shown.before)), strong(f"»{_line(shown.target)}«"), aside(_line(shown.after)))
            for shown in item.excerpts
        ),
    )


def _line(text: str) -> str:
    """In one line, with its spaces."""
    return "".join(" " if letter in "\n\r\t" else letter for letter in text)


def room_of(check: CorpusCheck) -> str:
    """How many positions there are, and how many the protocol asks for."""
    possible = [f"{count_text(count)} in the {split} split" for split, count in check.possible.items()]
    return (
        f"Pairs of both conditions within the limits: {sentence_list(possible)}. The protocol asks for "
        f"{count_text(check.asked)} {check.words.rows} per condition, both splits together."
    )


def write_corpus_check(check: CorpusCheck) -> None:
    """Write ``corpus.json`` and, if a curve is to be drawn, ``frequencies.svg`` and ``.png`` into the folder.

    Raises:
        OutputError: If they cannot be written.
    """
    # Imported here: everything else answers without matplotlib.
    from hypotest.report.figures.curves import draw_frequencies
    from hypotest.report.figures.style import house_style, save

    plain = fields_without(check, "folder")
    with replace_folder(check.folder) as folder:
        (folder / "corpus.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        if check.frequencies is not None:
            with house_style():
                save(draw_frequencies(check.frequencies), folder, "frequencies")
