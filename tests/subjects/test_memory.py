"""What a model takes, before it is read; and whether there is room for it."""

import pytest
import torch
import transformers

from hypotest.errors import SubjectError
from hypotest.subjects import memory
from hypotest.subjects.memory import free_memory, n_parameters, require_memory

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        ("gpt2", {"n_layer": 2, "n_embd": 16, "n_head": 2, "vocab_size": 50}),  # the unembedding is shared
        (
            "llama",
            {"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2,
             "num_key_value_heads": 1, "vocab_size": 50},
        ),
    ],
)  # fmt: skip
def test_parameters_are_those_of_the_model(family, sizes):
    config = transformers.AutoConfig.for_model(family, **sizes)
    model = transformers.AutoModelForCausalLM.from_config(config)
    assert n_parameters(config) == sum(item.numel() for item in model.parameters())


def test_a_model_that_does_not_fit_is_refused_with_both_numbers(monkeypatch):
    config = transformers.AutoConfig.for_model("gpt2", n_layer=2, n_embd=16, n_head=2, vocab_size=50)
    number = n_parameters(config)
    monkeypatch.setattr(memory, "free_memory", lambda device: 4 * number)
    require_memory(config, "small", torch.float32, CPU)
    with pytest.raises(
        SubjectError, match=r"small has 0 million parameters, which take 0.0 GB in float64, and"
    ):
        require_memory(config, "small", torch.float64, CPU)


def test_a_large_one_is_not_built(monkeypatch):
    config = transformers.AutoConfig.for_model("llama")
    with pytest.raises(SubjectError, match=r"6\.7 billion parameters, which take 27\.0 GB .* has 8\.0 GB"):
        monkeypatch.setattr(memory, "free_memory", lambda device: 8 * 10**9)
        require_memory(config, "llama", torch.float32, CPU)


def test_some_memory_is_left_here():
    assert 0 < free_memory(CPU) < 2**50
