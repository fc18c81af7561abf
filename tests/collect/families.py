"""Small random models of every family, the same families that `anatomy` knows."""

from __future__ import annotations

import numpy as np
import torch
import transformers

from hypotest.records.protocol.units import SparseAutoencoder, UnitName
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.wrapping import wrap_language_model

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
_ENDS = {"bos_token_id": 0, "eos_token_id": 0}
_FALCON = {
    "vocab_size": VOCAB,
    "hidden_size": 24,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "ffn_hidden_size": N_NEURONS,
    **_ENDS,
}
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
    "gpt_neo": lambda: transformers.GPTNeoConfig(
        vocab_size=VOCAB,
        hidden_size=24,
        num_layers=N_LAYERS,
        num_heads=4,
        intermediate_size=N_NEURONS,
        max_position_embeddings=64,
        attention_types=[[["global", "local", "global"], 1]],
        window_size=8,
        **_ENDS,
    ),
    "gptj": lambda: transformers.GPTJConfig(
        vocab_size=VOCAB,
        n_embd=24,
        n_layer=N_LAYERS,
        n_head=4,
        n_inner=N_NEURONS,
        n_positions=64,
        rotary_dim=4,
        **_ENDS,
    ),
    "opt": lambda: transformers.OPTConfig(
        vocab_size=VOCAB,
        hidden_size=24,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=4,
        ffn_dim=N_NEURONS,
        max_position_embeddings=64,
        word_embed_proj_dim=24,
        pad_token_id=1,
        **_ENDS,
    ),
    "bloom": lambda: transformers.BloomConfig(
        vocab_size=VOCAB, hidden_size=24, n_layer=N_LAYERS, n_head=4, **_ENDS
    ),
    "falcon, parallel": lambda: transformers.FalconConfig(**_FALCON),
    "falcon, two norms": lambda: transformers.FalconConfig(
        **_FALCON, new_decoder_architecture=True, num_kv_heads=2
    ),
    "falcon, sequential": lambda: transformers.FalconConfig(
        **_FALCON, parallel_attn=False, multi_query=False, alibi=True
    ),
    "phi": lambda: transformers.PhiConfig(**{**_GROUPED, "hidden_size": 32}),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**_SIZES),
    "gpt_neox, sequential": lambda: transformers.GPTNeoXConfig(**_SIZES, use_parallel_residual=False),
    "llama, tied": lambda: transformers.LlamaConfig(**_GROUPED, tie_word_embeddings=True),
    "llama, with biases": lambda: transformers.LlamaConfig(**_GROUPED, mlp_bias=True, attention_bias=True),
    "mistral": lambda: transformers.MistralConfig(**_GROUPED),
    "qwen2": lambda: transformers.Qwen2Config(**_GROUPED),
    "qwen3": lambda: transformers.Qwen3Config(**_GROUPED, head_dim=8),
    "olmo": lambda: transformers.OlmoConfig(**_GROUPED, pad_token_id=0, eos_token_id=0),
    "olmo2": lambda: transformers.Olmo2Config(**_GROUPED, pad_token_id=0, eos_token_id=0),
    "gemma": lambda: transformers.GemmaConfig(**_GROUPED, head_dim=6),
    "gemma2": lambda: transformers.Gemma2Config(**_GROUPED, head_dim=6),
    "gemma3_text": lambda: transformers.Gemma3TextConfig(**_GROUPED, head_dim=6, sliding_window=8),
    "gemma3": lambda: transformers.Gemma3Config(
        text_config={**_GROUPED, "head_dim": 6, "sliding_window": 8},
        image_token_id=VOCAB - 1,
        boi_token_index=VOCAB - 2,
        eoi_token_index=VOCAB - 3,
        vision_config={
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "image_size": 28,
            "patch_size": 14,
        },
        mm_tokens_per_image=4,
    ),
}


def small_model(
    name: str, layer: str | int = "last", scale: float = 0.2, units: UnitName | SparseAutoencoder = "neurons"
) -> LanguageModel:
    """A random model with every parameter moved, so that gains are not one and biases not zero."""
    torch.manual_seed(3)
    model = transformers.AutoModelForCausalLM.from_config(CONFIGS[name](), attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    return wrap_language_model(model, layer=layer, name=name, units=units)


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
    """Losses in float64 from `hooked_logits`."""
    logits = torch.from_numpy(hooked_logits(subject, tokens, block, index, values))
    target = torch.from_numpy(tokens[block, index + 1].astype(np.int64))
    return torch.nn.functional.cross_entropy(logits, target, reduction="none").numpy()


def hooked_logits(
    subject: LanguageModel,
    tokens: np.ndarray,
    block: np.ndarray,
    index: np.ndarray,
    values: dict[int, np.ndarray] | None = None,
) -> np.ndarray:
    """Logits in float64 with neurons set by a plain forward hook; values (n_blocks, context) by neuron."""
    model = subject.model.double()  # and back, which loses nothing; a copy would take ten times as long
    ids = torch.from_numpy(tokens.astype(np.int64))
    down = model.get_submodule(subject.anatomy.at("down_projection", subject.layer))

    def edit(_module: object, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        activations = arguments[0].clone()
        for neuron, after in (values or {}).items():
            by_position = activations.view(*ids.shape, -1)  # OPT flattens positions
            by_position[:, :, neuron] = torch.from_numpy(np.asarray(after, dtype=np.float64))
        return (activations,)

    hook = down.register_forward_pre_hook(edit)
    try:
        with torch.no_grad():
            logits = model(ids).logits[block, index]
    finally:
        hook.remove()
        model.float()
    return logits.numpy()
