import numpy as np
import pytest
import torch

from hypotest.collect.forward import forward_arrays
from hypotest.errors import EvidenceError
from tests.collect.hooks import double_model, neurons


@pytest.fixture(scope="module")
def sample(small_tokens):
    block = np.array([0, 0, 1, 3, 3, 20])
    index = np.array([1, 30, 12, 0, 7, 3])
    return small_tokens[:21], block, index


def test_everything_agrees_with_hooks(small_subject, sample):
    tokens, block, index = sample
    arrays = forward_arrays(small_subject, tokens, block, index)
    np.testing.assert_allclose(arrays["activations"], neurons(small_subject, tokens)[block, index], atol=1e-4)
    model = double_model(small_subject)
    ids = torch.from_numpy(tokens.astype(np.int64))
    with torch.no_grad():
        seen = model(input_ids=ids, output_attentions=True, output_hidden_states=True)
    assert arrays["attention"].shape == (6, 8, 32)  # two reaching layers of four heads
    expected = torch.cat([seen.attentions[1], seen.attentions[2]], dim=1).numpy()
    np.testing.assert_allclose(arrays["attention"], expected[block, :, index], atol=1e-5)
    norm = model.gpt_neox.final_layer_norm
    with torch.no_grad():
        normed = norm(torch.from_numpy(arrays["residual"]).double())
        logits = model.lm_head(normed)
    np.testing.assert_allclose(logits.numpy(), seen.logits.numpy()[block, index], atol=1e-3)


def test_attention_rows_sum_to_one_and_see_no_future(small_subject, sample):
    tokens, block, index = sample
    attention = forward_arrays(small_subject, tokens, block, index)["attention"]
    np.testing.assert_allclose(attention.sum(axis=2), 1.0, atol=1e-5)
    for row, query in enumerate(index):
        assert (attention[row, :, query + 1 :] == 0).all()


def test_values_that_are_not_finite_name_layer_and_neuron(small_subject, sample):
    up = small_subject.module("up_projection")
    kept = up.bias[11].item()
    up.bias[11] = float("nan")
    try:
        with pytest.raises(EvidenceError, match="layer 3, neuron 11: 6 of 6 values are not finite"):
            forward_arrays(small_subject, *sample)
    finally:
        up.bias[11] = kept
