"""Whole experts as units, against models in float64 whose router weighs one expert with nothing."""

import copy

import numpy as np
import polars as pl
import pytest
import torch

from hypotest.collect.engine import INTERVENTIONS, plan_ablation
from hypotest.collect.forward import forward_arrays
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import check_ablation, intervene
from hypotest.errors import SubjectError
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.split import SplitEvidence
from tests.collect.families import small_model
from tests.collect.mixtures import MIXTURES, N_EXPERTS, positions, small_mixture

pytestmark = pytest.mark.slow


class Weighed:
    """A copy in float64 whose experts can be left out, and add something else instead."""

    def __init__(self, subject):
        self.model = copy.deepcopy(subject.model).double()
        experts = self.model.model.layers[subject.layer].mlp.experts
        whole = experts.forward
        self.out: tuple[int, ...] = ()
        self.added: torch.Tensor | float = 0.0
        self.contributions: list[torch.Tensor] = []

        def forward(hidden, numbers, weights):
            every = whole(hidden, numbers, weights)
            self.contributions = [
                every - whole(hidden, numbers, weights * (numbers != e)) for e in range(N_EXPERTS)
            ]
            left = weights
            for expert in self.out:
                left = left * (numbers != expert)
            return whole(hidden, numbers, left) + self.added

        experts.forward = forward

    def losses(self, tokens, out=(), added=0.0):
        """Shape (n_blocks, context - 1)."""
        self.out, self.added = out, added
        ids = torch.from_numpy(tokens.astype(np.int64))
        with torch.no_grad():
            logits = self.model(ids).logits
        return torch.nn.functional.cross_entropy(
            logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none"
        ).numpy()


@pytest.mark.parametrize("kind", ["zero", "mean"])
@pytest.mark.parametrize(("name", "layer"), [(name, place % 2) for place, name in enumerate(MIXTURES)])
def test_experts_agree_with_the_model_without_them(name, layer, kind):
    subject = small_mixture(name, layer, units="experts")
    before = subject.fingerprint
    tokens, block, index, target = positions()
    seen = forward_arrays(subject, tokens, block, index)
    weighed = Weighed(subject)
    base = weighed.losses(tokens)
    written = torch.stack(weighed.contributions, dim=1).reshape(*tokens.shape, N_EXPERTS, -1)[block, index]
    lengths = torch.linalg.vector_norm(written, dim=-1).numpy()
    assert subject.n_neurons == N_EXPERTS and seen["activations"].shape == lengths.shape
    np.testing.assert_allclose(seen["activations"], lengths, atol=2e-5)
    assert 0.4 < (seen["activations"] == 0).mean() < 0.6  # where the router sends tokens elsewhere
    replacement = Replacement.of(kind, seen["coordinates"], block, index, 0)
    how = plan_ablation(subject, kind, 1e-4, 0)
    assert how.engine == INTERVENTIONS and "another direction" in how.reason
    changes = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    means = written.mean(dim=0) if kind == "mean" else torch.zeros(N_EXPERTS, 1)
    for expert in range(N_EXPERTS):
        true = (weighed.losses(tokens, (expert,), means[expert]) - base)[block, index]
        np.testing.assert_allclose(changes["delta_loss"][:, expert], true, atol=5e-5)
    assert np.abs(changes["delta_loss"]).max() > 0.01
    group = np.array([0, 2])
    true = (weighed.losses(tokens, (0, 2), means[group].sum(dim=0)) - base)[block, index]
    split = SplitEvidence(
        pl.DataFrame({"block": block, "index": index, "target": target}),
        {Channel(key): array for key, array in seen.items()},
    )
    lesion = ablate_groups(subject, tokens, split, np.arange(index.size), replacement, [group], 1.0)[:, 0]
    np.testing.assert_allclose(lesion, true, atol=5e-5)
    mine = block == 3
    values = replacement.within(3, tokens.shape[1])[:, subject.columns(group)]
    real, _ = intervene(subject, tokens[3], index[mine], group, values)
    np.testing.assert_allclose(real, true[mine], atol=5e-5)
    check = check_ablation(
        subject, tokens, block, index, changes["delta_loss"], replacement, how, 4, np.random.default_rng(0)
    )
    assert check.largest_difference < 1e-4
    del subject.__dict__["fingerprint"]
    assert subject.fingerprint == before  # weights are put back, bit for bit


def test_a_dense_network_has_none():
    with pytest.raises(SubjectError, match=r"block 2 of gpt2 has no experts.*write `units: neurons`"):
        small_model("gpt2", units="experts")
