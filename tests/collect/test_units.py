"""Heads and dimensions of the residual stream, in every family, against hooks in float64."""

import numpy as np
import polars as pl
import pytest
import torch

from hypotest.collect.engine import IDENTITY, INTERVENTIONS, plan_ablation
from hypotest.collect.forward import forward_arrays
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import check_ablation, intervene
from hypotest.errors import SelfCheckError
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.split import SplitEvidence
from tests.collect.families import CONFIGS, CONTEXT, N_LAYERS, positions, small_model
from tests.collect.mixtures import small_mixture
from tests.collect.unit_hooks import at_every_token, hooked

pytestmark = pytest.mark.slow
_PLACES = {"heads": ("attention_projection", False), "residual": ("block", True)}
_KINDS = ("mean", "zero", "resample")


def changes(subject, tokens, block, index, replacement, units):
    """Change of loss at positions with some units ablated together."""
    module, output = _PLACES[subject.kind.name]
    columns = subject.columns(np.asarray(units))
    after = at_every_token(replacement, columns, len(tokens))

    def edit(values):
        by_position = values.view(*tokens.shape, -1)
        by_position[:, :, columns] = after.to(values)
        return values

    base, _ = hooked(subject, tokens, module, output=output)
    moved, _ = hooked(subject, tokens, module, edit, output=output)
    return (moved - base)[block, index]


@pytest.mark.parametrize(("name", "layer"), [(name, place % N_LAYERS) for place, name in enumerate(CONFIGS)])
@pytest.mark.parametrize("units", _PLACES)
def test_every_family_agrees_with_hooks_in_float64(units, name, layer):
    subject = small_model(name, layer, units=units)
    tokens, block, index, _ = positions()
    seen = forward_arrays(subject, tokens, block, index)
    coordinates = seen.get("coordinates", seen["activations"])
    _, expected = hooked(subject, tokens, *_PLACES[units][:1], output=_PLACES[units][1])
    np.testing.assert_allclose(coordinates, expected[block, index], atol=2e-5, rtol=1e-5)
    replacement = Replacement.of(_KINDS[layer], coordinates, block, index, seed=9)
    ablated = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    largest = 0.0
    for unit in range(0, subject.n_neurons, 1 if units == "heads" else 7):
        change = changes(subject, tokens, block, index, replacement, [unit])
        np.testing.assert_allclose(ablated["delta_loss"][:, unit], change, atol=2e-5)
        largest = max(largest, np.abs(change).max())
    assert largest > 0.005
    group = np.array([0, 2, 3])
    split = SplitEvidence(
        pl.DataFrame({"block": block, "index": index, "target": tokens[block, index + 1].astype(np.int64)}),
        {Channel(key): array for key, array in seen.items()},
    )
    rows = np.array([0, 1, 4, 7, 11])
    lesion = ablate_groups(subject, tokens, split, rows, replacement, [group], 1.0)[:, 0]
    wanted = changes(subject, tokens, block, index, replacement, group)
    np.testing.assert_allclose(lesion, wanted[rows], atol=2e-5)
    mine = block == 2
    values = replacement.within(2, CONTEXT)[:, subject.columns(group)]
    real, _ = intervene(subject, tokens[2], index[mine], group, values)
    np.testing.assert_allclose(real, wanted[mine], atol=2e-5)


@pytest.mark.parametrize("name", ["mixtral", "gpt_oss", "deepseek_v3"])
@pytest.mark.parametrize("units", _PLACES)
def test_mixtures_have_heads_and_a_stream_too(units, name):
    subject = small_mixture(name, 0, units=units)
    assert Channel.ROUTER not in subject.channels and Channel.PARTITION not in subject.channels
    tokens, block, index, _ = positions()
    seen = forward_arrays(subject, tokens, block, index)
    assert "router" not in seen
    coordinates = seen.get("coordinates", seen["activations"])
    replacement = Replacement.of("mean", coordinates, block, index, seed=9)
    ablated = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    for unit in range(0, subject.n_neurons, 1 if units == "heads" else 9):
        change = changes(subject, tokens, block, index, replacement, [unit])
        np.testing.assert_allclose(ablated["delta_loss"][:, unit], change, atol=3e-5)
    assert np.abs(ablated["delta_loss"]).max() > 0.005


@pytest.mark.parametrize("name", ["gpt2", "llama, tied", "gemma", "falcon, two norms"])
def test_a_head_is_as_active_as_what_it_adds_is_long(name):
    subject = small_model(name, 1, units="heads")
    tokens, block, index, _ = positions()
    seen = forward_arrays(subject, tokens, block, index)
    _, slices = hooked(subject, tokens, "attention_projection", output=False)
    slices = slices[block, index]
    size = slices.shape[1] // subject.n_heads
    projection = subject.module("attention_projection")
    weight = projection.weight.double()
    weight = weight if name == "gpt2" else weight.T  # as Conv1D keeps it
    for head in range(subject.n_heads):
        part = slice(head * size, (head + 1) * size)
        lengths = torch.linalg.vector_norm(slices[:, part] @ weight[part], dim=1)
        np.testing.assert_allclose(seen["activations"][:, head], lengths, rtol=2e-5)
    assert seen["attention"].shape == (index.size, subject.n_heads, CONTEXT)
    assert seen["residual"].shape[1] == 0


@pytest.mark.parametrize("name", CONFIGS)
def test_the_last_stream_feeds_the_readout_unless_logits_are_capped(name):
    subject = small_model(name, units="residual")
    how = plan_ablation(subject, "mean", 1e-4, 0)
    if name == "gemma2":
        assert how.engine == INTERVENTIONS and "capped" in how.reason
        return
    assert how.engine == IDENTITY and "last block" in how.reason
    tokens, block, index, target = positions()
    seen = forward_arrays(subject, tokens, block, index)
    replacement = Replacement.of("mean", seen["activations"], block, index, seed=0)
    fast = NeuronAblation(prepare_readout(subject))(
        seen["residual"], seen["activations"], replacement.at(block, index, CONTEXT), target
    )
    largest = 0.0
    for unit in range(0, subject.n_neurons, 6):
        change = changes(subject, tokens, block, index, replacement, [unit])
        error = np.abs(fast["delta_loss"][:, unit] - change)
        assert (error <= fast["error_bound"][:, unit] + 1e-5).all()
        largest = max(largest, np.abs(change).max())
    assert largest > 0.05
    check = check_ablation(
        subject, tokens, block, index, fast["delta_loss"], replacement, how, 8, np.random.default_rng(1)
    )
    assert check.largest_difference < 2e-4


@pytest.mark.parametrize(("units", "word"), [("heads", "head"), ("residual", "stream dimension")])
def test_a_disagreement_names_the_unit(units, word):
    subject = small_model("llama, tied", 1, units=units)
    tokens, block, index, _ = positions()
    seen = forward_arrays(subject, tokens, block, index)
    replacement = Replacement.of("mean", seen.get("coordinates", seen["activations"]), block, index, seed=0)
    ablated = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    how = plan_ablation(subject, "mean", 1e-4, 0)
    inputs = (subject, tokens, block, index)
    rest = (replacement, how, 6, np.random.default_rng(0))
    check_ablation(*inputs, ablated["delta_loss"], *rest)
    with pytest.raises(SelfCheckError, match=f"the ablation of {word} .*layer 1, path model.layers.1"):
        check_ablation(*inputs, ablated["delta_loss"] + 0.01, *rest)
