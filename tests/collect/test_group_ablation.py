import numpy as np
import polars as pl
import pytest

from hypotest.collect.forward import forward_arrays
from hypotest.collect.group_ablation import ablate_groups, steps
from hypotest.collect.replacement import Replacement
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.split import SplitEvidence
from tests.collect.families import CONTEXT, hooked_losses, positions, small_model


def split_of(subject, tokens, block, index, target):
    seen = forward_arrays(subject, tokens, block, index)
    return SplitEvidence(
        positions=pl.DataFrame({"block": block, "index": index, "target": target}),
        channels={Channel.ACTIVATIONS: seen["activations"], Channel.RESIDUAL: seen["residual"]},
    )


@pytest.mark.parametrize("kind", ["mean", "resample"])
@pytest.mark.parametrize(
    ("name", "layer"), [("gpt2", "last"), ("gemma", "last"), ("gemma2", "last"), ("gpt_neox", 1)]
)
def test_groups_agree_with_hooks_in_float64(name, layer, kind):
    subject = small_model(name, layer)
    tokens, block, index, target = positions()
    split = split_of(subject, tokens, block, index, target)
    replacement = Replacement.of(kind, split.activations, block, index, seed=2)
    groups = np.array([[0, 1, 2, 3, 4, 5], [5, 9, 33, 12, 20, 39]])
    rows = np.array([0, 1, 4, 7, 11])
    calls = []
    changes = ablate_groups(subject, tokens, split, rows, replacement, groups, 1.0, lambda: calls.append(1))
    assert len(calls) == steps(subject, split, rows, 2)
    base = hooked_losses(subject, tokens, block, index)
    for column, group in enumerate(groups):
        values = {
            int(neuron): np.stack(
                [np.broadcast_to(replacement.within(b, CONTEXT)[:, neuron], CONTEXT) for b in range(4)]
            )
            for neuron in group
        }
        expected = (hooked_losses(subject, tokens, block, index, values) - base)[rows]
        np.testing.assert_allclose(changes[:, column], expected, atol=2e-5)
    assert np.abs(changes).max() > 0.05
