"""Lesions of whole groups for an analysis, collected where its measures read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from hypotest.collect.lesions import AskedLesions, check_lesions, collect_lesions, lesions_key, read_lesions
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.engine.session import Session
from hypotest.pipeline.analysis.lesioned import groups_to_lesion, reads_lesions
from hypotest.pipeline.collection import documents_of_blocks, log_use
from hypotest.pipeline.prepare import Prepared
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.seen import Use

MOST_OF_NEITHER = 1024
"""Rows of neither condition at which groups are lesioned, at most."""


def lesioned(
    plans: Sequence[Protocol],
    prepared: Prepared,
    evidence: Evidence,
    source: SplitEvidence,
    after: str,
    session: Session,
    use: Use = "evaluation",
) -> tuple[Evidence, str]:
    """Evidence with the lesions that analyses of it read; as it is where no measure reads any.

    Args:
        plans: Whose analyses, which differ in the size of the group, say; the first one's conditions count.
        prepared: Subject, text and positions.
        evidence: Both splits, or two parts of the selection split, of every neuron.
        source: What ablated neurons are set to: the selection split, whole.
        after: Name of its evidence.
        session: Cache, memory, random streams and progress.
        use: What for; the log says before that the documents are looked at.

    Returns:
        The evidence, and the name of its lesions; empty without any.

    Raises:
        EvidenceError: If no group can be selected, a change is not finite, or cached arrays are damaged.
        SelfCheckError: If a lesion differs from an intervention in the whole model.
        OutputError: If the cache cannot be written.
    """
    wanted = [plan for plan in plans if reads_lesions(plan)]
    if not wanted:
        return evidence, ""
    groups: dict[tuple[int, ...], bool] = {}
    for plan in wanted:
        for group, random in zip(*groups_to_lesion(plan, evidence, session), strict=True):
            groups.setdefault(tuple(group.tolist()), bool(random))
    asked = AskedLesions(tuple(np.array(group) for group in groups), np.array(list(groups.values())))
    splits = {"evaluation": evidence.evaluation}
    if any(plan.splits > 1 for plan in wanted):  # where rows change sides
        splits = {"selection": evidence.selection, **splits}
    replacement, tokens = Replacement.behind(evidence.ablation, source), prepared.blocks.tokens
    neither = rows_of_neither(wanted[0], prepared, evidence.evaluation, session)
    subject = prepared.subject
    outcome = evidence.ablation.outcome
    key = lesions_key(splits, neither, asked, after)
    blocks = np.unique(np.concatenate([split.blocks for split in splits.values()]))
    log_use(wanted[0], prepared, session, use, documents_of_blocks(prepared, blocks), key)
    collect_lesions(subject, tokens, splits, neither, replacement, asked, key, session, outcome)
    extended = with_lesions(evidence, read_lesions(session.evidence, key))
    check_lesions(
        subject,
        tokens,
        extended.evaluation,
        extended.evaluation.group_lesions,
        replacement,
        evidence.ablation.tolerance,
        session.streams("self-check of lesions"),
        outcome,
    )
    return extended, key


def with_lesions(evidence: Evidence, lesions: Mapping[str, Lesions]) -> Evidence:
    """The evidence with lesions of some of its splits."""
    return replace(
        evidence,
        selection=replace(evidence.selection, lesions=lesions.get("selection")),
        evaluation=replace(evidence.evaluation, lesions=lesions.get("evaluation")),
    )


def rows_of_neither(plan: Protocol, prepared: Prepared, split: SplitEvidence, session: Session) -> Sample:
    """Rows that belong to neither condition, in the blocks of a split: what a lesion does off target.

    Args:
        plan: Its conditions.
        prepared: The text.
        split: Whose blocks.
        session: Random streams: which rows, where there are more than `MOST_OF_NEITHER`.
    """
    text = prepared.text
    both = text.candidates(text.bound(plan))
    rows, blocks = text.rows, text.blocks
    places = (rows.block, rows.index)
    free = ~(both.first[places] | both.second[places]) & np.isin(rows.block, split.blocks)
    free_places = np.flatnonzero(free)
    if free_places.size > MOST_OF_NEITHER:
        drawn = session.streams("rows of neither condition").choice(
            free_places.size, MOST_OF_NEITHER, replace=False
        )
        free_places = free_places[np.sort(drawn)]
    block, index = rows.block[free_places], rows.index[free_places]
    order = np.lexsort((index, block))
    block, index = block[order], index[order]
    frame = pl.DataFrame(
        {
            "document": blocks.document[block].astype(np.int32),
            "block": block.astype(np.int32),
            "index": index.astype(np.int32),
            "target": blocks.tokens[block, index + 1].astype(np.int32),
            **{name: values[block] for name, values in blocks.columns.items()},
            "split": pl.Series(["neither"] * block.size, dtype=pl.String),
        }
    )
    return Sample(blocks.tokens, frame, np.empty(0, dtype=np.int64))
