import gc
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from hypotest.collect.evidence import collect_evidence
from hypotest.collect.evidence_folder import read_evidence
from hypotest.collect.sample import evidence_keys
from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.pipeline.analysis.analysis import group_values
from hypotest.pipeline.prepare import prepare
from hypotest.pipeline.untrained import collect_untrained, describe_untrained
from hypotest.records.evidence.channels import Channel
from hypotest.registration import load_protocol
from hypotest.subjects.untrained import untrained_model
from tests.collect.families import hooked_losses
from tests.functional.conftest import PROTOCOL

pytestmark = pytest.mark.slow

MEMORY = 1.0


@pytest.fixture(scope="module")
def plan(tmp_path_factory, small_model_folder, small_documents):
    folder = tmp_path_factory.mktemp("untrained")
    names = [f"{number}.txt" for number in range(len(small_documents))]
    for name, text in zip(names, small_documents, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    text = PROTOCOL.replace("MODEL", str(small_model_folder)).replace("FILES", ", ".join(names))
    (folder / "small.yaml").write_text(text.replace("nulls:", "nulls:\n  untrained: {networks: 2}", 1))
    return load_protocol(folder / "small.yaml"), folder


@pytest.fixture(scope="module")
def prepared(plan):
    return prepare(plan[0], plan[1], Session.start(plan[0].seed, device="cpu"), kept_out=())


def with_untrained(plan, **declared):
    nulls = plan.nulls.model_copy(
        update={"untrained": NULLS["untrained"].options(**declared) if declared else None}
    )
    return plan.model_copy(update={"nulls": nulls})


def collect(plan, prepared, cache, use, start_stage=silent):
    session = Session.start(plan.seed, start_stage, memory=MEMORY)
    return collect_untrained(plan, prepared, replace(session, anew=cache), use)


def delta_loss(evidence):
    return evidence.selection.delta_loss.copy(), evidence.evaluation.delta_loss.copy()


@pytest.fixture(scope="module")
def collected(plan, prepared, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return collect(plan[0], prepared, cache, delta_loss), cache


def test_each_network_has_evidence_of_its_own(prepared, collected):
    networks, _ = collected
    assert [network.number for network in networks] == [0, 1]
    keys = [prepared.keys, *(network.keys for network in networks)]
    assert len({key for both in keys for key in (both.selection, both.evaluation)}) == 6
    assert len({prepared.subject.fingerprint, *(network.fingerprint for network in networks)}) == 3
    assert not np.allclose(networks[0].value[0], networks[1].value[0])


def test_positions_and_ablation_are_the_subjects(plan, prepared, tmp_path):
    one = with_untrained(plan[0], networks=1, weights="permuted")
    (network,) = collect(one, prepared, tmp_path, lambda evidence: evidence)
    for split, name in ((network.value.selection, "selection"), (network.value.evaluation, "evaluation")):
        columns = ["document", "block", "index", "target", "condition"]
        assert split.positions.select(columns).equals(prepared.samples[name].positions.select(columns))
    assert network.value.ablation == prepared.ablation


def test_changes_of_loss_are_those_of_the_untrained_network(plan, prepared, tmp_path):
    one = with_untrained(plan[0], networks=2)
    evidence = collect(one, prepared, tmp_path, lambda evidence: evidence)[1].value
    model = untrained_model(prepared.subject, 1, "fresh", plan[0].seed)
    frame = evidence.evaluation.positions.head(20)
    block, index = frame["block"].to_numpy().astype(np.int64), frame["index"].to_numpy().astype(np.int64)
    tokens = prepared.blocks.tokens[: block.max() + 1]
    base = hooked_losses(model, tokens, block, index)
    np.testing.assert_allclose(evidence.evaluation.loss[:20], base, atol=1e-5)
    ablated = np.flatnonzero(~np.isnan(evidence.evaluation.delta_loss[0]))
    for neuron in ablated[[0, -1]].tolist():
        after = {neuron: evidence.mean_activation[neuron]}
        expected = hooked_losses(model, tokens, block, index, after) - base
        np.testing.assert_allclose(evidence.evaluation.delta_loss[:20, neuron], expected, atol=2e-6)
        assert np.abs(expected).max() > 1e-4


def predicting(plan, measure):
    """A plan with one prediction, on a measure with its own options."""
    (item,) = (item for item in plan.predictions if item.id == "coordination")
    alone = item.model_copy(update={"measure": measure, "options": {}})
    return plan.model_copy(update={"predictions": (alone,)})


def channels_of(evidence):
    """What of the evaluation split was collected."""
    split = evidence.evaluation
    channels = {
        Channel.ACTIVATIONS: Channel.ACTIVATIONS in split.channels,
        Channel.INFLUENCE: Channel.INFLUENCE in split.channels,
        Channel.HEADS: split.heads is not None,
    }
    assert Channel.ATTENTION not in split.channels
    return {channel for channel, there in channels.items() if there}


def measured_and_whole(plan, prepared, cache):
    """Values and evidence of an untrained network from what is read of it, and from all that there is."""
    one = with_untrained(plan, networks=1)
    (network,) = collect(one, prepared, cache, lambda evidence: (group_values(plan, evidence), evidence))
    model = untrained_model(prepared.subject, 0, "fresh", plan.seed)
    keys = evidence_keys(model, prepared.samples, prepared.ablation)
    session = Session.start(plan.seed, memory=MEMORY)
    collect_evidence(model, prepared.samples, keys, prepared.ablation, cache, session)
    whole = read_evidence(cache, keys)
    return *network.value, group_values(plan, whole), whole


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="sums of one order")
@pytest.mark.parametrize("layer", ["last", 2])
def test_what_is_collected_is_what_it_would_be_among_the_rest(plan, tmp_path, layer):
    subject = plan[0].subject.model_copy(update={"layer": layer})
    asked = plan[0].model_copy(update={"subject": subject})
    prepared = prepare(asked, plan[1], Session.start(asked.seed, device="cpu"), kept_out=())
    assert prepared.ablation.engine == ("identity" if layer == "last" else "interventions")
    values, evidence, expected, whole = measured_and_whole(asked, prepared, tmp_path)
    assert values == expected
    assert len(values) >= 5 and np.isfinite(list(values.values())).all()
    for one, other in ((evidence.selection, whole.selection), (evidence.evaluation, whole.evaluation)):
        np.testing.assert_array_equal(one.activations, other.activations)
        known = ~np.isnan(one.head_ablation.single)
        np.testing.assert_array_equal(one.head_ablation.single[known], other.head_ablation.single[known])
        assert known.any() and np.isnan(one.head_ablation.layer).all()
        for name in ("delta_loss", "error_bound"):
            there = ~np.isnan(one.delta_loss)
            np.testing.assert_array_equal(getattr(one, name)[there], getattr(other, name)[there])
    ablated = ~np.isnan(evidence.selection.delta_loss).all(axis=1)
    rare = evidence.selection.mask("rare")
    np.testing.assert_array_equal(ablated, rare if layer == "last" else np.ones_like(rare))
    assert not np.isnan(evidence.selection.head_ablation.single).any()
    heads = np.flatnonzero(~np.isnan(evidence.evaluation.head_ablation.single).any(axis=(0, 2)))
    assert heads.size == 1  # the one that changes the group most
    group = np.flatnonzero(~np.isnan(evidence.evaluation.delta_loss).any(axis=0))
    assert 0 < group.size < 0.3 * evidence.n_neurons


@pytest.mark.parametrize(
    "measure",
    [
        name
        for name, item in MEASURES.items()
        if isinstance(item, GroupMeasure) and Channel.PARTITION not in item.needs  # which no such model has
    ],
)
def test_what_a_measure_needs_is_enough_and_nothing_else_is_collected(plan, prepared, tmp_path, measure):
    values, evidence, expected, _ = measured_and_whole(predicting(plan[0], measure), prepared, tmp_path)
    assert np.isfinite(expected["coordination"])
    assert values == pytest.approx(expected, rel=1e-6)
    needs = set(MEASURES[measure].needs)
    everywhere = {Channel.ACTIVATIONS, Channel.WEIGHTS}  # weights are read, not collected
    assert channels_of(evidence) - everywhere == needs - everywhere
    seen = needs & {Channel.ACTIVATIONS, Channel.INFLUENCE}  # activations come with every ablation
    assert (Channel.ACTIVATIONS in channels_of(evidence)) == bool(seen)
    assert (evidence.selection.heads is not None) == (Channel.HEADS in needs)


def test_the_second_call_needs_no_forward_pass(plan, prepared, collected, monkeypatch):
    networks, cache = collected
    assert not any(network.was_cached for network in networks)

    def forward(*arguments, **keywords):
        raise AssertionError("a forward pass")

    stages = [("stages.forward", "forward_arrays"), ("stages.ablation", "intervention_arrays")]
    others = (("stages.heads", "head_ablation_arrays"), ("engine", "NeuronAblation"))
    for module, name in (*stages, *others):
        monkeypatch.setattr(f"hypotest.collect.{module}.{name}", forward)
    monkeypatch.setattr(type(prepared.subject.model), "forward", forward)
    again = collect(plan[0], prepared, cache, delta_loss)
    assert [network.keys for network in again] == [network.keys for network in networks]
    assert all(network.was_cached for network in again)
    for one, other in zip(networks, again, strict=True):
        np.testing.assert_array_equal(one.value, other.value)
    more = with_untrained(plan[0], networks=3)
    with pytest.raises(AssertionError, match="a forward pass"):  # which the third network needs
        collect(more, prepared, cache, delta_loss)


def test_a_series_goes_on_behind_the_networks_that_are_there(plan, prepared, collected, tmp_path):
    networks, cache = collected
    shutil.copytree(cache, tmp_path / "cache")
    three = collect(with_untrained(plan[0], networks=3), prepared, tmp_path / "cache", delta_loss)
    assert [network.was_cached for network in three] == [True, True, False]
    assert [network.keys for network in three[:2]] == [network.keys for network in networks]


def test_seed_and_kind_of_weights_make_another_series(plan, prepared, collected, tmp_path):
    keys = {network.keys for network in collected[0]}
    other_seed = plan[0].model_copy(update={"seed": plan[0].seed + 1})
    permuted = with_untrained(plan[0], networks=2, weights="permuted")
    for other in (other_seed, permuted):
        assert not keys & {network.keys for network in collect(other, prepared, tmp_path, lambda _: None)}


def test_one_network_is_held_at_a_time(plan, prepared, tmp_path, monkeypatch):
    models, arrays = [], []

    def remembered(*arguments):
        model = untrained_model(*arguments)
        models.append(weakref.ref(model.model))
        return model

    def use(evidence):
        assert all(model() is None for model in models)
        assert all(earlier() is None for earlier in arrays)
        arrays.append(weakref.ref(evidence.selection.delta_loss))

    monkeypatch.setattr("hypotest.pipeline.untrained.untrained_model", remembered)
    gc.disable()  # what lives on until the next collection is held, too
    try:
        collect(plan[0], prepared, tmp_path, use)
    finally:
        gc.enable()
    assert len(models) == len(arrays) == 2


def test_the_ranking_by_influence_is_no_noise(plan, prepared, tmp_path):
    for weights in ("fresh", "permuted"):
        one = with_untrained(plan[0], networks=1, weights=weights)
        (network,) = collect(one, prepared, tmp_path, lambda evidence: evidence.selection)
        rare = network.value.mask("rare")
        influence = np.abs(network.value.delta_loss[rare]).mean(axis=0)
        assert network.influence_sd == pytest.approx(influence.std(ddof=1), rel=1e-5)
        assert network.influence_error == network.value.error_bound[rare].astype(float).mean(axis=0).max()
        assert 0 < network.influence_error < 0.05 * network.influence_sd


def test_progress_counts_networks(plan, prepared, collected):
    told = []

    def start_stage(stage, n_steps):
        told.append((stage, n_steps))
        return lambda: told.append("step")

    collect(plan[0], prepared, collected[1], lambda _: None, start_stage)
    assert told == [("untrained networks (fresh weights)", 2), "step", "step"]


def test_nothing_is_done_without_the_null(plan, prepared, tmp_path):
    none = with_untrained(plan[0])
    assert collect(none, prepared, tmp_path, delta_loss) == ()
    assert describe_untrained(none, prepared, ()) == {}
    assert not list(tmp_path.iterdir())


def test_the_manifest_names_matrices_weights_and_evidence(plan, prepared, collected):
    networks, _ = collected
    described = describe_untrained(plan[0], prepared, networks)
    assert described["weights"] == "fresh"
    # embedding, unembedding, and per block: query/key/value, attention output, both projections of the MLP
    assert len(described["matrices"]) == 2 + 4 * 4
    assert "gpt_neox.layers.3.mlp.dense_4h_to_h.weight" in described["matrices"]
    assert [item["evaluation"] for item in described["networks"]] == [n.keys.evaluation for n in networks]
    assert [item["weights_sha256"] for item in described["networks"]] == [n.fingerprint for n in networks]
    assert not any(item["was_cached"] for item in described["networks"])
