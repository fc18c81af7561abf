"""The head of a GGUF file: its metadata and the table of its tensors, read without any library.

The weights are left where they are, so that a file of any size is described in a moment, also by `validate`.

References:
    GGUF, version 3: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

SUFFIX = ".gguf"
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32
_MOST = 2**24
"""Keys, tensors, or entries of an array; the largest files have a thousandth, damaged ones any number."""
_LONGEST = 2**26
"""Bytes of a string."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor as the file lists it."""

    name: str
    shape: tuple[int, ...]
    """The fastest axis first, as GGUF counts them."""
    type_number: int
    """Of ``ggml_type``: 0 is F32, 1 F16, the others mostly quantisations."""
    offset: int
    """Bytes from the beginning of the data."""

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufHead:
    """What a file says of itself."""

    metadata: Mapping[str, Any]
    """Numbers, truth values and strings; of arrays, the number of entries."""
    arrays: frozenset[str]
    """Keys whose value is an array."""
    tensors: tuple[GgufTensor, ...]
    data_start: int
    """Bytes before the data."""
    file_size: int

    @property
    def architecture(self) -> str:
        """``general.architecture``, such as ``llama``."""
        return str(self.metadata.get("general.architecture", ""))

    def setting(self, name: str) -> Any:
        """A setting of the architecture, such as ``block_count``; None where the file has none."""
        return self.metadata.get(f"{self.architecture}.{name}")


def read_gguf_head(path: Path) -> GgufHead:
    """Read the head of a file.

    Args:
        path: Of the file.

    Raises:
        ValueError: If it is no GGUF file, of a version that is not read here, or ends within its head;
            continues a sentence that begins with the file's name.
        OSError: If it cannot be read.
    """
    with path.open("rb") as stream:
        if stream.read(4) != _MAGIC:
            raise ValueError("is no GGUF file: it does not begin with 'GGUF'")
        try:
            (version,) = _unpacked(stream, "<I")
            if version not in _VERSIONS:
                raise ValueError(f"is of version {version} of GGUF; versions 2 and 3 can be read")
            n_tensors, n_keys = _count(stream), _count(stream)
            metadata, arrays = {}, set()
            for _ in range(n_keys):
                key = _string(stream)
                (kind,) = _unpacked(stream, "<I")
                metadata[key] = _value(stream, kind)
                if kind == _ARRAY:
                    arrays.add(key)
            tensors = tuple(_tensor(stream) for _ in range(n_tensors))
        except (struct.error, UnicodeDecodeError, EOFError):
            raise ValueError(
                "is cut or damaged: it ends, or turns into something else, within its head"
            ) from None
        alignment = metadata.get("general.alignment", _ALIGNMENT)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError(f"is damaged: its alignment is {alignment!r}")
        start = -(-stream.tell() // alignment) * alignment
    return GgufHead(metadata, frozenset(arrays), tensors, start, path.stat().st_size)


def _unpacked(stream: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, stream.read(struct.calcsize(form)))


def _count(stream: BinaryIO) -> int:
    (number,) = _unpacked(stream, "<Q")
    if number > _MOST:
        raise EOFError
    return int(number)


def _string(stream: BinaryIO) -> str:
    (length,) = _unpacked(stream, "<Q")
    if length > _LONGEST:
        raise EOFError
    encoded = stream.read(length)
    if len(encoded) < length:
        raise EOFError
    return encoded.decode("utf-8")


def _value(stream: BinaryIO, kind: int) -> Any:
    """A value; of an array the number of entries, which are passed over."""
    if kind in _SCALARS:
        return _unpacked(stream, _SCALARS[kind])[0]
    if kind == _STRING:
        return _string(stream)
    if kind != _ARRAY:
        raise EOFError
    (inner,) = _unpacked(stream, "<I")
    number = _count(stream)
    if inner in _SCALARS:
        stream.seek(number * struct.calcsize(_SCALARS[inner]), 1)
        return number
    for _ in range(number):
        if inner == _STRING:
            (length,) = _unpacked(stream, "<Q")
            if length > _LONGEST:
                raise EOFError
            stream.seek(length, 1)
        else:
            _value(stream, inner)
    return number


def _tensor(stream: BinaryIO) -> GgufTensor:
    name = _string(stream)
    (n_axes,) = _unpacked(stream, "<I")
    if n_axes > 8:
        raise EOFError
    shape = _unpacked(stream, f"<{n_axes}Q")
    kind, offset = _unpacked(stream, "<IQ")
    return GgufTensor(name, tuple(map(int, shape)), int(kind), int(offset))
