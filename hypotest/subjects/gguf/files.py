"""Models in GGUF files: tokenizer, configuration and weights in one, the weights mostly quantised.

A file that is cut, damaged, or of a kind that cannot be expanded is refused here, by its head; what becomes
of its content: `hypotest.subjects.gguf.models` and `hypotest.subjects.gguf.tokenizers`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hypotest.errors import SubjectError
from hypotest.records.stored.files import POINTER_WORDS, is_pointer
from hypotest.records.stored.gguf import GgufHead, GgufTensor, read_gguf_head

_PACKAGES = ("gguf", "accelerate")
SAFE: Mapping[str, Any] = {"trust_remote_code": False}
"""Nothing that comes with a model is executed, wherever it is kept."""
ADVICE = "; name the model's folder in Hugging Face format instead"


@dataclass(frozen=True)
class GgufFile:
    """A file whose head has been read."""

    path: Path
    head: GgufHead

    @cached_property
    def sha256(self) -> str:
        """Of the whole file."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @cached_property
    def quantization(self) -> str:
        """How weights are kept, the kind with most entries first: ``Q4_1, Q8_0, F32``."""
        entries: Counter[str] = Counter()
        for tensor in self.head.tensors:
            entries[_type_name(tensor.type_number)] += tensor.size
        return ", ".join(name for name, _ in entries.most_common())

    def content(self, tensor: GgufTensor) -> bytes:
        """What is kept of a tensor."""
        block, n_bytes = _block_sizes()[tensor.type_number]
        with self.path.open("rb") as stream:
            stream.seek(self.head.data_start + tensor.offset)
            return stream.read(tensor.size // block * n_bytes)


def open_gguf(path: Path, name: str) -> GgufFile:
    """Read a file's head and check that all of it is there.

    Args:
        path: Of the file.
        name: As the protocol names it, for errors.

    Raises:
        SubjectError: If the packages that read such files are missing, or the file is none, is cut, is one of
            several parts, or has no tokenizer.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise SubjectError(
            f"subject.model: {name} is a GGUF file, which {' and '.join(missing)} must be installed for: "
            "pip install 'hypotest-nn[gguf]'"
        )
    if is_pointer(path):
        raise SubjectError(f"subject.model: {path} {POINTER_WORDS}")
    try:
        head = read_gguf_head(path)
    except OSError as error:
        raise SubjectError(f"subject.model: {path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise SubjectError(f"subject.model: {path} {error}") from None
    for problem in _problems(head):
        raise SubjectError(f"subject.model: {path} {problem}")
    return GgufFile(path, head)


def _problems(head: GgufHead) -> Iterator[str]:
    """Continue the file's name."""
    if not head.architecture:
        yield "says no architecture (general.architecture); it holds no language model"
    parts = head.metadata.get("split.count", 0)
    if isinstance(parts, int) and parts > 1:
        yield f"is one of {parts} parts; join them first, with llama-gguf-split --merge"
    if not head.tensors:
        yield "holds no weights"
    sizes = _block_sizes()
    for tensor in head.tensors:
        if tensor.type_number not in sizes:
            yield f"keeps {tensor.name} as type {tensor.type_number}, which the package gguf does not know"
            return
        kind = _type_name(tensor.type_number)
        if not _can_be_expanded(tensor.type_number):
            yield (
                f"keeps {tensor.name} as {kind}, which the package gguf cannot expand; quantise the model in "
                "another way, or name its folder in Hugging Face format"
            )
            return
        block, n_bytes = sizes[tensor.type_number]
        row = tensor.shape[0] if tensor.shape else 1
        if row % block:
            yield (
                f"is damaged: it keeps {tensor.name} as {kind}, in blocks of {block}, and its rows are of "
                f"{row}; convert the model again"
            )
            return
        end = head.data_start + tensor.offset + tensor.size // block * n_bytes
        if end > head.file_size:
            yield (
                f"is cut: it has {head.file_size:,} bytes, and {tensor.name} ends at byte {end:,}; download "
                "or copy it again"
            )
            return
    if not {"tokenizer.ggml.model", "tokenizer.ggml.tokens"} <= head.metadata.keys():
        yield (
            "holds no tokenizer (tokenizer.ggml.tokens), which text is read with; convert the model together "
            "with its tokenizer"
        )


def _type_name(number: int) -> str:
    from gguf import GGMLQuantizationType

    return str(GGMLQuantizationType(number).name)


@cache
def _can_be_expanded(number: int) -> bool:
    """Whether the package gguf does so: it has names for more types than it reads."""
    from gguf import GGMLQuantizationType, dequantize

    block = np.zeros(_block_sizes()[number][1], dtype=np.uint8)
    try:
        dequantize(block, GGMLQuantizationType(number))
    except NotImplementedError:
        return False
    return True


@cache
def _block_sizes() -> dict[int, tuple[int, int]]:
    """Type of tensor -> entries and bytes of a block."""
    from gguf import GGML_QUANT_SIZES

    return {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}


@contextlib.contextmanager
def quietly() -> Iterator[str]:
    """An empty folder, so that nothing beside the file is taken for a part of it; no bars of progress."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        yield folder
