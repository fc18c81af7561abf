import numpy as np

from hypotest.collect.heads import head_ablation_arrays
from tests.collect.hooks import neurons


def test_every_head_and_every_layer_agree_with_hooks(small_subject, small_tokens):
    tokens = small_tokens[:9]  # more than one batch
    rng = np.random.default_rng(0)
    block = np.sort(rng.integers(0, 9, size=25))
    block[:9] = np.arange(9)
    block.sort()
    index = rng.integers(1, 31, size=25)
    arrays = head_ablation_arrays(small_subject, tokens, block, index)
    base = neurons(small_subject, tokens)

    def squared(values):
        return values[block, index] ** 2

    np.testing.assert_allclose(arrays["base"], squared(base), rtol=1e-3, atol=1e-7)
    assert arrays["single"].shape == (25, 8, 96)
    for place, layer in enumerate((1, 2)):
        for head in range(4):
            changed = neurons(small_subject, tokens, layer, head)
            expected = squared(changed - base)
            np.testing.assert_allclose(arrays["single"][:, 4 * place + head], expected, rtol=1e-3, atol=1e-5)
        together = squared(neurons(small_subject, tokens, layer, slice(None)) - base)
        np.testing.assert_allclose(arrays["layer"][:, place], together, rtol=1e-3, atol=1e-5)


def test_heads_of_the_tested_block_cannot_reach_it(small_subject, small_tokens):
    # parallel residual: attention and MLP of a block read the same stream
    base = neurons(small_subject, small_tokens[:2])
    same = neurons(small_subject, small_tokens[:2], small_subject.layer, 0)
    np.testing.assert_array_equal(base, same)
    assert small_subject.reaching_layers == (1, 2)
