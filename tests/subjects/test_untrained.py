import copy

import numpy as np
import pytest
import torch

from hypotest.collect.forward import forward_arrays
from hypotest.collect.neurons import ablate_neurons
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import intervene
from hypotest.errors import SubjectError
from hypotest.subjects.untrained import matrices, untrained_model
from hypotest.subjects.wrapping import wrap_language_model
from tests.collect.families import CONFIGS, hooked_losses, positions, small_model

pytestmark = pytest.mark.slow

KINDS = ["fresh", "permuted"]


READING = [name for name in CONFIGS if name != "gemma3"]
"""Without the one that also sees: its vision tower has an initialisation of its own."""


def parameters(subject):
    return {name: parameter.numpy() for name, parameter in subject.model.named_parameters()}


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("weights", KINDS)
def test_same_architecture_other_weights(name, weights):
    subject = small_model(name)
    before = subject.fingerprint
    untrained = untrained_model(subject, 0, weights, seed=1)
    one, other = parameters(subject), parameters(untrained)
    assert {key: array.shape for key, array in one.items()} == {k: array.shape for k, array in other.items()}
    assert {key: array.dtype for key, array in one.items()} == {k: array.dtype for k, array in other.items()}
    assert set(matrices(subject)) == {key for key, array in one.items() if array.ndim >= 2}
    for key in matrices(subject):
        assert np.mean(one[key] == other[key]) < 0.1
    assert untrained.anatomy == subject.anatomy
    assert (untrained.layer, untrained.device) == (subject.layer, subject.device)
    assert not untrained.model.training
    assert untrained.model.config._attn_implementation == "eager"
    tied = subject.model.get_input_embeddings().weight is subject.model.lm_head.weight
    assert tied == (untrained.model.get_input_embeddings().weight is untrained.model.lm_head.weight)
    assert wrap_language_model(subject.model, layer=subject.layer).fingerprint == before
    assert untrained.fingerprint != before


def test_some_families_are_tied_and_some_are_not():
    tied = [small_model(name).model.config.tie_word_embeddings for name in CONFIGS]
    assert any(tied) and not all(tied)


@pytest.mark.parametrize("name", CONFIGS)
def test_permuted_keeps_the_entries_of_every_matrix_and_all_vectors(name):
    subject = small_model(name)
    one, other = parameters(subject), parameters(untrained_model(subject, 0, "permuted", seed=1))
    for key, array in one.items():
        if key in matrices(subject):
            assert (array != other[key]).any()
            np.testing.assert_array_equal(np.sort(array, axis=None), np.sort(other[key], axis=None))
        else:
            np.testing.assert_array_equal(array, other[key])


@pytest.mark.parametrize("name", READING)
def test_fresh_is_what_the_family_begins_with(name):
    # gains that leave a vector as it is, no biases, normal weights of the configured SD; GPT-2 divides that
    # of what writes into the residual by sqrt(2 n_layers)
    subject = small_model(name)
    fresh = untrained_model(subject, 0, "fresh", seed=1)
    for key, array in parameters(fresh).items():
        if key.endswith("bias"):
            assert not array.any(), key
        elif array.ndim == 1:
            expected = 0.0 if subject.anatomy.norm == "rms_plus_one" else 1.0
            np.testing.assert_array_equal(array, expected, err_msg=key)
        else:
            residual = name == "gpt2" and key.endswith("c_proj.weight")
            sd = 0.02 / np.sqrt(6) if residual else 0.02
            assert array.std() == pytest.approx(sd, rel=0.15), key


@pytest.mark.parametrize("weights", KINDS)
def test_every_number_and_seed_is_another_network_and_the_same_each_time(small_subject, weights):
    first = untrained_model(small_subject, 0, weights, seed=1).fingerprint
    torch.manual_seed(99)
    assert untrained_model(small_subject, 0, weights, seed=1).fingerprint == first
    others = {
        untrained_model(small_subject, number, weights, seed).fingerprint
        for number, seed in [(0, 1), (1, 1), (2, 1), (0, 2), (1, 0), (0, 2**40 + 1)]
    }
    assert len(others) == 6  # numbers and seeds are not added, and long seeds not cut


