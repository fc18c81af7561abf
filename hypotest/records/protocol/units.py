"""What the units of a layer are: its neurons, heads or experts, dimensions of the stream, latents; or units.

The one place that knows what each kind is called; how each is read and ablated lies in
``hypotest.subjects.units``, what each lacks in ``hypotest.records.evidence.channels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import Field, Tag

from hypotest.records.protocol.strict import Strict, either


class SparseAutoencoder(Strict):
    """Latents of a sparse autoencoder that was trained on the network elsewhere."""

    sae: str = Field(
        min_length=1,
        max_length=4096,
        description="folder with a cfg.json and its weights in safetensors, seen from the protocol's folder",
    )


UnitName = Literal["neurons", "heads", "residual", "experts"]
UnitKind = Annotated[
    Annotated[UnitName, Tag("word")] | Annotated[SparseAutoencoder, Tag("other")],
    either(
        get_args(UnitName),
        dict,
        f"must be {', '.join(get_args(UnitName))}, or {{sae: the folder of a sparse autoencoder}}",
    ),
]
"""What is tested in a layer."""


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What the units of a kind are called where sentences are written for neurons."""

    one: str = "neuron"
    many: str = "neurons"
    letter: str = "N"
    """In names such as ``L5N300``."""
    where: str = "the MLP of {}"
    """What of a block is tested."""
    means: str = ""
    """How they are read and ablated, for those who know it of neurons; with the name of an autoencoder."""


OF_NETWORK = "units"
"""The kind of the units of any torch module, and of evidence from elsewhere: no protocol names it."""
_FACTS: Mapping[str, UnitFacts] = MappingProxyType(
    {
        OF_NETWORK: UnitFacts(one="unit", many="units", where="the module that is tested"),
        "neurons": UnitFacts(),
        "heads": UnitFacts(
            one="head",
            many="heads",
            letter="H",
            where="the attention of {}",
            means="A head is as active as what it adds to the residual stream is long; ablated is its slice "
            "of the input of the attention output projection, all of it at once.",
        ),
        "residual": UnitFacts(
            one="stream dimension",
            many="stream dimensions",
            letter="D",
            where="the residual stream behind {}",
            means="Stream dimensions are the numbers of the residual stream in the model's own basis.",
        ),
        "experts": UnitFacts(
            one="expert",
            many="experts",
            letter="E",
            where="the mixture of experts of {}",
            means="An expert is as active as what it adds to the residual stream is long, not at all where "
            "the router sends a token elsewhere; ablated is all of it at once.",
        ),
        "sae": UnitFacts(
            one="latent",
            many="latents",
            letter="F",
            where="the sparse autoencoder of {}",
            means="Latents are those of the sparse autoencoder {}; an ablation moves what it reads by the "
            "change of the latent times its row of the decoder, so that what it does not explain stays.",
        ),
    }
)
LETTERS = "".join(facts.letter for name, facts in _FACTS.items() if name != OF_NETWORK)
"""With which names of units are written."""


def kind_name(units: str | SparseAutoencoder) -> str:
    """The kind that a protocol names: its word, or ``sae`` where it gives the folder of one."""
    return units if isinstance(units, str) else "sae"


def unit_facts(units: str | SparseAutoencoder) -> UnitFacts:
    """What the units of a kind are called.

    Args:
        units: As a protocol says it, or the name of the kind.

    Examples:
        >>> unit_facts("heads").many
        'heads'
    """
    return _FACTS[kind_name(units)]


def unit_meaning(units: str | SparseAutoencoder) -> str:
    """How such units are read and ablated; empty for neurons."""
    return unit_facts(units).means.format(units.sae if isinstance(units, SparseAutoencoder) else "")
