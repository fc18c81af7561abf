"""Networks that cannot be tested: what they are, what would be needed, and no advice that cannot help."""

from __future__ import annotations

import json
import types

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch.nn.utils.prune import l1_unstructured

from hypotest.errors import SubjectError
from hypotest.subjects.loading.loading import load_language_model, load_reader
from hypotest.subjects.wrapping import wrap_language_model
from tests.collect.families import CONFIGS, N_NEURONS

_SMALL = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2}
_HEADS = {**_SMALL, "num_attention_heads": 2, "intermediate_size": 24}
HEADLESS = {
    "mamba": lambda: transformers.MambaConfig(**_SMALL, state_size=4),
    "rwkv": lambda: transformers.RwkvConfig(**_SMALL, attention_hidden_size=16),
}
PAIRS = {
    "bart": lambda: transformers.BartConfig(vocab_size=60, d_model=16, encoder_layers=1, decoder_layers=1),
    "t5": lambda: transformers.T5Config(vocab_size=60, d_model=16, num_layers=1, num_heads=2),
}


def saved(config, path, model_class=None):
    model = model_class(config) if model_class else None
    (model or config).save_pretrained(path)
    return str(path)


@pytest.mark.parametrize("name", [*HEADLESS, *PAIRS])
def test_the_architecture_is_named_before_any_weights_are_read(name, tmp_path):
    table = {**HEADLESS, **PAIRS}
    folder = saved(table[name](), tmp_path / name)
    for load in (lambda: load_language_model(folder, device="cpu"), lambda: load_reader(folder)):
        with pytest.raises(SubjectError) as caught:
            load()
        words = str(caught.value)
        reason = "heads" if name in HEADLESS else "encoder with a decoder"
        assert f"family {name!r}" in words and reason in words
        assert "no way to describe it" in words.replace("There is ", "") and "damaged" not in words


def test_the_same_in_memory():
    model = transformers.BertLMHeadModel(transformers.BertConfig(**_HEADS))
    with pytest.raises(SubjectError, match=r"no head that predicts masked tokens.* such as BertForMaskedLM"):
        wrap_language_model(model)
    headless = transformers.GPT2Model(CONFIGS["gpt2"]())
    with pytest.raises(SubjectError, match=r"no head that predicts .* found GPT2Model"):
        wrap_language_model(headless)
    with pytest.raises(SubjectError, match="transformers causal language model"):
        wrap_language_model(torch.nn.Linear(2, 2))


def llama():
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(CONFIGS["llama, tied"]())


@pytest.mark.filterwarnings("ignore")  # PyTorch moves its quantisation to another package
def test_dynamic_int8():
    model = torch.ao.quantization.quantize_dynamic(llama(), {torch.nn.Linear}, dtype=torch.qint8)
    with pytest.raises(SubjectError, match=r"quantised \(.*_proj is a torch\.ao\.nn\.quantized\.dynamic\."):
        wrap_language_model(model)


def test_integers_are_not_sent_to_float():
    model = llama()
    model.lm_head.weight = torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.int8), requires_grad=False)
    with pytest.raises(SubjectError, match=r"quantised \(torch\.int8\)") as caught:
        wrap_language_model(model)
    assert ".float()" not in str(caught.value)


def test_adapters_in_memory():
    """As peft leaves them; `test_real_adapters` asks peft itself, where it is installed."""
    model = llama()
    model.peft_config = {"default": types.SimpleNamespace(is_prompt_learning=False)}
    with pytest.raises(SubjectError, match=r"peft\.PeftModel\.from_pretrained\(base, ADAPTER\)"):
        wrap_language_model(model)
    model.merge_and_unload = None
    with pytest.raises(SubjectError, match=r"merge them first: model = model\.merge_and_unload\(\)"):
        wrap_language_model(model)
    model.peft_config = {"default": types.SimpleNamespace(is_prompt_learning=True)}
    with pytest.raises(SubjectError, match=r"cannot be merged; .* model\.get_base_model\(\)"):
        wrap_language_model(model)
    other = llama()
    other.model.layers[0].mlp.up_proj = type(
        "Linear", (torch.nn.Module,), {"__module__": "peft.tuners.lora"}
    )()
    with pytest.raises(SubjectError, match="merge_and_unload"):
        wrap_language_model(other)


