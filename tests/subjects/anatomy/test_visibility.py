from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from hypotest.collect.forward import forward_arrays
from hypotest.errors import EvidenceError, SubjectError
from hypotest.subjects.anatomy.visibility import attention_window
from hypotest.subjects.wrapping import wrap_language_model

_SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
}
CONTEXT = 40
SLIDING = {
    "mistral": (lambda: transformers.MistralConfig(**_SIZES, sliding_window=7), [7, 7, 7, 7]),
    "mistral, without": (lambda: transformers.MistralConfig(**_SIZES, sliding_window=None), [None] * 4),
    "phi3": (lambda: transformers.Phi3Config(**_SIZES, sliding_window=9, pad_token_id=0), [9] * 4),
    "gemma2": (
        lambda: transformers.Gemma2Config(**_SIZES, head_dim=8, sliding_window=8),
        [8, None, 8, None],
    ),
    "gemma3": (
        lambda: transformers.Gemma3TextConfig(
            **_SIZES, head_dim=8, sliding_window=8, sliding_window_pattern=3
        ),
        [8, 8, None, 8],
    ),
    "qwen2": (
        lambda: transformers.Qwen2Config(
            **_SIZES, use_sliding_window=True, sliding_window=5, max_window_layers=2
        ),
        [None, None, 5, 5],
    ),
    "qwen2, unused": (lambda: transformers.Qwen2Config(**_SIZES, sliding_window=5), [None] * 4),
    "gpt_neo": (
        lambda: transformers.GPTNeoConfig(
            vocab_size=50,
            hidden_size=16,
            num_layers=4,
            num_heads=2,
            max_position_embeddings=64,
            attention_types=[[["global", "local"], 2]],
            window_size=6,
        ),
        [None, 6, None, 6],
    ),
    "llama": (lambda: transformers.LlamaConfig(**_SIZES), [None] * 4),
}


def seen_by(model, layer):
    """Which keys the queries of a layer see, from its attention over three texts."""
    attention = []
    handle = next(
        module
        for path, module in model.named_modules()
        if path.endswith(("self_attn", "attn")) and path.split(".")[-2] == str(layer)
    ).register_forward_hook(lambda _module, _inputs, output: attention.append(output[1]))
    ids = torch.randint(0, 50, (3, CONTEXT), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model(ids, use_cache=False)
    handle.remove()
    return (attention[0] > 0).any(dim=0).any(dim=0).numpy()


@pytest.mark.parametrize("name", SLIDING)
def test_windows_are_those_that_attention_shows(name):
    make, expected = SLIDING[name]
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(make(), attn_implementation="eager").eval()
    query, key = np.indices((CONTEXT, CONTEXT))
    for layer in range(4):
        window = attention_window(model.config, layer, name)
        assert window == expected[layer]
        np.testing.assert_array_equal(
            seen_by(model, layer), (key <= query) & (key > query - (window or CONTEXT))
        )


@pytest.mark.parametrize("name", ["mistral", "gemma2", "qwen2", "gpt_neo"])
def test_collection_proves_them(name):
    torch.manual_seed(0)
    subject = wrap_language_model(transformers.AutoModelForCausalLM.from_config(SLIDING[name][0]()), layer=3)
    assert subject.attention_windows == tuple(SLIDING[name][1][layer] for layer in subject.reaching_layers)
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 50, (4, CONTEXT)).astype(np.int32)
    block, index = (part.ravel() for part in np.indices((4, CONTEXT)))
    forward_arrays(subject, tokens, block, index)
    # another window than the configuration says, in either direction
    claimed = type(subject).attention_windows
    for wrong in (3, None if None not in subject.attention_windows else 11):
        try:
            type(subject).attention_windows = property(lambda self, wrong=wrong: (wrong, wrong))
            with pytest.raises(EvidenceError, match=r"layer \d: its attention sees \d+ keys"):
                forward_arrays(subject, tokens, block, index)
        finally:
            type(subject).attention_windows = claimed


def test_chunks_are_refused():
    config = transformers.Llama4TextConfig(**_SIZES, attention_chunk_size=8)
    config.layer_types = ["chunked_attention"] * 4
    with pytest.raises(SubjectError, match="chunked_attention"):
        attention_window(config, 0, "m")
