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
    ablated = hypotest.ablate_neurons(model, tokens, layer=layer)
    assert ablated.engine == engine
    assert ablated.delta_loss.shape == (4 * (CONTEXT - 1), N_NEURONS)
    some = hypotest.ablate_neurons(model, tokens, layer=layer, neurons=np.array([3, 1]), replacement="zero")
    subject = small_model(name, layer)
    object.__setattr__(subject, "model", model)
    base = hooked_losses(subject, tokens, ablated.block, ablated.index)
    np.testing.assert_allclose(ablated.loss, base, atol=1e-5)
    for column, neuron in enumerate((3, 1)):
        zero = {neuron: np.zeros((4, CONTEXT))}
        change = hooked_losses(subject, tokens, ablated.block, ablated.index, zero) - base
        np.testing.assert_allclose(some.delta_loss[:, column], change, atol=1.1e-4)


def test_parts_come_with_the_identity_only():
    model, tokens = model_of("llama, tied"), positions()[0]
    ablated = hypotest.ablate_neurons(model, tokens, neurons=np.array([4, 8]), parts=True)
    assert ablated.parts.entropy.shape == ablated.delta_loss.shape == (60, 2)
    np.testing.assert_allclose(
        ablated.parts.through_norm + ablated.parts.direct,
        ablated.delta_loss,
        atol=0.3 * np.ptp(ablated.delta_loss),
    )
    with pytest.raises(ValueError, match="the logits are capped"):
        hypotest.ablate_neurons(model_of("gemma2"), tokens, parts=True)


def test_the_precision_that_was_set_does_not_matter():
    model, tokens = model_of("llama, tied"), positions()[0]
    expected = hypotest.ablate_neurons(model, tokens)
    torch.set_float32_matmul_precision("medium")
    try:
        ablated = hypotest.ablate_neurons(model, tokens)
    finally:
        torch.set_float32_matmul_precision("highest")
    np.testing.assert_array_equal(ablated.delta_loss, expected.delta_loss)
    np.testing.assert_array_equal(ablated.loss, expected.loss)


class Adapted(torch.nn.Linear):
    """A Linear that does more than its weight says, as low-rank adapters do."""

    def __init__(self, plain):
        super().__init__(plain.in_features, plain.out_features, bias=False)
        self.weight = plain.weight
        self.adapter = torch.nn.Linear(plain.in_features, plain.out_features, bias=False)

    def forward(self, x):
        return super().forward(x) + self.adapter(x)


@pytest.mark.parametrize(("name", "layer"), [("llama, tied", "last"), ("llama, tied", 1)])
def test_an_adapter_that_the_weights_do_not_show_is_found(name, layer):
    model = small_model(name).model
    mlp = model.model.layers[1 if layer == 1 else -1].mlp
    mlp.down_proj = Adapted(mlp.down_proj)
    with pytest.raises(SubjectError, match=r"subject\.anatomy\.down_projection.*mlp\.down_proj must give"):
        hypotest.ablate_neurons(model, positions()[0], layer=layer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"replacement": "Mean"}, "'mean', 'zero' or 'resample', got 'Mean'"),
        ({"neurons": np.zeros(N_NEURONS, dtype=bool)}, "whole numbers.*bool"),
        ({"neurons": [N_NEURONS]}, f"within 0 to {N_NEURONS - 1}"),
        ({"neurons": 3}, "list of whole numbers"),
        ({"index": [2.9], "block": [0]}, "whole numbers.*float"),
        ({"index": [2], "block": [0]}, "a single one"),
        ({"memory": float("nan")}, "memory must be positive"),
        ({"tolerance": 0.0}, "at least 1e-6"),
        ({"tokens": np.full((1, 4), 10_000)}, r"\(in memory\); got 10000 to 10000"),
        ({"tokens": np.array([[0, -1]])}, "got -1 to 0"),
        ({"tokens": np.array([[0.5, 1.0]])}, "whole numbers"),
        ({"tokens": np.zeros((0, 12), dtype=int)}, "n_blocks"),
        ({"tokens": np.zeros((1, 65), dtype=int)}, "at most 64 tokens"),
        ({"block": np.array([0])}, "belong together"),
        ({"block": np.array([0, 1]), "index": np.array([3])}, "as long as each other"),
        ({"block": np.array([1, 0]), "index": np.array([3, 3])}, "must ascend"),
        ({"block": np.array([0]), "index": np.array([CONTEXT - 1])}, "token behind it"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        hypotest.ablate_neurons(model_of("gpt2"), **{"tokens": positions()[0], **arguments})


def test_low_precision_is_refused():
    with pytest.raises(SubjectError, match=r"float32.*found torch.bfloat16"):
        hypotest.ablate_neurons(model_of("gpt2").bfloat16(), positions()[0])


@pytest.mark.parametrize(
    ("model", "layer", "message"),
    [
        (lambda: torch.nn.Linear(2, 2), "last", "causal language model.*found Linear"),
        (lambda: model_of("gpt2").transformer, "last", "found GPT2Model"),
        (lambda: model_of("gpt2"), 1.9, "a block's number, found 1.9"),
        (lambda: model_of("gpt2"), "first", "a block's number, found 'first'"),
    ],
)
def test_models_and_layers_that_do_not_fit(model, layer, message):
    with pytest.raises(SubjectError, match=message):
        hypotest.ablate_neurons(model(), positions()[0], layer=layer)
