"""The rows of a text: which of its positions belong to a protocol's conditions, and samples of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.examples import ExampleTable
from hypotest.corpora.frequencies import fit_to_vocabulary
from hypotest.corpora.sampling import Candidates, SampledPositions, sample_positions
from hypotest.engine.progress import StartStage
from hypotest.engine.streams import Streams
from hypotest.pipeline.texts.reader import TextReader
from hypotest.pipeline.texts.token_counts import token_counts
from hypotest.predicates.combine import BoundCondition, bound_condition, exchange_of, stretches
from hypotest.predicates.predicate import Setting
from hypotest.predicates.rows import BoolArray, Rows
from hypotest.records.corpus import CorpusDocument
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.subjects.token_texts import token_offsets, token_texts


@dataclass(frozen=True, slots=True, eq=False)
class TextRows:
    """A text in blocks, its rows, and what predicates are tied to."""

    rows: Rows
    setting: Setting
    read: list[str] = field(default_factory=list)
    """What of the setting was asked for."""
    table: ExampleTable | None = None
    """What the rows are, where they are examples."""

    @classmethod
    def of(
        cls,
        protocol: Protocol,
        base: Path,
        rows: Rows,
        reader: TextReader,
        start_stage: StartStage,
        table: ExampleTable | None = None,
    ) -> TextRows:
        """Tie rows to what predicates need; what takes long is computed when one asks for it.

        Args:
            protocol: Names the text that is counted.
            base: Folder that relative paths of the protocol start from.
            rows: All that there are.
            reader: Whose tokens they are.
            start_stage: Told of counting tokens, for progress.
            table: The examples, if they are some.
        """

        @cache
        def texts() -> tuple[str, ...]:
            return token_texts(reader.tokenizer, reader.vocab_size)

        read: list[str] = []

        @cache
        def counts() -> tuple[NDArray[np.int64], int]:
            read.append("counts")
            counted = token_counts(protocol.frequencies, base, reader, start_stage)
            return fit_to_vocabulary(counted, reader.vocab_size), max(0, reader.vocab_size - counted.size)

        setting = Setting(base=base, vocab_size=reader.vocab_size, texts=texts, counts=counts)
        return cls(rows, setting, read, table)

    @property
    def blocks(self) -> Blocks:
        """The text."""
        return self.rows.blocks

    def bound(self, protocol: Protocol) -> tuple[BoundCondition, BoundCondition]:
        """Both conditions, tied to the tokenizer.

        Raises:
            CorpusError: If a predicate cannot be used; names its place.
        """
        one, other = (bound_condition(*item, self.setting) for item in protocol.conditions.items())
        return one, other

    def candidates(self, bound: Sequence[BoundCondition]) -> Candidates:
        """Which positions belong to which of two conditions, from `bound`.

        Raises:
            CorpusError: If a predicate tells nothing apart, the conditions overlap, or one has no position.
        """
        one, other = (self._grid(condition.holds(self.rows)) for condition in bound)
        names = Conditions(*(condition.name for condition in bound))
        return Candidates(
            names, one, other, [item.place for item in self.table.examples] if self.table else ()
        )

    def counts(self, protocol: Protocol) -> NDArray[np.int64] | None:
        """Occurrences of each token id, where pairs agree in them."""
        return self.setting.counts()[0] if "target_frequency" in protocol.sample.match else None

    def counts_if_read(self) -> NDArray[np.int64] | None:
        """Occurrences of each token id; None where nothing has asked for them."""
        return self.setting.counts()[0] if "counts" in self.read else None

    def sample(
        self, protocol: Protocol, n_positions: int | None = None, kept_out: Collection[int] = ()
    ) -> SampledPositions:
        """The positions that a protocol's run looks at.

        Args:
            protocol: A valid protocol of this text.
            n_positions: Instead of the protocol's.
            kept_out: Numbers of documents that must not come to the evaluation split.

        Raises:
            CorpusError: As `bound`, `candidates`, and `hypotest.corpora.sampling.sample_positions`.
        """
        bound = self.bound(protocol)
        sampled = draw(protocol, self.candidates(bound), self, n_positions, kept_out)
        return replace(sampled, positions=self.with_units(sampled.positions, protocol, bound))

    def with_units(
        self, positions: pl.DataFrame, protocol: Protocol, bound: Sequence[BoundCondition]
    ) -> pl.DataFrame:
        """Positions with a column for what else keeps the labels of a protocol's conditions together.

        Args:
            positions: Of this text.
            protocol: Its conditions.
            bound: From `bound`.
        """
        block, index = positions["block"].to_numpy(), positions["index"].to_numpy()
        unit = exchange_of(protocol)
        if unit == "token":
            return positions.with_columns(pl.Series("token", self.blocks.tokens[block, index]))
        if unit != "span" or (spans := stretches(bound, self.rows)) is None:
            return positions
        context = self.blocks.tokens.shape[1]
        places = self.rows.block.astype(np.int64) * context + self.rows.index
        mine = np.searchsorted(places, block.astype(np.int64) * context + index)
        return positions.with_columns(pl.Series("span", spans[mine]))

    def _grid(self, mask: BoolArray) -> BoolArray:
        n_blocks, context = self.blocks.tokens.shape
        grid = np.zeros((n_blocks, context - 1), dtype=bool)
        grid[self.rows.block, self.rows.index] = mask
        return grid


def draw(
    protocol: Protocol,
    candidates: Candidates,
    text: TextRows,
    n_positions: int | None = None,
    kept_out: Collection[int] = (),
) -> SampledPositions:
    """Draw positions among candidates; see `TextRows.sample`."""
    sample = protocol.sample
    return sample_positions(
        text.blocks,
        candidates,
        n_positions=sample.positions if n_positions is None else n_positions,
        max_per_document=sample.max_per_document,
        max_per_type=sample.type_limit,
        selection_share=protocol.split.selection,
        match=sample.match,
        counts=text.counts(protocol),
        words=material_words(protocol),
        rng=Streams(protocol.seed)("positions"),
        kept_out=kept_out,
    )


def rows_of(
    protocol: Protocol,
    base: Path,
    blocks: Blocks,
    documents: Sequence[CorpusDocument],
    reader: TextReader,
    n_before: int,
    start_stage: StartStage,
) -> TextRows:
    """The rows of a text, tied to what predicates need.

    Args:
        protocol: As for `TextRows.of`.
        base: As there.
        blocks: The text.
        documents: Those of the blocks; empty where no predicate reads them.
        reader: Whose tokens they are.
        n_before: Tokens at the beginning of each block that are none of its document's.
        start_stage: Told of counting tokens, for progress.
    """

    def offsets(numbers: Sequence[int]) -> Sequence[NDArray[np.int64]]:
        return token_offsets(reader.tokenizer, [documents[number].text for number in numbers])

    return TextRows.of(protocol, base, Rows.of(blocks, documents, offsets, n_before), reader, start_stage)


def curve_of(bound: Sequence[BoundCondition]) -> FrequencyCurve | None:
    """What a report draws of the first condition that has something to draw."""
    return next((item.curve for item in bound if item.curve is not None), None)
