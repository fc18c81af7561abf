"""Latents of autoencoders that are trained here, against hooks in float64."""

import numpy as np
import polars as pl
import pytest

from hypotest.collect.engine import IDENTITY, INTERVENTIONS, plan_ablation
from hypotest.collect.forward import forward_arrays
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.heads import head_ablation_arrays
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import check_ablation, intervene
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.units import SparseAutoencoder
from tests.autoencoders import activated, save_autoencoder, train_autoencoder
from tests.collect.families import CONTEXT, positions, small_model
from tests.collect.unit_hooks import at_every_token, hooked

pytestmark = pytest.mark.slow
N_LATENTS = 48
_CASES = {
    "the last stream": ("llama, tied", "last", "blocks.2.hook_resid_post", "standard", {}),
    "a stream within": ("gpt2", 1, "blocks.2.hook_resid_pre", "jumprelu", {}),
    "a parallel stream": ("gpt_neox", "last", "blocks.2.hook_resid_post", "topk", {}),
    "the last MLP": ("falcon, parallel", "last", "blocks.2.hook_mlp_out", "standard", {}),
    "an MLP within": ("opt", 1, "blocks.1.hook_mlp_out", "topk", {"rescale_acts_by_decoder_norm": True}),
    "an attention": ("llama, tied", 1, "blocks.1.hook_attn_out", "standard", {}),
    "a parallel attention": ("gpt_neox", "last", "blocks.2.hook_attn_out", "jumprelu", {}),
    "heads side by side": ("gpt2", 1, "blocks.1.attn.hook_z", "topk", {"reshape_activations": "hook_z"}),
    "heads of grouped keys": ("llama, tied", "last", "blocks.2.attn.hook_z", "standard", {}),
    "the last neurons": ("gpt_neox", "last", "blocks.2.mlp.hook_post", "jumprelu", {}),
    "gated neurons behind a norm": ("gemma2", 1, "blocks.1.mlp.hook_post", "jumprelu", {}),
    "bias kept": ("gemma", 0, "blocks.0.hook_resid_post", "standard", {"apply_b_dec_to_input": False}),
    "without mean": (
        "gpt2",
        "last",
        "blocks.2.hook_resid_post",
        "standard",
        {"model_from_pretrained_kwargs": {"center_writing_weights": True}},
    ),
}


_MODULES = {
    "hook_mlp_out": ("down_projection", True),
    "hook_attn_out": ("attention", True),
    "attn.hook_z": ("attention_projection", False),
    "mlp.hook_post": ("down_projection", False),
}
"""Where plain hooks find them: a module, and whether it is what that gives or what it is given."""


class Trained:
    """A network with an autoencoder of one of its sites, and the latter in float64 by itself."""

    def __init__(self, case, folder):
        name, layer, hook, self.architecture, self.config = _CASES[case]
        plain = small_model(name, layer)
        self.module, self.output = _MODULES.get(hook.split(".", 2)[2], ("block", True))
        tokens = np.random.default_rng(8).integers(0, 211, (40, CONTEXT)).astype(np.int32)
        _, seen = hooked(plain, tokens, self.module, output=self.output)
        flat = self._read(seen.reshape(-1, seen.shape[-1]))
        self.weights = train_autoencoder(flat.numpy(), N_LATENTS, self.architecture)
        save_autoencoder(folder, self.weights, hook, self.architecture, **self.config)
        self.subject = small_model(name, layer, units=SparseAutoencoder(sae=str(folder)))
        self.wide = {key: item.double() for key, item in self.weights.items()}

    def _read(self, x):
        return x - x.mean(dim=-1, keepdim=True) if "model_from_pretrained_kwargs" in self.config else x

    def encode(self, x):
        """In the type of the weights."""
        x = self._read(x)
        if self.config.get("apply_b_dec_to_input", True):
            x = x - self.wide["b_dec"]
        before = x @ self.wide["W_enc"] + self.wide["b_enc"]
        if self.config.get("rescale_acts_by_decoder_norm"):
            lengths = self.wide["W_dec"].norm(dim=1)
            return activated(before * lengths, self.architecture)
        return activated(before, self.architecture, self.wide.get("threshold"))

    def decode(self, latents):
        if self.config.get("rescale_acts_by_decoder_norm"):
            latents = latents / self.wide["W_dec"].norm(dim=1)
        return latents @ self.wide["W_dec"] + self.wide["b_dec"]

    def changes(self, tokens, block, index, replacement, units):
        """Of the loss, with the error of the reconstruction kept."""
        after = at_every_token(replacement, np.asarray(units), len(tokens))

        def edit(x):
            whole = x.reshape(*tokens.shape, -1)
            latents = self.encode(whole)
            changed = latents.clone()
            changed[:, :, units] = after
            return (self.decode(changed) + (whole - self.decode(latents))).reshape(x.shape)

        base, _ = hooked(self.subject, tokens, self.module, output=self.output)
        moved, _ = hooked(self.subject, tokens, self.module, edit, output=self.output)
        return (moved - base)[block, index]


