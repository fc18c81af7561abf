"""The examples of a run: how many, in how many clusters, and how well the network does on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Heading, Part, table
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.examples import Outcome
from hypotest.records.results.corpus_result import CorpusResult
from hypotest.records.results.results import Results
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import count_text, fixed
from hypotest.report.picture import Picture, figures_of
from hypotest.report.sections.corpus import cross_entropy_words, frequent_targets, left_out_of, masked_words
from hypotest.report.sections.row_balance import LEGEND, row_balance_table
from hypotest.report.text import token_text

_OUTCOMES: dict[Outcome, tuple[str, int]] = {
    "loss": ("mean cross-entropy of the target in nats", 1),
    "logit_difference": ("mean logit of the target less the foil's", -1),
    "sequence": ("mean cross-entropy of the whole target in nats", 1),
}
"""What a table calls them, and their sign in the evidence, where more is worse."""


def examples_section(results: Results, figures: Sequence[Picture]) -> Iterator[Part]:
    """The examples, and what the conditions come to in them."""
    corpus, words = results.corpus, results.corpus.words
    yield Heading(f"{words.rows.capitalize()} and conditions")
    available = [f"{count_text(number)} {name} ones" for name, number in corpus.available.items()]
    units = "" if words.units == words.rows else f" in {count_text(corpus.documents)} {words.units}"
    bos = "" if corpus.bos is None else f" Every prompt begins with {token_text(corpus.bos)}."
    yield (
        f"{count_text(corpus.blocks)} {words.rows}{units}, from {corpus.source}. Before the sample: "
        f"{sentence_list(available)}.{bos}{left_out_of(corpus.empty, corpus.copies)}"
    )
    yield from masked_words(corpus)
    yield from cross_entropy_words(results)
    outcome, sign = _OUTCOMES[corpus.outcome]
    tokens = words.in_nats
    if not tokens:
        outcome = f"mean outcome ({results.subject.get('outcome', 'recorded')})"
    rows = [
        *([f"{words.rows}, {name}", count_text(number)] for name, number in corpus.positions.items()),
        *(
            [f"{name} types among the targets", count_text(n)]
            for name, n in corpus.types_used.items()
            if tokens
        ),
        *([f"{outcome}, {name}", fixed(sign * mean, 2)] for name, mean in _means(corpus)),
        *(
            [f"target above foil, {name}", f"{100 * share:.0f} %"]
            for name, share in (corpus.correct or {}).items()
        ),
    ]
    if units:
        used = ([f"{words.units}, {name}", count_text(n)] for name, n in corpus.documents_used.items())
        rows[len(corpus.positions) : len(corpus.positions)] = used
    yield table(["", "number"], rows, numeric=(1,))
    yield (
        f"How alike the measured {words.rows} (evaluation split) of both conditions are in what could "
        "explain a difference between them:"
    )
    yield row_balance_table(corpus.balance, Conditions(*corpus.conditions))
    yield f"{LEGEND}."
    yield from frequent_targets(corpus)
    yield from figures_of(figures, "corpus")


def _means(corpus: CorpusResult) -> Iterator[tuple[str, float]]:
    """Condition and mean of the outcome."""
    for row in corpus.balance:
        if row.covariate == "loss":
            sides = (row.first, row.second)
            yield from ((name, side[0]) for name, side in zip(corpus.conditions, sides, strict=True) if side)
