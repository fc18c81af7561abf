"""Small random models of every family, the same families that `anatomy` knows."""

from __future__ import annotations

import copy

import numpy as np
import torch
import transformers

from hypotest.subjects.language_model import LanguageModel, wrap_language_model

VOCAB, CONTEXT, N_LAYERS, N_NEURONS = 211, 16, 3, 40
_SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 24,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": N_NEURONS,
    "max_position_embeddings": 64,
}
_GROUPED = {**_SIZES, "num_key_value_heads": 2}
CONFIGS = {
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=VOCAB,
        n_embd=24,
        n_layer=N_LAYERS,
        n_head=4,
        n_inner=N_NEURONS,
        n_positions=64,
        bos_token_id=0,
        eos_token_id=0,
    ),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**_SIZES),
    "gpt_neox, sequential": lambda: transformers.GPTNeoXConfig(**_SIZES, use_parallel_residual=False),
    "llama, tied": lambda: transformers.LlamaConfig(**_GROUPED, tie_word_embeddings=True),
    "llama, with biases": lambda: transformers.LlamaConfig(**_GROUPED, mlp_bias=True, attention_bias=True),
    "mistral": lambda: transformers.MistralConfig(**_GROUPED),
    "qwen2": lambda: transformers.Qwen2Config(**_GROUPED),
    "gemma": lambda: transformers.GemmaConfig(**_GROUPED, head_dim=6),
    "gemma2": lambda: transformers.Gemma2Config(**_GROUPED, head_dim=6),
}


def small_model(name: str, layer: str | int = "last", scale: float = 0.2) -> LanguageModel:
    """A random model with every parameter moved, so that gains are not one and biases not zero."""
    torch.manual_seed(3)
    model = transformers.AutoModelForCausalLM.from_config(CONFIGS[name](), attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    return wrap_language_model(model, layer=layer, name=name)


def positions() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Blocks, and block, index and target of some of their positions."""
    tokens = np.random.default_rng(5).integers(0, VOCAB, (4, CONTEXT)).astype(np.int32)
    block = np.repeat(np.arange(4), 3)
    index = np.tile([0, 6, 14], 4).astype(np.int64)
    return tokens, block, index, tokens[block, index + 1].astype(np.int64)


def hooked_losses(
    subject: LanguageModel,
    tokens: np.ndarray,
    block: np.ndarray,
    index: np.ndarray,
    values: dict[int, np.ndarray] | None = None,
) -> np.ndarray:
    """Losses in float64 with neurons set by a plain forward hook; values (n_blocks, context) by neuron."""
    model = copy.deepcopy(subject.model).double()
    ids = torch.from_numpy(tokens.astype(np.int64))
    down = model.get_submodule(subject.anatomy.at("down_projection", subject.layer))

    def edit(_module: object, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        activations = arguments[0].clone()
        for neuron, after in (values or {}).items():
            activations[:, :, neuron] = torch.from_numpy(np.asarray(after, dtype=np.float64))
        return (activations,)

    hook = down.register_forward_pre_hook(edit)
    try:
        with torch.no_grad():
            logits = model(ids).logits[block, index]
    finally:
        hook.remove()
    return torch.nn.functional.cross_entropy(logits, ids[block, index + 1], reduction="none").numpy()
