"""Contexts are those with the largest numbers, one of a document, and follow from the evidence again."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from hypotest.engine.session import Session
from hypotest.pipeline.analysis.contexts import OF_EACH, chosen_contexts, with_numbers
from hypotest.testing.selection import select
from tests.pipeline.planted import make_evidence, make_protocol

PREMISE = {"measure": "selectivity", "contrast": {"null": "size_matched"}, "expects": {"modular": "greater"}}


@pytest.fixture(scope="module")
def chosen():
    protocol, evidence = make_protocol(PREMISE, draws=19), make_evidence(0, effect=1.0)
    split = evidence.evaluation
    places = split.positions.with_columns(index=pl.int_range(pl.len()))  # no two rows in one place
    evidence = dataclasses.replace(evidence, evaluation=dataclasses.replace(split, positions=places))
    selection = select(protocol, evidence, Session.start(protocol.seed).streams)
    return evidence, selection, *chosen_contexts(evidence, selection)


def test_each_neuron_has_its_largest_rows_of_different_documents(chosen):
    evidence, selection, contexts, rows = chosen
    split = evidence.evaluation
    assert [item.neuron for item in contexts.neurons] == list(selection.result.neurons)
    for item in contexts.neurons:
        for shown, values in (
            (item.activating, split.activations[:, item.neuron]),
            (item.affected, np.abs(split.delta_loss[:, item.neuron])),
        ):
            mine = [rows[each.context] for each in shown]
            documents = split.documents[mine]
            assert len(set(documents.tolist())) == len(mine) == OF_EACH
            best = sorted((values[split.documents == number].max() for number in range(40)), reverse=True)
            assert values[mine].tolist() == best[:OF_EACH]


def test_numbers_are_those_of_the_rows(chosen):
    evidence, _, contexts, rows = chosen
    split = evidence.evaluation
    each = contexts.neurons[0].affected[0]
    row = rows[each.context]
    assert each.change == split.delta_loss[row, contexts.neurons[0].neuron]
    assert each.activation == split.activations[row, contexts.neurons[0].neuron]
    shown = contexts.contexts[each.context]
    assert (shown.loss, shown.block) == (split.loss[row], split.blocks[row])
    assert shown.condition == split.positions["condition"][row]


def test_what_is_kept_gets_its_numbers_from_the_evidence(chosen):
    evidence, _, contexts, _ = chosen
    assert with_numbers(contexts, evidence) == contexts
    told = dataclasses.replace(contexts.contexts[0], loss=99.0, condition="?", target=" word")
    kept = dataclasses.replace(contexts, contexts=(told, *contexts.contexts[1:]))
    again = with_numbers(kept, evidence).contexts[0]
    assert again == dataclasses.replace(contexts.contexts[0], target=" word")  # text is kept, numbers are not


def test_a_context_that_the_evidence_does_not_have_is_left_out(chosen):
    evidence, _, contexts, _ = chosen
    elsewhere = dataclasses.replace(contexts.contexts[0], block=10_000)
    again = with_numbers(
        dataclasses.replace(contexts, contexts=(elsewhere, *contexts.contexts[1:])), evidence
    )
    assert all(each.context != 0 for item in again.neurons for each in (*item.activating, *item.affected))
    assert again != contexts