@pytest.mark.parametrize("weights", KINDS)
def test_global_random_numbers_stay_where_they_are(small_subject, weights):
    torch.manual_seed(5)
    np.random.seed(5)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    untrained_model(small_subject, 0, weights, seed=1)
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])


@pytest.mark.parametrize("weights", KINDS)
def test_configuration_and_default_dtype_stay_as_they_are(small_subject, weights):
    config = copy.deepcopy(small_subject.model.config.to_dict())
    untrained = untrained_model(small_subject, 0, weights, seed=1)
    assert small_subject.model.config.to_dict() == config
    assert torch.get_default_dtype() == torch.float32
    assert untrained.tokenizer is small_subject.tokenizer
    assert untrained.model.config is not small_subject.model.config


def test_the_name_says_what_it_is(small_subject):
    assert untrained_model(small_subject, 3, "fresh", seed=1).name.endswith("(fresh weights, network 3)")


@pytest.mark.parametrize("weights", KINDS)
def test_models_in_memory_of_double_precision(weights):
    subject = wrap_language_model(small_model("gpt2").model.double(), layer=1)
    untrained = untrained_model(subject, 0, weights, seed=1)
    assert {parameter.dtype for parameter in untrained.model.parameters()} == {torch.float64}
    assert untrained.layer == 1


def test_a_model_that_is_not_what_its_configuration_says():
    subject = small_model("gpt2")
    subject.model.transformer.h[0].mlp.adapter = torch.nn.Linear(3, 3)
    with pytest.raises(SubjectError, match=r"h\.0\.mlp\.adapter\.bias.*`weights: permuted`"):
        untrained_model(subject, 0, "fresh", seed=1)
    permuted = untrained_model(subject, 0, "permuted", seed=1)
    assert "transformer.h.0.mlp.adapter.weight" in matrices(permuted)


def test_other_weights_are_refused(small_subject):
    with pytest.raises(ValueError, match="'fresh' or 'permuted'"):
        untrained_model(small_subject, 0, "shuffled", seed=1)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("weights", KINDS)
def test_effects_are_far_larger_than_their_errors(name, weights):
    # in a fresh network effects are small; were their errors as large, the ranking would be noise
    untrained = untrained_model(small_model(name), 0, weights, seed=1)
    tokens, block, index, _ = positions()
    ablated = ablate_neurons(untrained, tokens, block=block, index=index)
    activations = forward_arrays(untrained, tokens, block, index)["activations"]
    mean = activations.mean(axis=0, dtype=np.float64).astype(np.float32)
    base = hooked_losses(untrained, tokens, block, index)
    influence = np.abs(ablated.delta_loss).mean(axis=0)
    for neuron in (0, 17, 39):
        exact = hooked_losses(untrained, tokens, block, index, {neuron: mean[neuron]}) - base
        assert np.abs(ablated.delta_loss[:, neuron] - exact).mean() < 0.01 * influence.std()


def test_a_copy_of_a_traced_model_is_traced_by_itself(small_subject, small_tokens):
    index, block = np.arange(8), np.zeros(8, dtype=np.int64)
    zero = Replacement.of("zero", np.zeros((8, 96), dtype=np.float32), block, index, 0).values
    intervene(small_subject, small_tokens[0], index, 5, zero[:, 5])  # the subject has been traced before
    permuted = untrained_model(small_subject, 0, "permuted", seed=1)
    base = hooked_losses(permuted, small_tokens[:1], block, index)
    expected = hooked_losses(permuted, small_tokens[:1], block, index, {5: np.float32(0)}) - base
    values, _ = intervene(permuted, small_tokens[0], index, 5, zero[:, 5])
    np.testing.assert_allclose(values, expected, atol=2e-5)
    assert np.abs(expected).max() > 1e-3
