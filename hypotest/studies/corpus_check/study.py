"""How many rare and common positions a text will give, before a model is loaded."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from hypotest.corpora.conditions import SPLITS, count_positions
from hypotest.corpora.frequencies import FrequencyCuts
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import Session
from hypotest.errors import CorpusError, ProtocolError
from hypotest.pipeline.positions import describe_frequencies, find_positions
from hypotest.pipeline.preflight import check_command, results_folder
from hypotest.pipeline.reach import check_reach
from hypotest.pipeline.registered import kept_out_of_evaluation
from hypotest.pipeline.subject import layer_width
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.studies.corpus_check.page import cut_lines, write_corpus_check
from hypotest.studies.corpus_check.record import CorpusCheck, SplitCount
from hypotest.subjects.loading import load_reader


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
    check_command(out=results_folder(plan, out))
    step = start_stage("tokenizer, text and positions", 3)
    revision = plan.subject.revision  # the checkpoints of one training share a tokenizer
    first = revision[0] if isinstance(revision, tuple) else revision
    reader = load_reader(plan.subject.model, revision=first, base=path.parent)
    step()
    kept_out = kept_out_of_evaluation(path)
    cuts: list[FrequencyCuts] = []
    try:
        found = find_positions(
            plan, path.parent, reader, Session.start(plan.seed, start_stage), step, kept_out, cuts.append
        )
        check_reach(plan, found, layer_width(plan, reader), path)
    except (CorpusError, ProtocolError) as error:
        # positions or relabellings are short because of the cuts, so that these must be seen
        if cuts:
            error.args = ("\n".join([*(cut_lines(item) for item in cuts), f"error: {error}"]),)
        raise
    result = CorpusCheck(
        protocol_id=plan.id,
        title=plan.title,
        model=plan.subject.model,
        sources=tuple(str(source) for source in found.sources),
        documents=len(found.documents),
        blocks=len(found.blocks.tokens),
        context=plan.corpus.context,
        tokens=int(found.blocks.lengths.sum()) - len(found.blocks.tokens) * (found.bos is not None),
        text_tokens=found.blocks.text_tokens,
        padded=found.blocks.n_padded,
        empty=sum(source.n_empty for source in found.sources),
        copies=sum(source.n_copies for source in found.sources),
        rare_in_text=found.sampled.eligible_rare,
        possible=dict(found.sampled.eligible),
        asked=plan.conditions.positions,
        counts=tuple(
            _count(found.sampled.positions, split, condition)
            for split in SPLITS
            for condition in ("rare", "common")
        ),
        frequencies=describe_frequencies(found.cuts),
        folder=results_folder(plan, out) / "corpus",
    )
    write_corpus_check(result)
    return result


def _count(positions: pl.DataFrame, split: str, condition: str) -> SplitCount:
    rows = positions.filter((pl.col("split") == split) & (pl.col("condition") == condition))
    return SplitCount(split=split, condition=condition, **count_positions(rows)._asdict())
