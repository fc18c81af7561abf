"""Encoders: rows are masked positions, each a pass of its own; against plain hooks in float64."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from hypotest.collect.cross_entropy import mean_cross_entropy
from hypotest.collect.forward import forward_arrays
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.heads import head_ablation_arrays
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.replacement import Replacement
from hypotest.collect.scoring import Scoring
from hypotest.collect.self_check import check_ablation, intervene
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.records.evidence.split import SplitEvidence
from tests.collect.encoders import (
    CONTEXT,
    ENCODERS,
    N_LAYERS,
    N_NEURONS,
    VOCAB,
    Plain,
    encoder_positions,
    small_encoder,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("layer", range(N_LAYERS))
@pytest.mark.parametrize("name", ENCODERS)
def test_activations_are_those_at_the_mask(name, layer):
    subject = small_encoder(name, layer)
    tokens, block, index = encoder_positions()
    seen = forward_arrays(subject, tokens, block, index)
    _, neurons = Plain(subject).rows(tokens, block, index)
    np.testing.assert_allclose(seen["activations"], neurons, atol=1e-5)
    assert "attention" not in seen
    assert seen["residual"].shape == (block.size, 0)


def test_a_row_is_what_it_is_whichever_other_rows_are_looked_at():
    subject = small_encoder("bert")
    tokens, block, index = encoder_positions()
    together = forward_arrays(subject, tokens, block, index)["activations"]
    for row in range(block.size):
        alone = forward_arrays(subject, tokens, block[[row]], index[[row]])["activations"]
        np.testing.assert_allclose(alone[0], together[row], atol=2e-6)
    changed = tokens.copy()
    changed[0, 2] = 50  # the target of the first row, which is masked there and read by the others
    after = forward_arrays(subject, changed, block, index)["activations"]
    np.testing.assert_array_equal(after[0], together[0])
    assert (np.abs(after[1:3] - together[1:3]) > 1e-3).any(axis=1).all()
    np.testing.assert_array_equal(after[3:], together[3:])


@pytest.mark.parametrize("layer", range(N_LAYERS))
@pytest.mark.parametrize("name", ENCODERS)
def test_ablation_agrees_with_hooks(name, layer):
    subject = small_encoder(name, layer)
    tokens, block, index = encoder_positions()
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    kind = {"bert": "mean", "roberta": "zero"}.get(name, "resample")
    replacement = Replacement.of(kind, activations, block, index, seed=9)
    arrays = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    plain = Plain(subject)
    base, _ = plain.rows(tokens, block, index)
    np.testing.assert_allclose(arrays["loss"], base, atol=1e-5)
    largest = 0.0
    for neuron in range(0, N_NEURONS, 4):
        for row in range(block.size):
            after = replacement.within(int(block[row]), CONTEXT + 1)[:, neuron]
            length = (tokens[block[row]] >= 0).sum() + 1  # and what ends the text
            loss, _ = plain.row(tokens[block[row]], int(index[row]), {neuron: after[:length]})
            change = loss - base[row]
            np.testing.assert_allclose(arrays["delta_loss"][row, neuron], change, atol=2e-5)
            largest = max(largest, abs(change))
    assert largest > 0.01


@pytest.mark.parametrize("name", ENCODERS)
def test_heads_agree_with_hooks(name):
    subject = small_encoder(name)
    tokens, block, index = encoder_positions()
    arrays = head_ablation_arrays(subject, tokens, block, index)
    plain = Plain(subject)
    _, base = plain.rows(tokens, block, index)
    np.testing.assert_allclose(arrays["base"], base**2, rtol=1e-4, atol=1e-6)
    for column in range(8):
        layer, head = divmod(column, 4)
        edit = (subject.anatomy.at("attention_projection", layer), slice(6 * head, 6 * head + 6))
        _, changed = plain.rows(tokens, block, index, edit=edit)
        expected = (changed - base) ** 2
        np.testing.assert_allclose(arrays["single"][:, column], expected, rtol=2e-3, atol=1e-5)
        assert expected.max() > 1e-4


@pytest.mark.parametrize("layer", range(N_LAYERS))
@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_the_self_check_agrees_and_finds_what_is_wrong(name, layer):
    subject = small_encoder(name, layer)
    tokens, block, index = encoder_positions()
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    replacement = Replacement.of("resample", activations, block, index, seed=9)
    arrays = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    how = AblationMethod("resample", 1e-4, 9, "interventions", "")
    given = (subject, tokens, block, index, arrays["delta_loss"], replacement, how, 8)
    check = check_ablation(*given, np.random.default_rng(1), loss=arrays["loss"])
    assert check.largest_difference < 1e-4
    assert check.n_values == 8 * 3
    group = np.array([2, 7, 11])
    after = np.array([[0.3, -0.2, 0.1]], dtype=np.float32)
    change, loss = intervene(subject, tokens[3], index[9:], group, after)
    plain = Plain(subject)
    base, _ = plain.rows(tokens, block[9:], index[9:])
    values = dict(zip(group.tolist(), after[0], strict=True))
    expected, _ = plain.rows(tokens, block[9:], index[9:], values)
    np.testing.assert_allclose(loss, base, atol=1e-5)
    np.testing.assert_allclose(change, expected - base, atol=2e-5)


def test_groups_at_once():
    subject = small_encoder("distilbert", 0)
    tokens, block, index = encoder_positions()
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    replacement = Replacement.of("mean", activations, block, index, seed=9)
    frame = pl.DataFrame({"block": block, "index": index, "target": tokens[block, index + 1]})
    split = SplitEvidence(frame, {Channel.ACTIVATIONS: activations})
    groups = [np.array([1, 4, 9]), np.arange(10)]
    every = np.arange(block.size)
    change = ablate_groups(subject, tokens, split, every, replacement, groups, 1.0)
    plain = Plain(subject)
    base, _ = plain.rows(tokens, block, index)
    for column, group in enumerate(groups):
        values = {int(neuron): replacement.values[0, neuron] for neuron in group}
        expected, _ = plain.rows(tokens, block, index, values)
        np.testing.assert_allclose(change[:, column], expected - base, atol=2e-5)


@pytest.mark.parametrize("layer", range(N_LAYERS))
def test_a_foil_is_compared_at_the_mask(layer):
    subject = small_encoder("bert", layer)
    tokens, block, index = encoder_positions()
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    replacement = Replacement.of("zero", activations, block, index, seed=9)
    foils = np.arange(20, 20 + block.size)
    scoring = Scoring(foil=foils)
    numbers = np.arange(4)
    arrays = intervention_arrays(
        subject, tokens, numbers, block, index, replacement, 1.0, np.array([3]), scoring=scoring
    )
    plain = Plain(subject)
    other = tokens.copy()
    for row in range(block.size):
        # the foil's logit less the target's is the loss of the target less that of the foil
        other[block[row], index[row] + 1] = foils[row]
        pairs = [
            plain.row(tokens[block[row]], int(index[row]), values)[0]
            - plain.row(other[block[row]], int(index[row]), values)[0]
            for values in ({}, {3: 0.0})
        ]
        other[block[row]] = tokens[block[row]]
        np.testing.assert_allclose(arrays["loss"][row], pairs[0], atol=2e-5)
        np.testing.assert_allclose(arrays["delta_loss"][row, 0], pairs[1] - pairs[0], atol=2e-5)


def test_cross_entropy_is_that_of_masked_tokens():
    subject = small_encoder("bert")
    tokens, _, _ = encoder_positions()
    lengths = (tokens >= 0).sum(axis=1).astype(np.int32)
    nats, count = mean_cross_entropy(subject, tokens, 2, lengths)
    places = [(b, i - 1) for b in range(4) for i in range(2, lengths[b])]
    assert count == len(places)
    block, index = np.array(places).T
    loss, _ = Plain(subject).rows(tokens, block, index)
    assert nats == pytest.approx(loss.mean(), abs=1e-5)
    assert nats > 0.5 * np.log(VOCAB)


@pytest.mark.parametrize("layer", range(N_LAYERS))
@pytest.mark.parametrize("name", ["bert", "distilbert", "modernbert"])
def test_heads_as_units(name, layer):
    subject = small_encoder(name, layer, units="heads")
    assert not {Channel.ATTENTION, Channel.HEADS} & subject.channels
    tokens, block, index = encoder_positions()
    seen = forward_arrays(subject, tokens, block, index)
    replacement = Replacement.of("zero", seen["coordinates"], block, index, seed=9)
    arrays = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    plain = Plain(subject)
    base, _ = plain.rows(tokens, block, index)
    for head in range(4):
        edit = (subject.anatomy.at("attention_projection", layer), slice(6 * head, 6 * head + 6))
        expected, _ = plain.rows(tokens, block, index, edit=edit)
        np.testing.assert_allclose(arrays["delta_loss"][:, head], expected - base, atol=2e-5)
        change, _ = intervene(subject, tokens[1], index[3:6], np.array([head]), np.zeros((1, 6), np.float32))
        np.testing.assert_allclose(change, (expected - base)[3:6], atol=2e-5)


@pytest.mark.parametrize("layer", range(N_LAYERS))
@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_dimensions_of_the_stream_as_units(name, layer):
    subject = small_encoder(name, layer, units="residual")
    assert subject.identity_obstacle
    tokens, block, index = encoder_positions()
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    replacement = Replacement.of("mean", activations, block, index, seed=9)
    arrays = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    plain = Plain(subject)
    base, _ = plain.rows(tokens, block, index)
    for unit in range(0, 24, 5):
        stream = (subject.anatomy.at("block", layer), unit, replacement.values[0, unit])
        pairs = zip(block, index, strict=True)
        losses = [plain.row(tokens[b], int(i), stream=stream)[0] for b, i in pairs]
        np.testing.assert_allclose(arrays["delta_loss"][:, unit], np.array(losses) - base, atol=2e-5)
