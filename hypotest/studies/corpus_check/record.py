"""What `hypotest corpus check` finds: how many positions a text gives; plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypotest.records.protocol.wording import MaterialWords
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.records.results.row_balance import RowBalance


@dataclass(frozen=True, slots=True)
class SplitCount:
    """One condition in one split."""

    split: str
    condition: str
    positions: int
    documents: int
    effective_documents: float
    """(sum n_d)^2 / sum n_d^2 over documents with n_d positions: fewer where a few documents hold most."""
    types: int
    """Different targets."""
    effective_types: float
    """1 / sum p^2 over targets with shares p of the positions."""
    top_type_share: float
    """Share of the positions that belongs to the most frequent target."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A position within its text."""

    before: str
    """Up to the query, the current token included."""
    target: str
    after: str


@dataclass(frozen=True, slots=True)
class ConditionSample:
    """What a condition comes to: so that one sees what one has defined."""

    condition: str
    definition: str
    """Where it holds, in words."""
    frequent: tuple[tuple[str, int], ...]
    """Its most frequent targets among the sampled positions, with their number."""
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class CorpusCheck:
    """A protocol's text, before a model is loaded."""

    protocol_id: str
    title: str
    words: MaterialWords
    """What positions and documents are called."""
    model: str
    """Whose tokenizer was used."""
    sources: tuple[str, ...]
    """Names of the packages or files."""
    documents: int
    blocks: int
    context: int
    """Tokens of a block."""
    tokens: int
    """Of the text that lie in blocks; padding and the token that blocks begin with are none of them."""
    text_tokens: int
    """Of the whole text."""
    padded: int
    """Blocks that hold a document shorter than they are."""
    empty: int
    """Files and rows without text, left out."""
    copies: int
    """Documents left out because the same one was there before."""
    available: dict[str, int]
    """Condition -> its positions in the text, before pairing and cap."""
    possible: dict[str, int]
    """Split -> pairs within the limits: what the sample is drawn from."""
    asked: int
    """Positions per condition that the protocol asks for, both splits together."""
    counts: tuple[SplitCount, ...]
    balance: tuple[RowBalance, ...]
    """Of the evaluation split, in what the text tells."""
    remarks: tuple[str, ...]
    """What predicates found in the vocabulary and in files, each with its place."""
    samples: tuple[ConditionSample, ...]
    """Of both conditions, the first one first."""
    frequencies: FrequencyCurve | None
    """None where no condition is about frequency."""
    folder: Path
    """Where the figure lies."""
