"""What a report says of the text and of the positions that were sampled from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import polars as pl

from hypotest.corpora.balance import balance_of, covariates_of, number_balance
from hypotest.corpora.blocks import Blocks
from hypotest.engine.streams import Streams
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.texts.reading import describe_source
from hypotest.predicates.combine import defining
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.rows import conditions_of
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.records.results.corpus_result import CorpusResult
from hypotest.records.results.row_balance import RowBalance
from hypotest.subjects.language_model import LanguageModel

LOSS = "loss"
"""The covariate that evidence tells, and not the text."""
_NAMED = 20
"""Most frequent targets of a condition that a report names."""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What the text and the tokenizer tell, and sampled positions do not; fields as in `CorpusResult`."""

    source: str
    documents: int
    blocks: int
    available: dict[str, int]
    text_differs: tuple[str, ...]
    bos: str | None
    mask: str | None
    text_tokens: int | None
    padded_blocks: int
    padded_tokens: int
    empty: int
    copies: int
    frequent: dict[str, tuple[str, ...]]
    """Condition -> text of its most frequent sampled targets, the most frequent first."""
    balance: tuple[RowBalance, ...]
    """Of the evaluation split's positions, but for what evidence tells."""

    @classmethod
    def stored(cls, corpus: CorpusResult) -> TextFacts:
        """What results that are kept say of it."""
        told = {item.name: getattr(corpus, item.name) for item in fields(cls)}
        names = {key: tuple(text for text, _ in counted) for key, counted in corpus.frequent.items()}
        balance = tuple(row for row in corpus.balance if row.covariate != LOSS)
        return cls(**{**told, "frequent": names, "balance": balance})


def describe_text(protocol: Protocol, prepared: Prepared, evidence: Evidence) -> TextFacts:
    """What text and tokenizer tell of it.

    Args:
        protocol: Names the text.
        prepared: Text, tokenizer and positions.
        evidence: Both splits, for the sampled targets.
    """
    blocks, subject = prepared.blocks, prepared.subject
    token = subject.token if isinstance(subject, LanguageModel) else str
    padded, padded_tokens = blocks.n_padded, blocks.padded_tokens
    if protocol.material != "text":  # of which the longest is not padded, and as long as it is
        padded, padded_tokens = len(blocks.tokens), int(blocks.lengths.sum())
    return TextFacts(
        source=_source(protocol, prepared),
        documents=len(prepared.documents),
        blocks=len(blocks.tokens),
        available=prepared.sampled.available,
        text_differs=prepared.text_differs,
        bos=None if prepared.bos is None else token(prepared.bos),
        mask=subject.masking.text if isinstance(subject, LanguageModel) and subject.masking else None,
        text_tokens=blocks.text_tokens,
        padded_blocks=padded,
        padded_tokens=padded_tokens - padded * (prepared.bos is not None),
        empty=sum(source.n_empty for source in prepared.sources),
        copies=sum(source.n_copies for source in prepared.sources),
        frequent={
            name: tuple(token(number) for number, _ in _frequent(evidence, name))
            for name in evidence.evaluation.conditions
            if protocol.material != "rows"  # each of which is its own
        },
        balance=row_balance(
            protocol, blocks, prepared.counts, evidence.evaluation.positions, Streams(protocol.seed)
        ),
    )


def row_balance(
    protocol: Protocol,
    blocks: Blocks,
    counts: IntArray | None,
    positions: pl.DataFrame,
    streams: Streams,
) -> tuple[RowBalance, ...]:
    """How alike both conditions are in what pairs of positions can be matched on.

    Args:
        protocol: Says what they are matched on, and what the conditions are about.
        blocks: The text.
        counts: Occurrences of each token id, where conditions or pairs read them; else those of the text.
        positions: Rows of one split: block, index, condition.
        streams: Random numbers.
    """
    first = (positions["condition"] == conditions_of(positions).first).to_numpy()
    block, index = (positions[name].to_numpy().astype(np.int64) for name in ("block", "index"))
    apart = defining(protocol.conditions.values())
    known = covariates_of(blocks, block, index, counts)
    if protocol.material == "rows":  # which have neither tokens nor places
        known = {name: values for name, values in known.items() if name == "document"}
    return tuple(
        replace(row, matched=row.covariate in protocol.sample.match, defining=row.covariate in apart)
        for row in balance_of(known, first, streams("balance of rows"))
    )


