"""Mixtures of experts: everything that is collected, against their inside written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hypotest.collect.forward import forward_arrays
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.heads import head_ablation_arrays
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import check_ablation, intervene
from hypotest.errors import SelfCheckError
from hypotest.records.evidence.evidence import AblationMethod
from tests.collect.mixtures import MIXTURES, N_EACH, N_EXPERTS, Inside, positions, set_to, small_mixture

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("name", MIXTURES)
def test_activations_are_what_reaches_the_residual_stream(name, layer):
    subject = small_mixture(name, layer)
    tokens, block, index, _ = positions()
    seen = forward_arrays(subject, tokens, block, index)
    true = Inside(subject).logits(tokens)
    np.testing.assert_allclose(seen["activations"], true.neurons[block, index], atol=1e-5)
    elsewhere = np.repeat(true.weights[block, index] == 0, N_EACH, axis=1)
    assert 0.4 < elsewhere.mean() < 0.6  # two of four experts
    assert (seen["activations"][:, : N_EXPERTS * N_EACH][elsewhere] == 0).all()
    router = seen["router"]
    np.testing.assert_allclose(router.sum(axis=1), 1, atol=1e-6)
    chosen = true.weights[block, index]
    ratio = np.where(chosen > 0, chosen / router, np.nan)  # weights are in proportion to probabilities
    np.testing.assert_allclose(np.nanmax(ratio, axis=1), np.nanmin(ratio, axis=1), rtol=1e-4)


@pytest.mark.parametrize("name", MIXTURES)
def test_the_certified_identity_holds_in_the_last_block(name):
    subject = small_mixture(name)
    assert not subject.identity_obstacle
    tokens, block, index, target = positions()
    seen = forward_arrays(subject, tokens, block, index, attention=False)
    replacement = Replacement.of("mean", seen["activations"], block, index, 0)
    after = replacement.at(block, index, tokens.shape[1])
    changes = NeuronAblation(prepare_readout(subject))(seen["residual"], seen["activations"], after, target)
    inside = Inside(subject)
    base = inside.losses(tokens, block, index)
    np.testing.assert_allclose(changes["loss"], base, atol=1e-4)
    for neuron in [*range(0, subject.n_neurons, 3), subject.n_neurons - 1]:
        true = inside.losses(tokens, block, index, {neuron: set_to(replacement, neuron)}) - base
        np.testing.assert_allclose(changes["delta_loss"][:, neuron], true, atol=1.2e-4)
    assert np.abs(changes["delta_loss"]).max() > 0.02


@pytest.mark.parametrize("kind", ["mean", "zero", "resample"])
@pytest.mark.parametrize("name", MIXTURES)
def test_forward_passes_elsewhere(name, kind):
    subject = small_mixture(name, 0)
    tokens, block, index, _ = positions()
    seen = forward_arrays(subject, tokens, block, index, attention=False)
    replacement = Replacement.of(kind, seen["activations"], block, index, 9)
    changes = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    inside = Inside(subject)
    base = inside.losses(tokens, block, index)
    np.testing.assert_allclose(changes["loss"], base, atol=2e-5)
    for neuron in [*range(0, subject.n_neurons, 5), subject.n_neurons - 1]:
        true = inside.losses(tokens, block, index, {neuron: set_to(replacement, neuron)}) - base
        np.testing.assert_allclose(changes["delta_loss"][:, neuron], true, atol=5e-5)
    assert np.abs(changes["delta_loss"]).max() > 0.01


@pytest.mark.parametrize("name", MIXTURES)
def test_one_neuron_and_many_in_the_whole_model(name):
    subject = small_mixture(name, 0)
    before = subject.fingerprint
    tokens, block, index, _ = positions()
    inside = Inside(subject)
    base = inside.losses(tokens, block, index)
    group = np.array([3, 17, subject.n_neurons - 1])
    after = np.array([[0.3, -0.2, 0.5]], dtype=np.float32)
    values = {
        int(neuron): np.full(tokens.shape, value) for neuron, value in zip(group, after[0], strict=True)
    }
    true = inside.losses(tokens, block, index, values) - base
    rows = np.flatnonzero(block == 2)
    change, loss = intervene(subject, tokens[2], index[rows], group, after)
    np.testing.assert_allclose(change, true[rows], atol=5e-5)
    np.testing.assert_allclose(loss, base[rows], atol=2e-5)
    one, _ = intervene(subject, tokens[2], index[rows], np.array([17]), after[:, 1:2])
    single = inside.losses(tokens, block, index, {17: values[17]}) - base
    np.testing.assert_allclose(one, single[rows], atol=5e-5)
    del subject.__dict__["fingerprint"]
    assert subject.fingerprint == before  # weights are put back, bit for bit


@pytest.mark.parametrize("layer", [0, 1])
def test_the_self_check_finds_a_wrong_account_of_activations(layer, monkeypatch):
    subject = small_mixture("mixtral", layer)
    tokens, block, index, _ = positions()
    how = AblationMethod("zero", 1e-4, 0, "interventions", "", "loss")

    def checked():
        seen = forward_arrays(subject, tokens, block, index, attention=False)
        replacement = Replacement.of("zero", seen["activations"], block, index, 0)
        changes = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
        return check_ablation(
            subject,
            tokens,
            block,
            index,
            changes["delta_loss"],
            replacement,
            how,
            12,
            np.random.default_rng(0),
        )

    assert checked().largest_difference < 1e-4
    kind = type(subject.tested.experts)
    right = kind.activations
    monkeypatch.setattr(kind, "activations", lambda *given: right(*given).roll(1, dims=1))
    with pytest.raises(SelfCheckError, match=r"family mixtral, layer . path|family mixtral, layer"):
        checked()


@pytest.mark.parametrize("name", ["mixtral", "qwen2_moe", "gpt_oss", "deepseek_v3"])
def test_heads_of_mixtures(name):
    subject = small_mixture(name)
    tokens, block, index, _ = positions()
    heads = head_ablation_arrays(subject, tokens, block, index)
    inside = Inside(subject)
    base = inside.logits(tokens).neurons[block, index]
    np.testing.assert_allclose(heads["base"], base**2, atol=1e-4)
    projection = inside.model.model.layers[1].self_attn.o_proj
    size = projection.in_features // 4
    for head in range(4):
        hook = projection.register_forward_pre_hook(
            lambda _module, given, head=head: (
                given[0].index_fill(-1, torch.arange(head * size, (head + 1) * size), 0.0),
            )
        )
        change = (inside.logits(tokens).neurons[block, index] - base) ** 2
        hook.remove()
        np.testing.assert_allclose(heads["single"][:, 4 + head], change, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("layer", [0, 1])
def test_groups_of_expert_neurons_at_once(layer):
    subject = small_mixture("qwen2_moe", layer)
    tokens, block, index, target = positions()
    seen = forward_arrays(subject, tokens, block, index, attention=False)
    replacement = Replacement.of("zero", seen["activations"], block, index, 0)
    import polars as pl

    from hypotest.records.evidence.channels import Channel
    from hypotest.records.evidence.split import SplitEvidence

    frame = pl.DataFrame({"block": block, "index": index, "target": target})
    split = SplitEvidence(frame, {Channel(name): array for name, array in seen.items()})
    groups = [np.arange(10, 20), np.array([0, 15, 44])]
    change = ablate_groups(subject, tokens, split, np.arange(block.size), replacement, groups, 1.0)
    inside = Inside(subject)
    base = inside.losses(tokens, block, index)
    for column, group in enumerate(groups):
        values = {int(neuron): np.zeros(tokens.shape) for neuron in group}
        np.testing.assert_allclose(
            change[:, column], inside.losses(tokens, block, index, values) - base, atol=5e-5
        )
