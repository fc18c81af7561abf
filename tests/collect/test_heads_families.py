import copy

import numpy as np
import pytest
import torch

from hypotest.collect.heads import head_ablation_arrays
from tests.collect.families import CONFIGS, positions, small_model

pytestmark = pytest.mark.slow


def neurons_in_float64(subject, tokens, layer=None, part=slice(0)):
    """The tested neurons by plain hooks, with a slice of an attention projection's input zeroed."""
    model = copy.deepcopy(subject.model).double()
    seen = []

    def zeroed(_module, arguments):
        heads = arguments[0].clone()
        heads[..., part] = 0
        return (heads, *arguments[1:])

    down = model.get_submodule(subject.anatomy.at("down_projection", subject.layer))
    down.register_forward_pre_hook(lambda _module, arguments: seen.append(arguments[0]))
    if layer is not None:
        projection = model.get_submodule(subject.anatomy.at("attention_projection", layer))
        projection.register_forward_pre_hook(zeroed)
    with torch.no_grad():
        model(torch.from_numpy(tokens.astype(np.int64)))
    return seen[0].numpy().reshape(*tokens.shape, -1)  # OPT flattens positions


@pytest.mark.parametrize("layer", ["last", 1])
@pytest.mark.parametrize("name", CONFIGS)
def test_head_ablation_agrees_with_hooks_in_every_family(name, layer):
    subject = small_model(name, layer)
    tokens, block, index, _ = positions()
    arrays = head_ablation_arrays(subject, tokens, block, index)
    base = neurons_in_float64(subject, tokens)
    projection = subject.module("attention_projection")
    size = getattr(projection, "in_features", None) or projection.weight.shape[0]  # of a Conv1D
    size //= 4
    column = 0
    for place, number in enumerate(subject.reaching_layers):
        parts = [slice(head * size, (head + 1) * size) for head in range(4)]
        for part in [*parts, slice(None)]:
            change = (neurons_in_float64(subject, tokens, number, part) - base)[block, index]
            expected = change**2
            got = arrays["layer"][:, place] if part == slice(None) else arrays["single"][:, column]
            np.testing.assert_allclose(got, expected, rtol=2e-3, atol=1e-6)
            assert expected.max() > 1e-3
            column += part != slice(None)
    assert column == arrays["single"].shape[1]
