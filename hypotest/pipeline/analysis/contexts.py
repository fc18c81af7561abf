"""Example contexts: where the neurons of the group are most active, and where ablating them matters most.

They show; nothing is tested on them. Which are shown follows from the evaluation split, and is kept with
their text, so that a run can be checked without its text.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.pipeline.analysis.members import column_of
from hypotest.pipeline.prepare import Prepared
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.results.corpus_result import Context, ContextOfNeuron, Contexts, NeuronContexts
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.tokenizing import passage
from hypotest.testing.selection import Selection

NEURONS = 50
"""First members of the group that have contexts: more than anybody reads."""
OF_EACH = 3
"""Contexts of each kind."""
BEFORE, AFTER = 24, 10
"""Tokens of text around a target."""


def contexts_in_text(evidence: Evidence, selection: Selection, prepared: Prepared) -> Contexts | None:
    """Choose contexts and read them in the text.

    Args:
        evidence: Both splits, of live neurons.
        selection: The group.
        prepared: Text and tokenizer.

    Returns:
        None where the network has no text, or nothing was ablated.
    """
    channels = evidence.evaluation.channels
    subject = prepared.subject
    if not isinstance(subject, LanguageModel) or not {Channel.INFLUENCE, Channel.LOSS} <= set(channels):
        return None
    chosen, rows = chosen_contexts(evidence, selection)
    split = evidence.evaluation
    texts = [
        _read(
            prepared.blocks, subject, int(split.blocks[row]), int(split.indices[row]), int(split.targets[row])
        )
        for row in rows
    ]
    return replace(
        chosen,
        contexts=tuple(
            replace(item, before=before, target=target, after=after)
            for item, (before, target, after) in zip(chosen.contexts, texts, strict=True)
        ),
    )


def chosen_contexts(evidence: Evidence, selection: Selection) -> tuple[Contexts, list[int]]:
    """Contexts without their text, and the rows of the evaluation split that they are."""
    split = evidence.evaluation
    conditions = split.positions["condition"].to_list()
    place_of: dict[int, int] = {}
    neurons = []
    columns = column_of(evidence, selection)
    for number in selection.result.neurons[:NEURONS]:
        column = columns[number]
        activation, change = split.activations[:, column], split.delta_loss[:, column]
        kinds = [
            tuple(
                ContextOfNeuron(
                    place_of.setdefault(row, len(place_of)), float(activation[row]), float(change[row])
                )
                for row in _largest(values, split.documents)
            )
            for values in (activation, np.abs(change))
        ]
        neurons.append(NeuronContexts(int(number), *kinds))
    rows = list(place_of)
    shown = tuple(
        Context(
            block=int(split.blocks[row]),
            index=int(split.indices[row]),
            condition=str(conditions[row]),
            before="",
            target="",
            after="",
            loss=float(split.loss[row]),
        )
        for row in rows
    )
    return Contexts(shown, tuple(neurons)), rows


def with_numbers(kept: Contexts, evidence: Evidence) -> Contexts:
    """The same contexts with their numbers from evidence; those that it does not have are left out.

    Args:
        kept: From a run's results, or chosen just now.
        evidence: Both splits, of live neurons.
    """
    split = evidence.evaluation
    row_of = {
        pair: row for row, pair in enumerate(zip(split.blocks.tolist(), split.indices.tolist(), strict=True))
    }
    numbers = evidence.layer_numbers(np.arange(evidence.n_neurons))
    columns = {number: column for column, number in enumerate(numbers.tolist())}
    rows = [row_of.get((item.block, item.index)) for item in kept.contexts]

    def measured(shown: tuple[ContextOfNeuron, ...], column: int) -> tuple[ContextOfNeuron, ...]:
        return tuple(
            replace(
                item,
                activation=float(split.activations[row, column]),
                change=float(split.delta_loss[row, column]),
            )
            for item in shown
            if 0 <= item.context < len(rows) and (row := rows[item.context]) is not None
        )

    conditions = split.positions["condition"].to_list()
    return Contexts(
        contexts=tuple(
            item
            if row is None
            else replace(item, loss=float(split.loss[row]), condition=str(conditions[row]))
            for item, row in zip(kept.contexts, rows, strict=True)
        ),
        neurons=tuple(
            replace(
                item, activating=measured(item.activating, column), affected=measured(item.affected, column)
            )
            for item in kept.neurons
            if (column := columns.get(item.neuron)) is not None
        ),
    )


def _largest(values: NDArray[np.floating], documents: NDArray[np.integer]) -> list[int]:
    """Rows of the largest values, one of a document; of equal ones the first."""
    rows: list[int] = []
    seen: set[int] = set()
    for row in np.argsort(-np.asarray(values), kind="stable").tolist():
        document = int(documents[row])
        if document not in seen and np.isfinite(values[row]):
            seen.add(document)
            rows.append(row)
            if len(rows) == OF_EACH:
                break
    return rows


def _read(
    blocks: Blocks, subject: LanguageModel, block: int, index: int, target: int
) -> tuple[str, str, str]:
    """Text before a target, the target, and text after it."""
    tokens = blocks.tokens[block, : int(blocks.lengths[block])].tolist()
    end = index if subject.masking is not None else index + 1  # a causal model predicts what comes next
    follows = tokens[end + 1 : end + 1 + AFTER] if end < len(tokens) and tokens[end] == target else []
    return passage(subject.tokenizer, tokens[max(0, end - BEFORE) : end], target, follows)