@pytest.mark.filterwarnings("ignore")
def test_real_adapters():
    peft = pytest.importorskip("peft")
    lora = peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    tuned = peft.get_peft_model(llama(), lora)
    with pytest.raises(SubjectError, match=r"merge them first: model = model\.merge_and_unload\(\)"):
        wrap_language_model(tuned)
    with pytest.raises(SubjectError, match=r"peft\.PeftModel\.from_pretrained\(base, ADAPTER\)"):
        wrap_language_model(tuned.get_base_model())
    with pytest.raises(SubjectError, match=r"peft\.PeftModel\.from_pretrained\(base, ADAPTER\)"):
        model = llama()
        model.add_adapter(lora)
        wrap_language_model(model)
    prompt = peft.PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")
    with pytest.raises(SubjectError, match="cannot be merged"):
        wrap_language_model(prompted := peft.get_peft_model(llama(), prompt))
    assert wrap_language_model(prompted.get_base_model()).n_neurons == N_NEURONS
    assert wrap_language_model(tuned.merge_and_unload()).n_neurons == N_NEURONS


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_is_the_model_itself():
    model = llama()
    assert wrap_language_model(torch.compile(model)).model is model


def test_pruned_weights_are_other_weights():
    """Their mask is a buffer; the parameter is what it was."""
    model = llama()
    plain = wrap_language_model(model).fingerprint
    down = model.model.layers[-1].mlp.down_proj
    l1_unstructured(down, "weight", 0.3)
    first = wrap_language_model(model).fingerprint
    with torch.no_grad():
        down.weight_mask.copy_(1 - down.weight_mask)
    assert len({plain, first, wrap_language_model(model).fingerprint}) == 3


_MIXTURE = {**_HEADS, "num_key_value_heads": 1, "num_local_experts": 4, "num_experts_per_tok": 2}


def test_mixtures_of_an_unknown_layout_are_told_what_they_need():
    model = transformers.JetMoeForCausalLM(transformers.JetMoeConfig(**_MIXTURE))
    needs = r"mixtures of experts \(num_local_experts: 4\), of which a router must give"
    with pytest.raises(SubjectError, match=needs) as caught:
        wrap_language_model(model)
    assert "experts: PATH, router: PATH" in str(caught.value)


def test_mixtures_with_names_of_their_own_can_be_described():
    model = transformers.GraniteMoeForCausalLM(transformers.GraniteMoeConfig(**_MIXTURE))
    with pytest.raises(SubjectError, match=r"lacks model\.layers\.1\.mlp, "):
        wrap_language_model(model)
    block = "model.layers.{layer}"
    described = {
        "block": block,
        "attention": f"{block}.self_attn",
        "attention_projection": f"{block}.self_attn.o_proj",
        "mlp_norm": f"{block}.post_attention_layernorm",
        "mlp": f"{block}.block_sparse_moe",
        "experts": f"{block}.block_sparse_moe.experts",
        "router": f"{block}.block_sparse_moe.router",
        "final_norm": "model.norm",
        "unembedding": "lm_head",
    }
    subject = wrap_language_model(model, anatomy=described)
    assert subject.n_neurons == 4 * _HEADS["intermediate_size"]
    assert subject.anatomy.routing == "softmax"
    del described["router"]
    with pytest.raises(SubjectError, match=r"must be described in full; missing: router"):
        wrap_language_model(model, anatomy=described)


