"""What is said of a text wherever it is described."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hypotest.pages.document import Part
from hypotest.pages.inline import Inline, joined, quote, strong
from hypotest.records.results.corpus_result import CorpusResult
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.records.results.results import Results
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import count_text, fixed
from hypotest.report.text import token_text


def used_of(tokens: int, text_tokens: int, n_padded: int) -> str:
    """What share of a text lies in blocks, and how many blocks are padded."""
    share = f"{100 * tokens / text_tokens:.1f} % of the text's {count_text(text_tokens)} tokens lie in blocks"
    padded = f"; {count_text(n_padded)} hold a short document, padded, whose end is the last position"
    return f"{share}{padded if n_padded else ''}."


def left_out_of(n_empty: int, n_copies: int) -> str:
    """How many files and rows of a text are no documents of it, if any."""
    kinds = ((n_empty, "without text"), (n_copies, "with the text of another"))
    said = [f"{count_text(number)} {what}" for number, what in kinds if number]
    return f" Files or rows that were left out: {sentence_list(said)}." if said else ""


def masked_words(corpus: CorpusResult) -> Iterator[str]:
    """What rows are for an encoder; nothing of another network."""
    if corpus.mask is not None:
        yield (
            f"Rows are masked positions: the network reads text in both directions, so that each target was "
            f"replaced by {token_text(corpus.mask)}, one at a time, in a pass of its own over the whole "
            f"{'block' if not corpus.words.names else 'prompt'}; activations are those at the mask."
        )


def unlisted_of(curve: FrequencyCurve) -> str:
    """That the table is shorter than the vocabulary, if it is."""
    number = curve.n_unlisted_types
    if not number:
        return ""
    tokens = "the last token id" if number == 1 else f"the last {count_text(number)} token ids"
    return f" The frequency table ends before {tokens} of the model, which count as never seen."


def frequent_targets(corpus: CorpusResult) -> Iterator[Inline]:
    """The most frequent targets of each condition among those that were sampled."""
    for name, frequent in corpus.frequent.items():
        yield (
            f"The most frequent {name} targets in the sample: ",
            joined(
                ", ", ((quote(token_text(token)), f" ({count_text(count)})") for token, count in frequent)
            ),
            ".",
        )


def cross_entropy_words(results: Results) -> Iterable[Part]:
    """How well the model predicts the text, beside what needs no model."""
    loss = results.cross_entropy
    if loss is not None:
        counts = (
            ""
            if loss.unigram is None
            else f"Knowing nothing but how frequent each token is costs {fixed(loss.unigram, 2)}, guessing "
            f"among all tokens {fixed(loss.chance, 2)}."
        )
        yield (
            f"The model's cross-entropy on {'this text' if counts else 'the prompts'} is ",
            strong(f"{fixed(loss.nats, 2)} nats"),
            f" a token ({count_text(loss.n_tokens)} tokens of the selection split). "
            + (counts or f"Guessing among all tokens costs {fixed(loss.chance, 2)}."),
        )
