"""Weights of autoencoders, and whether they belong to a network."""

import pytest
import torch
from safetensors.torch import save_file

from hypotest.errors import SubjectError
from hypotest.records.protocol.units import SparseAutoencoder
from hypotest.subjects.units.autoencoder import read_autoencoder
from tests.autoencoders import save_autoencoder
from tests.collect.families import small_model

HOOK = "blocks.1.hook_resid_post"


def weights(d_in=24, d_sae=10, **changes):
    generator = torch.Generator().manual_seed(1)
    return {
        "W_enc": torch.randn(d_in, d_sae, generator=generator),
        "b_enc": torch.randn(d_sae, generator=generator),
        "W_dec": torch.randn(d_sae, d_in, generator=generator),
        "b_dec": torch.randn(d_in, generator=generator),
        **changes,
    }


def test_latents_by_hand(tmp_path):
    """Two numbers, two latents: (x - b_dec) W_enc + b_enc = (1, 2) - (1, 0) = (0, 2) on the diagonal."""
    plain = {
        "W_enc": torch.eye(2),
        "b_enc": torch.tensor([0.5, -0.5]),
        "W_dec": torch.tensor([[2.0, 0.0], [0.0, 0.5]]),
        "b_dec": torch.tensor([1.0, 0.0]),
    }
    x = torch.tensor([[1.0, 2.0], [-3.0, 0.25]])
    save_autoencoder(tmp_path / "a", plain, HOOK)
    assert read_autoencoder("a", tmp_path).encode(x).tolist() == [[0.5, 1.5], [0.0, 0.0]]
    save_autoencoder(tmp_path / "a", plain, HOOK, apply_b_dec_to_input=False)
    assert read_autoencoder("a", tmp_path).encode(x).tolist() == [[1.5, 1.5], [0.0, 0.0]]
    jumps = {**plain, "threshold": torch.tensor([0.5, 1.0])}
    save_autoencoder(tmp_path / "a", jumps, HOOK, "jumprelu")
    assert read_autoencoder("a", tmp_path).encode(x).tolist() == [[0.0, 1.5], [0.0, 0.0]]  # above, not at
    save_autoencoder(tmp_path / "a", plain, HOOK, "topk", k=1)
    assert read_autoencoder("a", tmp_path).encode(x).tolist() == [[0.0, 1.5], [0.0, 0.0]]
    save_autoencoder(tmp_path / "a", plain, HOOK, "topk", k=1, rescale_acts_by_decoder_norm=True)
    rescaled = read_autoencoder("a", tmp_path)  # (0.5 x 2, 1.5 x 0.5): now the first is larger
    assert rescaled.encode(x)[0].tolist() == [1.0, 0.0]
    assert rescaled.decoder.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_gated_latents_by_hand(tmp_path):
    """x W_enc = (1, 2) or (-3, 0.25); gates + (-1.5, -1): the second of the first row alone is open.

    Its magnitude is 2 x 3 - 1 = 5; b_dec is taken off only where the configuration says so.
    """
    gated = {
        "W_enc": torch.eye(2),
        "b_gate": torch.tensor([-1.5, -1.0]),
        "r_mag": torch.tensor([1.0, 3.0]).log(),
        "b_mag": torch.tensor([0.5, -1.0]),
        "W_dec": torch.eye(2),
        "b_dec": torch.tensor([0.0, 0.5]),
    }
    x = torch.tensor([[1.0, 2.0], [-3.0, 0.25]])
    save_autoencoder(tmp_path / "a", gated, HOOK, "gated", apply_b_dec_to_input=False)
    assert read_autoencoder("a", tmp_path).encode(x).tolist() == [[0.0, 5.0], [0.0, 0.0]]
    save_autoencoder(tmp_path / "a", gated, HOOK, "gated")
    assert read_autoencoder("a", tmp_path).encode(x).tolist() == [[0.0, 3.5], [0.0, 0.0]]
    lacking = {name: item for name, item in gated.items() if name != "r_mag"}
    save_autoencoder(tmp_path / "a", lacking, HOOK, "gated")
    with pytest.raises(SubjectError, match="lacks r_mag in its weights"):
        read_autoencoder("a", tmp_path)