def _source(protocol: Protocol, prepared: Prepared) -> str:
    if protocol.corpus is not None:
        return describe_source(protocol.corpus.text, prepared.sources)
    return ", ".join(source.name for source in prepared.sources)


def corpus_result(protocol: Protocol, text: TextFacts, evidence: Evidence) -> CorpusResult:
    """Text and sampled positions together.

    Args:
        protocol: Says how long a block is, the token that it begins with included.
        text: From `describe_text`, or of results that are kept.
        evidence: Both splits.
    """
    evaluation = evidence.evaluation
    tokens = text.padded_tokens
    if protocol.corpus is not None:
        length = protocol.corpus.context - (text.bos is not None)
        tokens += (text.blocks - text.padded_blocks) * length
    return CorpusResult(
        **{
            **{item.name: getattr(text, item.name) for item in fields(text)},
            "conditions": tuple(evidence.evaluation.conditions),
            "words": material_words(protocol, "masked" if text.mask else "next"),
            "outcome": protocol.outcome,
            "frequent": {
                name: _named(text.frequent.get(name, ()), evidence, name)
                for name in text.available
                if protocol.material != "rows"
            },
            "tokens": tokens,
            "per_thousand": {
                name: 1000 * number / max(1, tokens - text.blocks) for name, number in text.available.items()
            },
            **_sampled(evidence),
            "correct": _correct(evidence) if protocol.outcome == "logit_difference" else None,
            "balance": (*text.balance, *_loss_balance(evaluation)),
        }
    )


def _named(names: Sequence[str], evidence: Evidence, condition: str) -> tuple[tuple[str, int], ...]:
    counts = [count for _, count in _frequent(evidence, condition)]
    return tuple(zip([*names, *["?"] * (len(counts) - len(names))], counts, strict=False))


def _frequent(evidence: Evidence, condition: str) -> list[tuple[int, int]]:
    """The most frequent targets of a condition among the sampled ones: token and count."""
    targets = [
        target
        for split in (evidence.selection, evidence.evaluation)
        for target in split.targets[split.mask(condition)].tolist()
    ]
    return sorted(Counter(targets).items(), key=lambda item: (-item[1], item[0]))[:_NAMED]


def _correct(evidence: Evidence) -> dict[str, float]:
    """Share of the evaluation split's examples whose target has the larger logit."""
    split = evidence.evaluation
    return {name: float((split.loss[split.mask(name)] < 0).mean()) for name in split.conditions}


def _loss_balance(split: SplitEvidence) -> tuple[RowBalance, ...]:
    if Channel.LOSS not in split.channels:
        return ()
    return (number_balance(LOSS, split.loss, split.first),)


def _sampled(evidence: Evidence) -> dict[str, Any]:
    """The fields of `CorpusResult` that follow from the sampled positions."""
    splits = {"selection": evidence.selection, "evaluation": evidence.evaluation}
    evaluation = evidence.evaluation
    conditions = evaluation.conditions
    types = {
        name: np.unique(np.concatenate([split.targets[split.mask(name)] for split in splits.values()])).size
        for name in conditions
    }
    return {
        "positions": {
            f"{name} {condition}": int(split.mask(condition).sum())
            for name, split in splits.items()
            for condition in conditions
        },
        "documents_used": {name: int(np.unique(split.documents).size) for name, split in splits.items()},
        "types_used": {name: int(number) for name, number in types.items()},
    }
