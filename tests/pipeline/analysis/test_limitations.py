"""What a run says against itself, from numbers of its own evidence."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.measures.modularity import biased_information
from hypotest.measures.owners import owners_of_variance
from hypotest.pipeline.analysis.limitations import find_limitations
from hypotest.records.evidence.partition import Partition
from hypotest.records.protocol.nulls import nulls_model
from hypotest.records.results.group_result import GroupResult
from hypotest.records.results.prediction_result import NullComparison
from hypotest.studies.calibration.documents import simulate
from hypotest.studies.calibration.settings import Layer
from hypotest.testing.labels import runs_of_labels
from hypotest.testing.selection import Selection
from hypotest.testing.task import Task
from tests.pipeline.planted import make_protocol

NEIGHBOURS = "Two conditions cannot tell"


def rung(null, p_value):
    return NullComparison(
        null, "T(G)", 1.0, 0.0, 1.0, n_draws=99, p_value=p_value, p_error=0.01, percentile=99.0, z=1.0
    )


def prediction(reference="size_matched", measure="hill_alpha", **p_values):
    ladder = tuple(rung(null, p_value) for null, p_value in p_values.items())
    return SimpleNamespace(id="one", measure=measure, reference=reference, variant="", ladder=ladder)


def limitations(item, evidence=None, local=None, **of_the_group):
    """Everything that is said of a run with one prediction.

    Args:
        item: The prediction's result.
        evidence: Of the run.
        local: What is known of its neighbours.
        of_the_group: Of the group's record.
    """
    evidence = evidence or simulate(Layer(), 1)
    protocol = make_protocol({"measure": "hill_alpha", "contrast": {"null": "size_matched"}})
    nulls = nulls_model().model_validate({"size_matched": {}, "local_matched": {}})
    protocol = protocol.model_copy(update={"nulls": nulls})
    group = np.arange(8)
    draws = (
        {}
        if local is None
        else {"local_matched": {"movable": 8, "shared": None, "reliability": None, **local}}
    )
    result = GroupResult(
        tuple(range(8)), evidence.n_neurons, "top_fraction", "declared", (), draws=draws, **of_the_group
    )
    selection = Selection(group, group, np.zeros(0, dtype=bool), result)
    drawn = {"size_matched": None, "local_matched": None}
    return find_limitations(
        SimpleNamespace(text_differs=(), documents_used={}, balance=(), conditions=("rare", "common")),
        (item,),
        Task(protocol, evidence, selection, Session.start(1), drawn=drawn),
        result,
        SimpleNamespace(largest_error_bound=1e-5),
        None,
        vocab_size=50_000,
        curve=None,
    )


def one(texts, words):
    (sentence,) = [text for text in texts if words in text]
    return sentence


def test_what_two_conditions_cannot_tell_is_said_where_neighbours_decide():
    assert "A third condition could" in one(limitations(prediction("local_matched")), NEIGHBOURS)
    beside = limitations(prediction("size_matched", local_matched=0.2), local={})
    assert not any(NEIGHBOURS in text for text in beside)


@pytest.mark.parametrize(("share", "said"), [(None, False), (0.8, False), (0.81, True)])
def test_neighbours_that_are_mostly_the_group_itself_are_mentioned(share, said):
    texts = limitations(prediction(), local={"shared": share})
    assert any("local_matched groups keep 81% of the group's neurons" in text for text in texts) == said
    assert any("local_matched" in text for text in texts) == said


@pytest.mark.parametrize(("reliability", "said"), [(None, False), (0.9, False), (0.89, True), (0.0, True)])
def test_a_match_on_unreliable_influence_is_mentioned(reliability, said):
    texts = limitations(prediction(), local={"reliability": reliability})
    assert any("has a reliability of" in text for text in texts) == said
    if said:
        assert f"a reliability of {reliability:.2f} between halves of the documents" in one(texts, "reliab")


def test_dead_neurons_are_counted():
    evidence = simulate(Layer(), 1)
    texts = limitations(prediction(), evidence, n_dead=3)
    text = one(texts, "never vary")
    assert text.startswith(f"3 of {evidence.n_neurons:,} neurons never vary on the selection split.")
    assert not any("never vary" in text for text in limitations(prediction(), evidence))


@pytest.mark.parametrize(
    ("p_values", "weaker"),
    [
        ({"size_matched": 0.05, "local_matched": 0.051}, True),
        ({"size_matched": 0.05, "local_matched": 0.05}, False),
        ({"size_matched": 0.051, "local_matched": 0.3}, False),
        # Shuffled labels do not tell what follows rarity.
        ({"size_matched": 0.01, "label_shuffled (type)": 0.9}, False),
        ({"size_matched": 0.01}, False),
    ],
)
def test_a_difference_from_random_neurons_alone_is_named(p_values, weaker):
    texts = limitations(prediction("size_matched", **p_values))
    said = [text for text in texts if "differ from random neurons" in text]
    assert bool(said) == weaker
    if weaker:
        assert "as loud and as influential on the second condition: one." in said[0]


def with_variances(variances, numbers=None):
    """Evidence whose first neurons have these variances over the rare positions of the evaluation split."""
    evidence = simulate(Layer(), 4)
    split = evidence.evaluation
    rare = split.mask("rare")
    activations = np.array(split.activations, dtype=np.float64)
    wave = np.where(np.arange(rare.sum()) % 2 == 0, 1.0, -1.0)
    assert rare.sum() % 2 == 0
    for place, variance in enumerate(variances):
        activations[rare, place] = 5.0 + np.sqrt(variance) * wave
        activations[~rare, place] = 0.0  # not looked at
    changed = split.with_channels(activations=activations)
    return dataclasses.replace(evidence, evaluation=changed, numbers=numbers)


def test_neurons_that_own_the_variance_are_named_loudest_first():
    # of 100: 30, 50, 20 (not more than a fifth)
    (said,) = owners_of_variance(with_variances([30.0, 50.0, 20.0]), np.array([0, 1, 2]))
    assert "neuron 1 (50%), neuron 0 (30%)." in said
    assert "neuron 2" not in said
    assert "`scale: correlation`" in said
    assert list(owners_of_variance(with_variances([1.0] * 6), np.arange(6))) == []
    assert list(owners_of_variance(with_variances([0.0] * 3), np.arange(3))) == []


def test_owners_have_their_number_in_the_layer():
    n = simulate(Layer(), 4).n_neurons
    evidence = with_variances([1.0, 9.0], numbers=tuple(range(100, 100 + n)))
    (said,) = owners_of_variance(evidence, np.array([0, 1]))
    assert "neuron 101 (90%)" in said


def of_experts(evidence, replacement="mean"):
    """The evidence with its neurons in experts of ten each."""
    experts, places = np.divmod(np.arange(evidence.n_neurons), 10)
    partition = Partition(tuple(f"expert {n}" for n in range(experts.max() + 1)), experts, places)
    how = dataclasses.replace(evidence.ablation, replacement=replacement)
    return dataclasses.replace(evidence, partition=partition, ablation=how)


def test_owners_in_a_mixture_are_called_by_their_expert():
    evidence = of_experts(with_variances([*[0.0] * 13, 1.0, 9.0]))
    (said,) = owners_of_variance(evidence, np.array([13, 14]))
    assert "expert 1, neuron 4 (90%)" in said


@pytest.mark.parametrize(("replacement", "said"), [("mean", True), ("resample", True), ("zero", False)])
def test_ablations_of_experts_at_rows_that_went_elsewhere_are_mentioned(replacement, said):
    words = "did not send to their expert"
    texts = limitations(prediction(), of_experts(simulate(Layer(), 1), replacement))
    assert any(words in text for text in texts) == said
    assert not any(words in text for text in limitations(prediction()))


@pytest.mark.parametrize(
    ("measure", "said"),
    [("effective_dimension", True), ("participation_ratio", True), ("hill_alpha", False)],
)
def test_owners_are_looked_for_where_a_dimension_is_measured(measure, said):
    texts = limitations(prediction(measure=measure), with_variances([100.0, *[1.0] * 7]))
    assert any("neuron 0 (93%)" in text for text in texts) == said


def test_labels_in_runs_are_mentioned_with_how_many_neighbours_are_alike():
    in_runs = simulate(Layer(run=6), 1).evaluation
    (said,) = runs_of_labels(in_runs)
    # Documents of 6 rare and 6 common positions in two runs: 10 of 11 pairs of neighbours are alike.
    assert "same label in 91% of pairs (50% by chance)" in said


def test_labels_in_random_order_are_not():
    shuffled = simulate(Layer(n_documents=100, per_document=12), 2).evaluation
    assert list(runs_of_labels(shuffled)) == []


def test_q_of_noise_is_mentioned_with_the_share_that_noise_explains():
    independent = simulate(Layer(loading=0.0, document_share=0.0, n_documents=40), 3)
    group = np.arange(16)
    # 240 rare positions: 1 / 480 nats are what independent neurons show, and these are independent.
    (said,) = biased_information(independent, group)
    share = int(said.removeprefix("At least ").split("%")[0])
    assert 85 <= share <= 100
    assert "240 positions" in said
    coordinated = simulate(Layer(loading=0.9), 3)
    assert list(biased_information(coordinated, group)) == []
