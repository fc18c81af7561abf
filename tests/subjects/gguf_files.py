"""A tiny Llama with a byte-level tokenizer, and GGUF files of it as converters write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter
from tokenizers.pre_tokenizers import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM

_SYLLABLES = [(a, b) for a in "bdfgklmnprst" for b in "aeiou"]
_PAIRS = [("Ġ", "a"), ("Ġ", "t"), ("t", "h"), ("th", "e"), ("Ġ", "Ġ"), ("Ġ", "1"), ("1", "2")]
_PAIRS += [*_SYLLABLES, *(("Ġ", a + b) for a, b in _SYLLABLES)]
_PAIRS += [(f"Ġ{a}{b}", end) for a, b in _SYLLABLES for end in "nrs"]
TOKENS = ["<s>", *sorted(ByteLevel.alphabet()), *(a + b for a, b in _PAIRS)]
MERGES = [f"{a} {b}" for a, b in _PAIRS]
VOCAB, LAYERS = len(TOKENS), 3
_CONTROL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_PIECES = [
    "▁t",
    "he",
    "▁the",
    "▁▁",
    "▁▁▁▁",
    "in",
    "▁a",
    "nd",
    "▁and",
    "er",
    "▁b",
    "ing",
    "12",
    "ca",
    "cat",
    "▁cat",
    "the",
    "ab",
    "abc",
    "bc",
    "aa",
    "aaa",
    "▁the▁",
]
PIECES = [*_CONTROL, *BYTES, *_PIECES, *sorted("▁abcdefghijklmnopqrstuvwxyzé12.,<>")]
"""Of SentencePiece, those that are joined first before the others."""
SCORES = [0.0] * (3 + 256) + [-float(rank) for rank in range(len(PIECES) - 3 - 256)]


def tiny_llama(**changes: Any) -> Any:
    """Random, with gains that are not one."""
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "vocab_size": VOCAB,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "rms_norm_eps": 2**-17,
        "rope_theta": 5000.0,
    }
    model = LlamaForCausalLM._from_config(LlamaConfig(**{**settings, **changes}), attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def write_gguf(
    path: Path,
    model: Any,
    kind: str = "F32",
    *,
    architecture: str = "llama",
    tokenizer: bool = True,
    pre: str | None = "gpt-2",
    add_tokens: Callable[[GGUFWriter], None] | None = None,
    add_bos: bool | None = None,
    blocks: int = LAYERS,
    edit: Callable[[GGUFWriter], None] = lambda writer: None,
    blocks_of: Mapping[str, tuple[GGMLQuantizationType, np.ndarray]] | None = None,
) -> Path:
    """Write a model as llama.cpp's converter does: queries and keys interleaved, vectors in float32.

    Of parameters that `blocks_of` names, these bytes are written instead.
    """
    config = model.config
    writer = GGUFWriter(str(path), architecture)
    writer.add_block_count(blocks)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    if tokenizer:
        if add_tokens is None:
            _add_tokenizer(writer, pre, add_bos)
        else:
            add_tokens(writer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.float().numpy()
        if "q_proj" in name or "k_proj" in name:
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            values = _interleaved(values, heads)
        named = names.get_name(name, try_suffixes=(".weight",))
        if name in (blocks_of or {}):
            quantization, content = blocks_of[name]
            writer.add_tensor(named, content, raw_dtype=quantization)
            continue
        quantization = GGMLQuantizationType.F32 if values.ndim == 1 else GGMLQuantizationType[kind]
        writer.add_tensor(named, gguf.quants.quantize(values, quantization), raw_dtype=quantization)
    edit(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_pieces(
    writer: GGUFWriter,
    *,
    kind: str = "llama",
    pieces: Sequence[str] = PIECES,
    scores: Sequence[float] | None = SCORES,
    space: bool | None = None,
    add_bos: bool | None = None,
    unknown: int | None = 0,
) -> None:
    """A tokenizer as converters take it from a ``tokenizer.model`` of SentencePiece."""
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre("default")
    writer.add_token_list(list(pieces))
    if scores is not None:
        writer.add_token_scores(list(scores))
    types = {**dict.fromkeys(BYTES, 6), "<unk>": 2, "<s>": 3, "</s>": 3}
    writer.add_token_types([types.get(piece, 1) for piece in pieces])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if unknown is not None:
        writer.add_unk_token_id(unknown)
    if space is not None:
        writer.add_add_space_prefix(space)
    if add_bos is not None:
        writer.add_add_bos_token(add_bos)


def random_blocks(shape: tuple[int, ...], kind: str, seed: int = 0) -> np.ndarray:
    """Bytes of a tensor of any quantisation, also of those that the package cannot write.

    Any bytes are valid blocks; drawn again are those whose scales make no ordinary weights of them.
    """
    quantization = GGMLQuantizationType[kind]
    block, n_bytes = gguf.GGML_QUANT_SIZES[quantization]
    drawn = np.random.default_rng(seed).integers(0, 256, (2_000, n_bytes), dtype=np.uint8)
    with np.errstate(all="ignore"):
        largest = np.abs(gguf.dequantize(drawn, quantization)).max(axis=1)
    fit = drawn[(largest > 1e-3) & (largest < 1)]
    chosen = np.resize(fit, (np.prod(shape) // block, n_bytes))
    return chosen.reshape(*shape[:-1], shape[-1] // block * n_bytes)


def halves(weights: np.ndarray, n_heads: int) -> np.ndarray:
    """Rotary pairs as transformers has them, where GGUF has them side by side."""
    pairs = weights.reshape(n_heads, weights.shape[0] // n_heads // 2, 2, *weights.shape[1:])
    return pairs.swapaxes(1, 2).reshape(weights.shape)


def _add_tokenizer(writer: GGUFWriter, pre: str | None, add_bos: bool | None) -> None:
    writer.add_tokenizer_model("gpt2")
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] + [1] * (VOCAB - 1))  # a control token, then ordinary ones
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    if add_bos is not None:
        writer.add_add_bos_token(add_bos)


def _interleaved(weights: np.ndarray, n_heads: int) -> np.ndarray:
    """Rotary pairs side by side, where transformers has halves."""
    halves = weights.reshape(n_heads, 2, weights.shape[0] // n_heads // 2, *weights.shape[1:])
    return halves.swapaxes(1, 2).reshape(weights.shape)
