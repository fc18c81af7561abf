"""What the units of a layer are: its neurons, its heads, dimensions of the stream, latents of an autoencoder.

The one place that knows what each kind is called; how each is read and ablated lies in
``hypotest.subjects.units``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, Tag

from hypotest.records.protocol.strict import Strict, either


class SparseAutoencoder(Strict):
    """Latents of a sparse autoencoder that was trained on the network elsewhere."""

    sae: str = Field(
        min_length=1,
        max_length=4096,
        description="folder with a cfg.json and its weights in safetensors, seen from the protocol's folder",
    )


UnitName = Literal["neurons", "heads", "residual"]
UnitKind = Annotated[
    Annotated[UnitName, Tag("word")] | Annotated[SparseAutoencoder, Tag("other")],
    either(
        ("neurons", "heads", "residual"),
        dict,
        "must be neurons, heads, residual, or {sae: the folder of a sparse autoencoder}",
    ),
]
"""What is tested in a layer."""


@dataclass(frozen=True, slots=True)
class UnitWords:
    """Nouns for the units of a kind, where sentences are written for neurons."""

    one: str = "neuron"
    many: str = "neurons"
    letter: str = "N"
    """In names such as ``L5N300``."""
    layer: str = "MLP"
    """What of a block is tested."""


_WORDS: Mapping[str, UnitWords] = MappingProxyType(
    {
        "neurons": UnitWords(),
        "heads": UnitWords("head", "heads", "H", "attention"),
        "residual": UnitWords("stream dimension", "stream dimensions", "D", "residual stream"),
        "sae": UnitWords("latent", "latents", "F", "autoencoder"),
    }
)


def kind_name(units: UnitName | SparseAutoencoder) -> str:
    """The kind that a protocol names: ``neurons``, ``heads``, ``residual``, ``sae``."""
    return units if isinstance(units, str) else "sae"


def unit_words(kind: str) -> UnitWords:
    """What the units of a kind are called.

    Examples:
        >>> unit_words("heads").many
        'heads'
    """
    return _WORDS[kind]