@pytest.fixture(scope="module", params=_CASES)
def trained(request, tmp_path_factory):
    return Trained(request.param, tmp_path_factory.mktemp("sae"))


def test_latents_agree_with_hooks_in_float64(trained):
    subject = trained.subject
    tokens, block, index, target = positions()
    seen = forward_arrays(subject, tokens, block, index)
    assert subject.n_neurons == N_LATENTS and "coordinates" not in seen
    _, given = hooked(subject, tokens, trained.module, output=trained.output)
    latents = trained.encode(given)
    np.testing.assert_allclose(seen["activations"], latents[block, index], atol=3e-5)
    explained = 1 - (given - trained.decode(latents)).var() / given.var()
    assert explained > 0.3 and (latents[block, index] == 0).double().mean() > 0.2  # it is one, and sparse
    kind = "resample" if subject.identity_obstacle else "mean"
    replacement = Replacement.of(kind, seen["activations"], block, index, seed=4)
    how = plan_ablation(subject, kind, 1e-4, 4)
    if subject.identity_obstacle:
        assert how.engine == INTERVENTIONS
        computed = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
        allowed = np.zeros_like(computed["delta_loss"])
    else:
        assert how.engine == IDENTITY
        computed = NeuronAblation(prepare_readout(subject))(
            seen["residual"], seen["activations"], replacement.at(block, index, CONTEXT), target
        )
        allowed = computed["error_bound"].astype(np.float64)
        assert allowed.max() <= 1e-4
    largest = 0.0
    for unit in np.flatnonzero(seen["activations"].any(axis=0))[::3]:
        change = trained.changes(tokens, block, index, replacement, [int(unit)])
        assert (np.abs(computed["delta_loss"][:, unit] - change) <= allowed[:, unit] + 3e-5).all()
        largest = max(largest, np.abs(change).max())
    assert largest > 0.003
    check = check_ablation(
        subject, tokens, block, index, computed["delta_loss"], replacement, how, 6, np.random.default_rng(1)
    )
    assert check.largest_difference < 2e-4


def test_groups_of_latents_agree_with_hooks_in_float64(trained):
    subject = trained.subject
    tokens, block, index, target = positions()
    seen = forward_arrays(subject, tokens, block, index)
    split = SplitEvidence(
        pl.DataFrame({"block": block, "index": index, "target": target}),
        {Channel(key): array for key, array in seen.items()},
    )
    replacement = Replacement.of("zero", seen["activations"], block, index, seed=4)
    group = np.array([0, 3, 7, 20, 21, 40])
    rows = np.arange(index.size)
    computed = ablate_groups(subject, tokens, split, rows, replacement, [group], 1.0)[:, 0]
    wanted = trained.changes(tokens, block, index, replacement, group)
    np.testing.assert_allclose(computed, wanted, atol=3e-5)
    mine = block == 1
    real, _ = intervene(subject, tokens[1], index[mine], group, np.zeros((1, group.size), dtype=np.float32))
    np.testing.assert_allclose(real, wanted[mine], atol=3e-5)


def test_activations_without_attention_are_the_same(trained):
    tokens, block, index, _ = positions()
    alone, beside = (
        forward_arrays(trained.subject, tokens, block, index, attention=attention)["activations"]
        for attention in (False, True)
    )
    np.testing.assert_array_equal(alone, beside)


def test_heads_reach_latents(trained):
    subject = trained.subject
    tokens, block, index, _ = positions()
    layer = subject.reaching_layers[-1]
    computed = head_ablation_arrays(subject, tokens, block, index)
    model = subject.model.double()
    size = (
        subject.module("attention_projection", layer).weight.shape[
            0 if trained.subject.family == "gpt2" else 1
        ]
        // subject.n_heads
    )

    def zeroed(_module, arguments):
        heads = arguments[0].clone()
        heads[..., size : 2 * size] = 0
        return (heads, *arguments[1:])

    hook = subject.module("attention_projection", layer).register_forward_pre_hook(zeroed)
    try:
        _, given = hooked(subject, tokens, trained.module, output=trained.output)
    finally:
        hook.remove()
    model.float()
    _, base = hooked(subject, tokens, trained.module, output=trained.output)
    change = (trained.encode(given) - trained.encode(base))[block, index].square()
    column = (len(subject.reaching_layers) - 1) * subject.n_heads + 1
    np.testing.assert_allclose(computed["single"][:, column], change, atol=1e-4, rtol=1e-3)
    assert change.max() > 1e-3