def test_thresholds_as_logarithms_and_half_precision(tmp_path):
    jumps = weights(threshold=torch.rand(10) + 0.1)
    save_autoencoder(tmp_path / "a", jumps, HOOK, "jumprelu")
    one = read_autoencoder("a", tmp_path)
    older = {name: item for name, item in jumps.items() if name != "threshold"}
    save_autoencoder(tmp_path / "b", {**older, "log_threshold": jumps["threshold"].log()}, HOOK, "jumprelu")
    other = read_autoencoder("b", tmp_path)
    torch.testing.assert_close(one.threshold, other.threshold)
    assert one.sha256 != other.sha256
    save_autoencoder(
        tmp_path / "c", {name: item.bfloat16() for name, item in jumps.items()}, HOOK, "jumprelu"
    )
    assert read_autoencoder("c", tmp_path).encoder.dtype == torch.float32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"b_dec": None}, "lacks b_dec in its weights; found W_dec, W_enc, b_enc"),
        ({"W_dec": torch.zeros(24, 10)}, r"must hold W_dec of shape \(10, 24\), by d_in and d_sae"),
        ({"b_enc": torch.full((10,), torch.nan)}, "holds values in b_enc that are not finite"),
    ],
)
def test_damaged_weights(tmp_path, changes, message):
    given = {name: item for name, item in weights(**changes).items() if item is not None}
    save_autoencoder(tmp_path / "a", given, HOOK)
    with pytest.raises(SubjectError, match=rf"subject.units.sae: .*a {message}"):
        read_autoencoder("a", tmp_path)


def test_more_that_is_wrong(tmp_path):
    save_autoencoder(tmp_path / "a", weights(), HOOK, "topk", k=11)
    with pytest.raises(SubjectError, match=r"the 11 largest .k. of 10 latents"):
        read_autoencoder("a", tmp_path)
    save_autoencoder(tmp_path / "a", weights(), HOOK, "jumprelu")
    with pytest.raises(SubjectError, match=r"lacks threshold"):
        read_autoencoder("a", tmp_path)
    (tmp_path / "a" / "sae_weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(SubjectError, match=r"no safetensors file, or damaged"):
        read_autoencoder("a", tmp_path)
    with pytest.raises(SubjectError, match=r"is no folder"):
        read_autoencoder("elsewhere", tmp_path)


@pytest.mark.parametrize(
    ("network", "layer", "d_in", "hook", "message"),
    [
        ("gpt2", 1, 16, HOOK, "reads vectors of width 16 .*is 24 wide: it was trained on another network"),
        ("gpt2", 2, 24, HOOK, r"was trained on blocks.1.hook_resid_post, of block 1, and block 2 .*layer: 1"),
        ("gpt2", 2, 24, "blocks.9.hook_resid_post", "there is no such block"),
        ("gpt2", 1, 24, "model.layers.1", "no block and no MLP of gpt2, such as transformer.h.0 or"),
        ("gemma2", 1, 24, "blocks.1.hook_mlp_out", "a norm follows"),
    ],
)
def test_an_autoencoder_of_another_width_block_or_site(tmp_path, network, layer, d_in, hook, message):
    save_autoencoder(tmp_path / "a", weights(d_in), hook)
    with pytest.raises(SubjectError, match=message):
        small_model(network, layer, units=SparseAutoencoder(sae=str(tmp_path / "a")))


def test_a_stream_without_its_mean_needs_layer_norms(tmp_path):
    processed = {"model_from_pretrained_kwargs": {"center_writing_weights": True}}
    save_autoencoder(tmp_path / "a", weights(), HOOK, **processed)
    units = SparseAutoencoder(sae=str(tmp_path / "a"))
    with pytest.raises(SubjectError, match=r"center_writing_weights"):
        small_model("llama, tied", 1, units=units)
    centred = small_model("gpt2", 1, units=units).kind.autoencoder
    x = torch.randn(3, 24)
    torch.testing.assert_close(centred.encode(x), centred.encode(x + 5), atol=1e-4, rtol=1e-4)


def test_a_site_by_its_path(tmp_path):
    save_autoencoder(tmp_path / "a", weights(), "transformer.h.1.mlp")
    subject = small_model("gpt2", 1, units=SparseAutoencoder(sae=str(tmp_path / "a")))
    assert subject.kind.site == "mlp" and subject.n_neurons == 10
    described = subject.describe()
    assert described["units"] == "sae" and described["site"] == "transformer.h.1.mlp"
    with pytest.raises(SubjectError, match=r"damaged"):
        save_file({}, tmp_path / "a" / "sae_weights.safetensors")
        (tmp_path / "a" / "sae_weights.safetensors").write_bytes(b"\x00")
        small_model("gpt2", 1, units=SparseAutoencoder(sae=str(tmp_path / "a")))
