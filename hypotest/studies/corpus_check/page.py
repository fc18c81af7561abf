"""What `hypotest corpus check` prints, and the figure it leaves behind."""

from __future__ import annotations

from hypotest.corpora.frequencies import FrequencyCuts
from hypotest.pages.document import Document, document, table, together
from hypotest.pages.inline import aside, path, strong
from hypotest.records.folders import replace_folder
from hypotest.records.sentences import sentence_list
from hypotest.report.corpus import left_out_of, unlisted_of, used_of
from hypotest.report.numbers import count_text
from hypotest.report.results_file import fields_without, json_text
from hypotest.studies.corpus_check.record import CorpusCheck

_SOURCES = 6
"""Sources that are named; the rest are counted."""
_COLUMNS = ("split", "condition", "positions", "documents", "effective", "types", "top type")


def corpus_summary(found: CorpusCheck) -> Document:
    """What `hypotest corpus check` prints when it is done: the text, its cuts and its positions."""
    counts = table(
        _COLUMNS,
        [
            (
                item.split,
                item.condition,
                count_text(item.positions),
                count_text(item.documents),
                count_text(round(item.effective_documents)),
                count_text(item.types),
                f"{item.top_type_share:.1%}",
            )
            for item in found.counts
        ],
        numeric=range(2, len(_COLUMNS)),
    )
    legend = (
        "effective: documents that weigh as much as these do together; top type: share of the most frequent "
        "target"
    )
    return document(
        [
            together(strong(found.title), text_of(found), cuts_of(found), room_of(found)),
            together(counts, aside(legend), ("Figure: ", path(found.folder / "frequencies.png"))),
        ]
    )


def text_of(found: CorpusCheck) -> str:
    """How much text there is, and whose tokens it is cut into."""
    names = list(found.sources[:_SOURCES])
    if len(found.sources) > _SOURCES:
        names.append(f"{count_text(len(found.sources) - _SOURCES)} more")
    documents, blocks, tokens = (count_text(n) for n in (found.documents, found.blocks, found.tokens))
    return (
        f"{documents} documents in {blocks} blocks of {found.context} tokens ({tokens} in all, by the "
        f"tokenizer of {found.model}), from {sentence_list(names)}. "
        f"{used_of(found.tokens, found.text_tokens, found.padded)}{left_out_of(found.empty, found.copies)}"
    )


def cuts_of(found: CorpusCheck) -> str:
    """Which types are rare."""
    curve = found.frequencies
    types, rare, gone = (count_text(n) for n in (curve.n_types, curve.n_rare_types, curve.n_dropped_types))
    low, high = curve.rare_count_range
    dropped = f"; {gone} beyond the elbow are dropped" if curve.n_dropped_types else ""
    return (
        f"Of {types} types with a count, {rare} are rare ({low:,} to {high:,} occurrences each){dropped}."
        f"{unlisted_of(curve)}"
    )


def cut_lines(cuts: FrequencyCuts) -> str:
    """How many types are in each condition and how frequent they are, one line each."""
    rows = [("types with a count", cuts.counts > 0), ("rare", cuts.rare), ("common", cuts.common)]
    if cuts.dropped.any():
        rows.append(("dropped, beyond the elbow", cuts.dropped))
    lines = []
    for name, mask in rows:
        low, high = int(cuts.counts[mask].min()), int(cuts.counts[mask].max())
        lines.append(f"{name:<26}{count_text(int(mask.sum())):>9}   {low:,} to {high:,} occurrences each")
    return "\n".join(lines)


def room_of(found: CorpusCheck) -> str:
    """How many positions there are, and how many the protocol asks for."""
    possible = [f"{count_text(count)} in the {split} split" for split, count in found.possible.items()]
    return (
        f"{count_text(found.rare_in_text)} rare targets in the text; within the cap and with a common "
        f"partner {sentence_list(possible)}. The protocol asks for {count_text(found.asked)} positions per "
        "condition, both splits together."
    )


def write_corpus_check(found: CorpusCheck) -> None:
    """Write ``frequencies.svg``, ``.png`` and ``corpus.json`` into the result's folder.

    Raises:
        OutputError: If they cannot be written.
    """
    # Imported here: everything else answers without matplotlib.
    from hypotest.report.curve_figures import draw_frequencies
    from hypotest.report.figure_style import house_style, save

    plain = fields_without(found, "folder")
    with replace_folder(found.folder) as folder:
        (folder / "corpus.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        with house_style():
            save(draw_frequencies(found.frequencies), folder, "frequencies")
