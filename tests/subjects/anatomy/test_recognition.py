"""Anatomy by family, by resemblance, by the protocol; each with its proof."""

from dataclasses import asdict

import pytest
import torch
import transformers

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy.anatomy import MODULES
from hypotest.subjects.anatomy.families import FAMILIES
from hypotest.subjects.anatomy.recognition import anatomy_of, n_neurons, row_of
from hypotest.subjects.wrapping import wrap_language_model
from tests.collect.families import CONFIGS, N_NEURONS, small_model

pytestmark = pytest.mark.slow


def bare(name):
    model = small_model(name).model
    model.config = model.config.__class__(**model.config.to_dict())
    return model


def of_an_unknown_family(name):
    """A model that has another family's name in its configuration."""
    model = bare(name)
    model.config.model_type = "newcomer"
    return model


@pytest.mark.parametrize("name", CONFIGS)
def test_a_family_without_a_row_is_recognised_by_its_modules(name):
    known = small_model(name).anatomy
    anatomy = anatomy_of(of_an_unknown_family(name), 1, "x")
    assert anatomy.family == "newcomer"
    same = ("block", "attention_projection", "down_projection", "final_norm", "norm", "parallel_residual")
    for key in same:
        assert getattr(anatomy, key) == getattr(known, key), key
    assert bool(anatomy.identity_obstacle) == bool(small_model(name).identity_obstacle)


def test_a_model_that_resembles_none_is_refused_with_what_is_missing():
    model = of_an_unknown_family("llama, tied")
    model.model.layers[1].mlp.lower = model.model.layers[1].mlp.down_proj
    del model.model.layers[1].mlp.down_proj
    with pytest.raises(SubjectError) as caught:
        anatomy_of(model, 1, "my-model")
    message = str(caught.value)
    assert "my-model is of the family 'newcomer'" in message
    assert "lacks model.layers.1.mlp.down_proj" in message
    assert "subject: {anatomy: {block: PATH" in message


@pytest.mark.parametrize("name", ["gpt2", "opt", "falcon, parallel", "gemma2", "gpt_neox"])
def test_the_protocol_can_describe_a_model_in_full(name):
    known = small_model(name).anatomy
    given = {key: getattr(known, key) for key in MODULES if getattr(known, key)}
    anatomy = anatomy_of(of_an_unknown_family(name), 1, "x", given)
    skipped = ("family", "identity_obstacle")
    assert {k: v for k, v in asdict(anatomy).items() if k not in skipped} == {
        k: v for k, v in asdict(known).items() if k not in skipped
    }


def test_a_description_in_part_is_enough_for_a_known_family_only():
    model = small_model("gpt2").model
    for block in model.transformer.h:
        block.mlp.wide = block.mlp.c_fc  # another name of the same module
    given = {"up_projection": "transformer.h.{layer}.mlp.wide"}
    assert anatomy_of(model, 1, "x", given).at("up_projection", 1) == "transformer.h.1.mlp.wide"
    stranger = of_an_unknown_family("gpt2")
    with pytest.raises(SubjectError, match=r"subject\.anatomy: .*in full; missing: block, attention, "):
        anatomy_of(stranger, 1, "x", given)


def test_a_path_that_leads_nowhere_is_named():
    with pytest.raises(
        SubjectError, match=r"subject\.anatomy\.mlp: x has no module 'transformer\.h\.1\.mpl'"
    ):
        anatomy_of(small_model("gpt2").model, 1, "x", {"mlp": "transformer.h.{layer}.mpl"})


@pytest.mark.parametrize(
    ("name", "key", "path", "says"),
    [
        ("llama, tied", "attention", "model.layers.{layer}.mlp", "attention weights of shape"),
        ("llama, tied", "attention_projection", "model.layers.{layer}.self_attn", "linear projection"),
        ("llama, tied", "attention_projection", "model.layers.{layer}.self_attn.k_proj", "ends with"),
        ("llama, tied", "down_projection", "model.layers.{layer}.mlp", "linear projection"),
        ("llama, tied", "up_projection", "model.layers.{layer}.self_attn.q_proj", "one output per neuron"),
        ("llama, tied", "mlp_norm", "model.layers.{layer}.input_layernorm", "the MLP reads"),
        ("llama, tied", "mlp", "model.layers.{layer}.self_attn.o_proj", "what the down-projection gives"),
        ("gpt2", "mlp", "transformer.h.{layer}.ln_2", "what the down-projection gives"),
        ("gpt2", "down_projection", "transformer.h.{layer}.ln_2", "linear projection"),
    ],
)
def test_a_path_that_leads_to_something_else_is_named(name, key, path, says):
    model = small_model(name).model
    with pytest.raises(SubjectError) as caught:
        anatomy_of(model, 1, "x", {key: path})
    assert f"subject.anatomy.{key}: x: {path.format(layer=1)}" in str(caught.value)
    assert says in str(caught.value)


