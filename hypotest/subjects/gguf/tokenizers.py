"""Tokenizers in GGUF files, which split text as the file says and as the model was trained on.

Transformers makes them; what it passes over is mended here, and what it does not know is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import transformers
from tokenizers import decoders, normalizers, pre_tokenizers

from hypotest.errors import SubjectError
from hypotest.records.stored.gguf import GgufHead
from hypotest.subjects.gguf.files import ADVICE, SAFE, GgufFile, quietly

_LIKE_GPT2 = frozenset({"default", "gpt-2", "gpt2", "jais", "mpt", "olmo", "phi-2", "trillion"})
"""Values of ``tokenizer.ggml.pre`` whose text is split as GPT-2 does, which is transformers' default."""
_DIGITS_APART = frozenset({"codeshell", "command-r", "exaone", "refact", "smollm", "starcoder"})
"""Those that set every digit apart first, and then split as GPT-2 does."""
_KINDS = {"gpt2": "byte-level BPE", "llama": "SentencePiece's BPE", "gemma4": "Gemma 4's"}
"""Values of ``tokenizer.ggml.model``."""


def gguf_tokenizer(file: GgufFile, name: str) -> Any:
    """The tokenizer in a file, which splits text as the file says.

    Raises:
        SubjectError: If it is of a kind that is not read here, or not known how it splits text.
    """
    for problem in _unreadable(file.head):
        raise SubjectError(f"subject.model: the tokenizer of {name} {problem}{ADVICE}")
    with quietly() as folder:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, gguf_file=str(file.path.absolute()), **SAFE
        )
    metadata = file.head.metadata
    backend = tokenizer.backend_tokenizer
    if metadata["tokenizer.ggml.model"] == "gpt2" and metadata.get("tokenizer.ggml.pre") in _DIGITS_APART:
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    if metadata["tokenizer.ggml.model"] == "llama":
        _as_sentencepiece(backend, metadata, name)
    return tokenizer


def _unreadable(head: GgufHead) -> Iterator[str]:
    """Continue "the tokenizer of the file"."""
    kind, split = head.metadata["tokenizer.ggml.model"], head.metadata.get("tokenizer.ggml.pre", "default")
    if kind not in _KINDS:
        yield (
            f"is of the kind {kind!r} (tokenizer.ggml.model), which is not read here; known are "
            + ", ".join(f"{name} ({words})" for name, words in _KINDS.items())
        )
    # imported here: it takes as long as many models to load
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    known = _LIKE_GPT2 | _DIGITS_APART | GGUF_PRE_TOKENIZER_SPLITS.keys()
    if kind == "gpt2" and split not in known:
        yield (
            f"splits text as {split!r} (tokenizer.ggml.pre), which is not known here, so that the model "
            f"would read other tokens than it was trained on (known: {', '.join(sorted(known))})"
        )
    if not {"tokenizer.ggml.scores", "tokenizer.ggml.merges"} & head.arrays:
        yield "has neither merges nor scores (tokenizer.ggml.merges), by which pieces of words are joined"


def _as_sentencepiece(backend: Any, metadata: Mapping[str, Any], name: str) -> None:
    """Spaces as SentencePiece has them, whose pieces these are.

    Transformers passes over what the file says of a space before the text, adds none where the text begins
    with one, and drops characters of which neither a piece nor the bytes are there.
    """
    spaces = normalizers.Replace(" ", "\u2581")
    before = metadata.get(
        "tokenizer.ggml.add_space_prefix", not metadata["general.architecture"].startswith("gemma")
    )
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), spaces]) if before else spaces
    backend.pre_tokenizer = None
    end = [decoders.Strip(content=" ", left=1)] if before else []
    backend.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), *end]
    )
    if all(backend.token_to_id(f"<0x{byte:02X}>") is not None for byte in range(256)):
        return
    unknown = metadata.get("tokenizer.ggml.unknown_token_id")
    token = None if unknown is None else backend.id_to_token(unknown)
    if token is None:
        raise SubjectError(
            f"subject.model: the tokenizer of {name} has neither all 256 bytes (<0x00> to <0xFF>) nor an "
            f"unknown token (tokenizer.ggml.unknown_token_id), so that characters would be dropped{ADVICE}"
        )
    backend.model.unk_token = token
