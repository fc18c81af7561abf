import numpy as np
import pytest
import torch
import transformers

import hypotest
from hypotest.errors import SubjectError
from tests.collect.families import CONFIGS, CONTEXT, N_NEURONS, hooked_losses, positions, small_model


def model_of(name):
    torch.manual_seed(1)
    return transformers.AutoModelForCausalLM.from_config(CONFIGS[name]())  # as users load it: not eager


@pytest.mark.parametrize(
    ("name", "layer", "engine"),
    [("llama, tied", "last", "identity"), ("gpt2", 1, "interventions"), ("gemma2", "last", "interventions")],
)
def test_a_model_in_memory(name, layer, engine):
    model = model_of(name)
    tokens = positions()[0]
    found = hypotest.ablate_neurons(model, tokens, layer=layer)
    assert found.engine == engine
    assert found.delta_loss.shape == (4 * (CONTEXT - 1), N_NEURONS)
    some = hypotest.ablate_neurons(model, tokens, layer=layer, neurons=np.array([3, 1]), replacement="zero")
    subject = small_model(name, layer)
    object.__setattr__(subject, "model", model)
    base = hooked_losses(subject, tokens, found.block, found.index)
    np.testing.assert_allclose(found.loss, base, atol=1e-5)
    for column, neuron in enumerate((3, 1)):
        zero = {neuron: np.zeros((4, CONTEXT))}
        change = hooked_losses(subject, tokens, found.block, found.index, zero) - base
        np.testing.assert_allclose(some.delta_loss[:, column], change, atol=1.1e-4)


def test_parts_come_with_the_identity_only():
    model, tokens = model_of("llama, tied"), positions()[0]
    found = hypotest.ablate_neurons(model, tokens, neurons=np.array([4, 8]), parts=True)
    assert found.parts.entropy.shape == found.delta_loss.shape == (60, 2)
    np.testing.assert_allclose(
        found.parts.through_norm + found.parts.direct, found.delta_loss, atol=0.3 * np.ptp(found.delta_loss)
    )
    with pytest.raises(ValueError, match="the logits are capped"):
        hypotest.ablate_neurons(model_of("gemma2"), tokens, parts=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block": np.array([0])}, "belong together"),
        ({"block": np.array([0, 1]), "index": np.array([3])}, "as long as each other"),
        ({"block": np.array([1, 0]), "index": np.array([3, 3])}, "must ascend"),
        ({"block": np.array([0]), "index": np.array([CONTEXT - 1])}, "token behind it"),
    ],
)
def test_positions_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        hypotest.ablate_neurons(model_of("gpt2"), positions()[0], **arguments)


def test_low_precision_is_refused():
    with pytest.raises(SubjectError, match=r"float32.*found torch.bfloat16"):
        hypotest.ablate_neurons(model_of("gpt2").bfloat16(), positions()[0])