def test_a_family_that_is_not_what_its_name_says_is_refused():
    model = small_model("llama, tied").model
    norm = model.model.norm
    norm.forward = lambda x: torch.nn.functional.layer_norm(x, x.shape[-1:], norm.weight, None, 1e-6)
    with pytest.raises(SubjectError, match=r"norm of model\.norm should be rms and is layer"):
        anatomy_of(model, 1, "x")


def test_scaled_logits_keep_the_engine_with_a_certificate_away():
    model = of_an_unknown_family("llama, tied")
    head = model.lm_head.forward
    model.lm_head.register_forward_hook(lambda module, arguments, output: None)
    model.lm_head.forward = lambda x: 0.5 * head(x)
    assert anatomy_of(model, 1, "x").identity_obstacle == "the unembedding is not linear"


def test_damaged_weights_are_said():
    model = small_model("gpt2").model
    with torch.no_grad():
        model.transformer.h[0].mlp.c_fc.weight[0, 0] = torch.nan
    with pytest.raises(SubjectError, match="logits are not finite"):
        wrap_language_model(model)


def test_what_no_row_describes_is_refused_before_the_weights_are_loaded():
    config = transformers.OPTConfig(do_layer_norm_before=False)
    with pytest.raises(SubjectError, match="OPT-350m"):
        row_of(config, "facebook/opt-350m")


def test_a_hooked_model_is_left_as_it_was():
    model = small_model("gpt2").model
    wrap_language_model(model)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_rows_are_told_apart_by_their_paths():
    paths = {name: tuple(getattr(row, key) for key in MODULES) for name, row in FAMILIES.items()}
    llama = {"llama", "mistral", "qwen2", "qwen3", "olmo", "gemma"}
    shared = (
        llama,
        {"gemma2", "gemma3_text"},
        {"bloom", "falcon"},
        {"mixtral", "olmoe", "qwen3_moe"},
        {"deepseek_v2", "deepseek_v3"},
        {"roberta", "xlm-roberta", "camembert"},
    )
    for names in shared:
        assert len({paths[name] for name in names}) == 1
    assert len(set(paths.values())) == len(FAMILIES) - sum(len(names) - 1 for names in shared)


@pytest.mark.parametrize(
    "name", [name for name in CONFIGS if name != "gemma2"]
)  # whose logits would saturate
def test_a_feature_a_thousand_times_as_large_as_the_others_hides_nothing(name):
    subject = small_model(name)
    with torch.no_grad():
        subject.model.get_input_embeddings().weight[:, 3] = 3000.0
    anatomy = anatomy_of(subject.model, 1, "x")
    assert anatomy == subject.anatomy


def test_a_small_adapter_beside_a_large_feature_is_found():
    model = small_model("llama, tied").model
    down = model.model.layers[1].mlp.down_proj
    with torch.no_grad():
        down.weight[3] *= 1000
    down.register_forward_hook(lambda module, given, output: output + 0.01 * given[0][..., :24])
    with pytest.raises(SubjectError, match=r"mlp\.down_proj must give the neurons times its weights"):
        anatomy_of(model, 1, "x")


@pytest.mark.parametrize("family", CONFIGS)
def test_the_width_of_every_family_before_weights_are_read(family):
    width = n_neurons(CONFIGS[family](), "last", "it")
    assert width == small_model(family).n_neurons
    assert width == (96 if family == "bloom" else N_NEURONS)  # four times its residual stream


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (transformers.GPT2Config(n_embd=24, n_layer=3, n_head=4, vocab_size=211, n_inner=None), 96),
        (transformers.GPTJConfig(n_embd=24, n_layer=3, n_head=4, rotary_dim=4, vocab_size=211), 96),
        (transformers.BloomConfig(hidden_size=24, n_layer=3, n_head=4, vocab_size=211), 96),
        (transformers.MambaConfig(hidden_size=24, num_hidden_layers=3, vocab_size=211), None),
    ],
)
def test_widths_that_configurations_do_not_say(config, expected):
    assert n_neurons(config, -1, "it") == n_neurons(config, 2, "it") == expected
    assert n_neurons(config, 3, "it") is None