def test_a_model_without_a_norm():
    config = transformers.OpenAIGPTConfig(vocab_size=60, n_positions=32, n_embd=16, n_layer=2, n_head=2)
    with pytest.raises(SubjectError, match=r"no norm between its last block and the unembedding") as caught:
        wrap_language_model(transformers.OpenAIGPTLMHeadModel(config))
    assert "Describe it" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"norm": "none"},
            r"anatomy\.norm: .* must be one of layer, layer_plain, rms, rms_plus_one; found 'none'",
        ),
        ({"norm": "layer"}, r"anatomy\.norm: .* found 'layer', and a forward pass shows 'rms'"),
        ({"parallel_residual": True}, r"anatomy\.parallel_residual: .* shows False"),
        ({"parallel_residual": "yes"}, r"anatomy\.parallel_residual: .* must be true or false"),
        ({"up": "model.layers.{layer}.mlp.up_proj"}, r"anatomy\.up: .* no part of an anatomy"),
        ({"mlp": 3}, r"anatomy\.mlp: .* must be text"),
    ],
)
def test_descriptions_that_are_not_true(given, message):
    with pytest.raises(SubjectError, match=message):
        wrap_language_model(llama(), anatomy=given)


@pytest.mark.parametrize("context", [2, 3, 5, 8, 9])
@pytest.mark.parametrize("name", ["gpt2", "opt"])
def test_contexts_shorter_than_the_tokens_of_the_examination(name, context):
    config = CONFIGS[name]()
    setattr(config, {"gpt2": "n_positions", "opt": "max_position_embeddings"}[name], context)
    subject = wrap_language_model(transformers.AutoModelForCausalLM.from_config(config))
    assert subject.context == context


def test_a_context_of_one_token():
    config = CONFIGS["gpt2"]()
    config.n_positions = 1
    with pytest.raises(SubjectError, match="at most 1 token at once"):
        wrap_language_model(transformers.GPT2LMHeadModel(config))


def test_layers_that_the_configuration_does_not_use(folder, configure):
    configure(num_hidden_layers=3)
    with pytest.raises(SubjectError, match=r"no place: gpt_neox\.layers\.3\.") as caught:
        load_language_model(str(folder), device="cpu")
    assert "num_hidden_layers" in str(caught.value) and "more" in str(caught.value)


def test_one_weight_too_many_is_named(folder):
    file = folder / "model.safetensors"
    weights = load_file(file)
    save_file({**weights, "value_head.weight": torch.ones(1, 32)}, file, metadata={"format": "pt"})
    with pytest.raises(SubjectError, match=r"has no place: value_head\.weight\. It would"):
        load_language_model(str(folder), device="cpu")


def test_masks_that_older_versions_saved_are_no_weights(folder):
    before = load_language_model(str(folder), device="cpu").fingerprint
    file = folder / "model.safetensors"
    masks = {
        "gpt_neox.layers.0.attention.bias": torch.ones(1, 1, 8, 8),
        "gpt_neox.layers.0.attention.masked_bias": torch.ones(1),
        "gpt_neox.layers.0.attention.rotary_emb.inv_freq": torch.ones(2),
        "gpt_neox.embeddings.position_ids": torch.ones(8),
    }
    save_file({**load_file(file), **masks}, file, metadata={"format": "pt"})
    assert load_language_model(str(folder), device="cpu").fingerprint == before


def test_an_adapter_beside_the_weights(folder):
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    with pytest.raises(SubjectError, match=r"adapter_config\.json.*[Mm]erge it"):
        load_language_model(str(folder), device="cpu")
    (folder / "config.json").unlink()
    with pytest.raises(SubjectError, match=r"an adapter alone"):
        load_language_model(str(folder), device="cpu")


def test_quantised_weights_in_a_folder(folder, configure):
    configure(quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(SubjectError, match=r"quantised \(gptq\)"):
        load_language_model(str(folder), device="cpu")


def test_a_gguf_file_in_a_folder_is_pointed_to(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(SubjectError, match=r"no config\.json.*name .*model\.gguf"):
        load_language_model(str(tmp_path), device="cpu")
