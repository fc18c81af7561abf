"""Results come together in one place: what evidence tells anew, and what only the model tells, kept."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from hypotest.corpora.balance import number_balance
from hypotest.engine.session import Session
from hypotest.pipeline.analysis.ablation_effects import JointAblation
from hypotest.pipeline.analysis.results import ModelFacts, analyse_every_split, assemble
from hypotest.pipeline.corpus import TextFacts, corpus_result
from hypotest.records.results.corpus_result import CrossEntropy
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.records.results.self_check import SelfCheck
from hypotest.report.results_file import json_text, parse_results, results_text
from tests.pipeline.planted import certified, make_evidence, make_protocol

DIMENSION = {
    "measure": "effective_dimension",
    "contrast": {"null": "size_matched"},
    "expects": {"modular": "any", "distributed": "less"},
}
FACTS = ModelFacts(
    subject={"name": "planted", "n_neurons": 0, "d_model": 0, "vocab_size": 512},
    text=TextFacts(
        source="text files",
        documents=99,
        blocks=40,
        available={"rare": 1_000, "common": 5_000},
        text_differs=(),
        bos=None,
        mask=None,
        text_tokens=9_999,
        padded_blocks=10,
        padded_tokens=700,
        empty=0,
        copies=0,
        frequent={name: tuple(f"token {place}" for place in range(20)) for name in ("rare", "common")},
        balance=(number_balance("index", np.arange(8.0), np.arange(8) < 4),),
    ),
    joint=JointAblation(together=0.5, random_together=0.25, random_together_sd=0.125),
    self_check=SelfCheck(n_pairs=64, n_values=200, largest_difference=1e-6, tolerance=1e-4),
    cross_entropy=CrossEntropy(nats=3.0, unigram=5.0, chance=np.log(512), n_tokens=100, n_blocks=4),
    frequencies=FrequencyCurve((0.0, 1.0), (2.0, 1.0), None, 3, 160, 60, 0, (1, 4), "rare"),
)


@pytest.fixture(scope="module")
def assembled():
    protocol, evidence = make_protocol(DIMENSION, draws=19), certified(make_evidence(0))
    tested = analyse_every_split(protocol, evidence, (), Session.start(protocol.seed))
    return protocol, evidence, tested, assemble(protocol, evidence, tested, FACTS, None)


def test_what_the_model_told_is_found_again_in_the_results(assembled):
    protocol, evidence, tested, results = assembled
    told = ModelFacts.stored(results)
    sizes = {"n_neurons": evidence.n_neurons, "d_model": evidence.weights.output.shape[1]}
    assert told == dataclasses.replace(FACTS, subject={**FACTS.subject, **sizes})
    assert assemble(protocol, evidence, tested, told, None) == results


def test_they_are_what_the_file_holds(assembled):
    results = assembled[-1]
    assert parse_results(results_text(results), "results.json") == results
    check = json.loads(json_text(results))["self_check"]
    assert check == {"n_pairs": 64, "n_values": 200, "largest_difference": 1e-6, "tolerance": 1e-4}


def test_what_evidence_tells_comes_from_evidence(assembled):
    _, evidence, tested, results = assembled
    assert results.group == tested.task.selection.result
    assert results.ablation.group.together == 0.5
    single = evidence.evaluation.delta_loss[evidence.evaluation.mask("rare")].mean(axis=0)
    assert results.ablation.group.sum_of_single == pytest.approx(single[tested.task.selection.group].sum())
    assert results.corpus.positions == {
        f"{split} {condition}": 400
        for split in ("selection", "evaluation")
        for condition in ("rare", "common")
    }


def test_tokens_of_the_text_are_counted_by_its_blocks():
    """30 whole blocks and 10 padded ones with 700 tokens of text; the first token of a block is no target."""
    protocol = make_protocol(DIMENSION)
    length = protocol.corpus.context
    corpus = corpus_result(protocol, FACTS.text, make_evidence(0))
    assert corpus.tokens == 30 * length + 700
    assert corpus.per_thousand["rare"] == 1000 * 1_000 / (30 * length + 700 - 40)
    begun = corpus_result(protocol, dataclasses.replace(FACTS.text, bos="<s>"), make_evidence(0))
    assert begun.tokens == 30 * (length - 1) + 700


def test_a_token_without_a_name_has_its_count():
    few = dataclasses.replace(FACTS.text, frequent={"rare": ("one",)})
    named = corpus_result(make_protocol(DIMENSION), few, make_evidence(0)).frequent["rare"]
    assert [name for name, _ in named] == ["one", *["?"] * 19]
    assert [count for _, count in named] == sorted((count for _, count in named), reverse=True)
