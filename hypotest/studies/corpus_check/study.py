"""Which positions a text will give for both conditions, before a model is loaded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

from hypotest.corpora.sampling import SPLITS, count_positions
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.errors import CorpusError, ProtocolError
from hypotest.pipeline.checks.preflight import check_command, results_folder
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.corpus import row_balance
from hypotest.pipeline.registered.registered import kept_out_of_evaluation
from hypotest.pipeline.subject import layer_width, require_neurons
from hypotest.pipeline.texts.positions import FoundPositions, find_positions
from hypotest.predicates.combine import condition_words
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.studies.corpus_check.page import write_corpus_check
from hypotest.studies.corpus_check.record import ConditionSample, CorpusCheck, Excerpt, SplitCount
from hypotest.subjects.loading.loading import Reader, load_reader
from hypotest.subjects.token_texts import decoded

TARGETS = 12
"""Most frequent targets of a condition that are shown."""
EXCERPTS = 4
"""Positions of a condition that are shown in their text."""
AROUND = 12
"""Tokens on either side."""


def check_corpus(
    protocol: str | Path, *, out: str | Path | None = None, start_stage: StartStage = silent
) -> CorpusCheck:
    """Count the positions of a protocol's text, with its tokenizer and no model.

    They are the positions that a run will look at: drawn by the same code with the same random numbers.

    Args:
        protocol: Path of the protocol.
        out: Folder that gets ``<out>/<protocol id>/corpus``; default ``reports``.
        start_stage: Told of stages, for progress.

    Raises:
        ProtocolError: If the protocol cannot be run, or has too few distinct relabellings on this text (as
            `run` refuses it; says how types were cut); carries every problem.
        SubjectError: If the tokenizer cannot be had.
        CorpusError: If the text gives too few positions (says how types were cut and how many positions it
            gives), or cannot be read.
    """
    path = protocol_file(protocol)
    plan = load_protocol(path)
    if len(plan.subject.models) > 1:
        raise ProtocolError(
            f"{path} subject.model: must be one for `hypotest corpus check`, since models cut a text in "
            "ways of their own; found several: name one"
        )
    check_command(out=results_folder(plan, out))
    step = start_stage("tokenizer, text and positions", 3)
    revision = plan.subject.revision  # the checkpoints of one training share a tokenizer
    first = revision[0] if isinstance(revision, tuple) else revision
    reader = load_reader(plan.subject.name, revision=first, base=path.parent)
    step()
    kept_out = kept_out_of_evaluation(path)
    cuts: list[str] = []
    try:
        drawn = find_positions(
            plan, path.parent, reader, Session.start(plan.seed, start_stage), step, kept_out, cuts.extend
        )
        width = layer_width(plan, reader, path.parent)
        require_neurons(plan, width, None)
        check_reach(plan, drawn, width, path)
    except (CorpusError, ProtocolError) as error:
        # positions or relabellings are short because of what predicates found, so that this must be seen
        if cuts:
            error.args = ("\n".join([*cuts, f"error: {error}"]),)
        raise
    result = CorpusCheck(
        protocol_id=plan.id,
        title=plan.title,
        words=material_words(plan, "masked" if reader.is_masked else "next"),
        model=plan.subject.name,
        sources=tuple(str(source) for source in drawn.sources),
        documents=len(drawn.documents),
        blocks=len(drawn.blocks.tokens),
        context=drawn.blocks.tokens.shape[1],
        tokens=int(drawn.blocks.lengths.sum()) - len(drawn.blocks.tokens) * (drawn.bos is not None),
        text_tokens=drawn.blocks.text_tokens,
        padded=drawn.blocks.n_padded,
        empty=sum(source.n_empty for source in drawn.sources),
        copies=sum(source.n_copies for source in drawn.sources),
        available=dict(drawn.sampled.available),
        possible=dict(drawn.sampled.eligible),
        asked=plan.sample.positions,
        counts=tuple(
            _count(drawn.sampled.positions, split, condition) for split in SPLITS for condition in plan.names
        ),
        balance=row_balance(
            plan,
            drawn.blocks,
            drawn.text.counts_if_read(),
            drawn.sampled.positions.filter(pl.col("split") == SPLITS[1]),
            Streams(plan.seed),
        ),
        remarks=drawn.remarks,
        samples=tuple(_sample(plan, drawn, reader, name) for name in plan.names),
        frequencies=drawn.curve,
        folder=results_folder(plan, out) / "corpus",
    )
    write_corpus_check(result)
    return result


def _sample(plan: Protocol, drawn: FoundPositions, reader: Reader, condition: str) -> ConditionSample:
    """The most frequent targets, and some positions in their text."""
    rows = drawn.sampled.positions.filter(pl.col("condition").cast(pl.String) == condition)
    counted = Counter(rows["target"].to_list())
    frequent = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:TARGETS]
    places = np.linspace(0, rows.height - 1, min(EXCERPTS, rows.height)).astype(int).tolist()
    shown = rows.select("block", "index")[places]
    return ConditionSample(
        condition=condition,
        definition=condition_words(plan.conditions[condition]),
        frequent=tuple((decoded(reader.tokenizer, [target]), number) for target, number in frequent),
        excerpts=tuple(_excerpt(drawn, reader, block, index) for block, index in shown.iter_rows()),
    )


def _excerpt(drawn: FoundPositions, reader: Reader, block: int, index: int) -> Excerpt:
    tokens = drawn.blocks.tokens[block, : drawn.blocks.lengths[block]].tolist()
    parts = (
        tokens[max(int(drawn.bos is not None), index + 1 - AROUND) : index + 1],
        tokens[index + 1 : index + 2],
        tokens[index + 2 : index + 2 + AROUND],
    )
    return Excerpt(*(decoded(reader.tokenizer, part) for part in parts))


def _count(positions: pl.DataFrame, split: str, condition: str) -> SplitCount:
    rows = positions.filter((pl.col("split") == split) & (pl.col("condition").cast(pl.String) == condition))
    return SplitCount(split=split, condition=condition, **count_positions(rows)._asdict())
