"""Configurations of autoencoders: of every version that saved them, and what is refused by name."""

import json

import pytest

from hypotest.records.stored.autoencoders import read_autoencoder_config, weights_file

NEW = {
    "architecture": "jumprelu",
    "d_in": 16,
    "d_sae": 64,
    "apply_b_dec_to_input": False,
    "normalize_activations": "none",
    "reshape_activations": "none",
    "metadata": {"hook_name": "blocks.3.hook_resid_post", "model_from_pretrained_kwargs": {}},
}
OLD = {
    "d_in": 16,
    "d_sae": 64,
    "activation_fn": "topk",
    "activation_fn_kwargs": {"k": 8},
    "hook_point": "blocks.3.hook_resid_pre",
    "hook_point_layer": 3,
    "hook_point_head_index": None,
    "finetuning_scaling_factor": False,
    "model_from_pretrained_kwargs": {"center_writing_weights": True},
}


def read(folder, data):
    (folder / "cfg.json").write_text(json.dumps(data), encoding="utf-8")
    return read_autoencoder_config(folder)


def test_as_it_is_saved_now(tmp_path):
    config = read(tmp_path, NEW)
    assert (config.d_in, config.d_sae, config.activation, config.k) == (16, 64, "jumprelu", 0)
    assert config.site == ("block", 3)
    assert not (config.subtracts_bias or config.centred or config.rescaled)


def test_as_it_was_saved_first(tmp_path):
    config = read(tmp_path, OLD)
    assert (config.activation, config.k) == ("topk", 8)
    assert config.site == ("block", 2)  # what enters block 3 has left block 2
    assert config.subtracts_bias and config.centred


@pytest.mark.parametrize(
    ("hook", "site"),
    [
        ("blocks.0.hook_mlp_out", ("mlp", 0)),
        ("blocks.2.hook_attn_out", ("attention", 2)),
        ("blocks.2.attn.hook_z", ("heads", 2)),
        ("blocks.12.mlp.hook_post", ("neurons", 12)),
        ("model.layers.1", None),
        ("model.layers.1.mlp", None),
    ],
)
def test_sites(tmp_path, hook, site):
    assert read(tmp_path, {**NEW, "metadata": {"hook_name": hook}}).site == site


def test_heads_lie_side_by_side_and_what_is_read_before_a_projection_is_never_centred(tmp_path):
    centred = {"center_writing_weights": True, "fold_value_biases": False}
    of_heads = {"hook_name": "blocks.3.attn.hook_z", "model_from_pretrained_kwargs": centred}
    config = read(tmp_path, {**NEW, "reshape_activations": "hook_z", "metadata": of_heads})
    assert config.site == ("heads", 3) and not config.centred
    of_neurons = {"hook_name": "blocks.3.mlp.hook_post", "model_from_pretrained_kwargs": centred}
    assert not read(tmp_path, {**NEW, "metadata": of_neurons}).centred
    of_attention = {"hook_name": "blocks.3.hook_attn_out", "model_from_pretrained_kwargs": centred}
    assert read(tmp_path, {**NEW, "metadata": of_attention}).centred


def test_of_top_k_decoder_norms_can_count(tmp_path):
    config = read(tmp_path, {**NEW, "architecture": "topk", "k": 3, "rescale_acts_by_decoder_norm": True})
    assert config.rescaled and config.k == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"architecture": "transcoder"},
            "architecture 'transcoder', which is not supported; known: standard, jumprelu, topk, gated",
        ),
        ({"architecture": "standard", "activation_fn_str": "tanh-relu"}, "activation function 'tanh-relu'"),
        ({"architecture": "topk"}, r"must say k in cfg.json"),
        ({"normalize_activations": "layer_norm"}, "normalize_activations: layer_norm.*not supported"),
        ({"normalize_activations": "expected_average_only_in"}, "expected_average_only_in"),
        ({"reshape_activations": "hook_z"}, "reshape_activations: hook_z"),
        ({"hook_head_index": 4}, "one attention head .hook_head_index: 4"),
        ({"finetuning_scaling_factor": True}, "finetuning_scaling_factor"),
        ({"hook_name_out": "blocks.3.hook_mlp_out"}, "writes elsewhere than it reads"),
        ({"metadata": {}}, "names no site .hook_name in cfg.json"),
        ({"metadata": {"hook_name": "blocks.3.attn.hook_q"}}, "blocks.3.attn.hook_q, which is not supported"),
        (
            {
                "hook_name": "blocks.3.attn.hook_z",
                "model_from_pretrained_kwargs": {"center_writing_weights": True},
            },
            "without their value biases",
        ),
        ({"metadata": {"hook_name": "blocks.0.hook_resid_pre"}}, "L from 1"),
        ({"d_in": None}, "must say d_in"),
        ({"d_sae": "many"}, "must say d_sae in cfg.json, a whole number from 1; found 'many'"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, {**NEW, **changes})


def test_what_is_no_autoencoder(tmp_path):
    with pytest.raises(ValueError, match=r"is no folder"):
        read_autoencoder_config(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds no cfg.json; an autoencoder is a folder with cfg.json and"):
        read_autoencoder_config(tmp_path)
    (tmp_path / "cfg.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"cannot be read"):
        read_autoencoder_config(tmp_path)
    (tmp_path / "cfg.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"no mapping"):
        read_autoencoder_config(tmp_path)


def test_its_weights(tmp_path):
    with pytest.raises(ValueError, match=r"holds no sae_weights.safetensors, .*: none"):
        weights_file(tmp_path)
    for name in ("sparsity.safetensors", "other.safetensors"):
        (tmp_path / name).touch()
    assert weights_file(tmp_path).name == "other.safetensors"
    (tmp_path / "third.safetensors").touch()
    with pytest.raises(ValueError, match=r"other.safetensors, third.safetensors"):
        weights_file(tmp_path)
    (tmp_path / "sae_weights.safetensors").touch()
    assert weights_file(tmp_path).name == "sae_weights.safetensors"
