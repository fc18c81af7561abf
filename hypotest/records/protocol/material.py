"""The material of a protocol: the network, the text, and which of its positions are looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from hypotest.records.protocol.design import MatchFactor
from hypotest.records.protocol.packaged import PACKAGED
from hypotest.records.protocol.strict import Strict, either
from hypotest.records.protocol.texts import TEXTS, Text
from hypotest.records.protocol.units import UnitKind

ModulePath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.(\w+|\{layer\}))*$", max_length=200)]
"""Path of a module as in ``model.named_modules()``, ``{layer}`` for the number of a block."""


class DescribedAnatomy(Strict):
    """Where a model keeps neurons and heads, for families that hypotest does not know."""

    block: ModulePath | None = Field(default=None, description="a transformer block")
    attention: ModulePath | None = Field(
        default=None, description="module whose second output is the attention weights"
    )
    attention_projection: ModulePath | None = Field(
        default=None, description="attention output projection; its input holds the heads side by side"
    )
    mlp_norm: ModulePath | None = Field(default=None, description="norm before the MLP")
    mlp: ModulePath | None = Field(default=None, description="the MLP, ending with the down-projection")
    up_projection: ModulePath | None = Field(
        default=None,
        description="first projection of the MLP; of a gated one, not the gate's",
    )
    gate_projection: ModulePath | None = Field(
        default=None, description="of a gated MLP, the projection that goes through the activation function"
    )
    down_projection: ModulePath | None = Field(
        default=None, description="last projection of the MLP; its input is the layer's neurons"
    )
    experts: ModulePath | None = Field(
        default=None,
        description="of a mixture of experts, the module that holds them, fused; up_projection, "
        "gate_projection and down_projection are then those of a shared expert, if there is one",
    )
    router: ModulePath | None = Field(
        default=None,
        description="of a mixture, the module that gives logits, weights and numbers of experts",
    )
    shared_gate: ModulePath | None = Field(
        default=None, description="of a mixture, projection whose sigmoid multiplies its shared expert"
    )
    head: ModulePath | None = Field(
        default=None,
        description="of an encoder, the first module behind its last block; all behind it runs at each place "
        "alone",
    )
    final_norm: ModulePath | None = Field(default=None, description="norm before the unembedding")
    unembedding: ModulePath | None = Field(
        default=None, description="linear map from the normed residual stream to logits"
    )


Revision = Annotated[str, Field(min_length=1, max_length=200)]
Revisions = Annotated[
    Annotated[Revision, Tag("word")]
    | Annotated[Annotated[tuple[Revision, ...], Field(max_length=1000)], Tag("other")],
    either(None, list | tuple, "must be a revision, or a list of at least two"),
]
"""One checkpoint, or several."""
Layers = Annotated[tuple[int, ...], Field(max_length=1000)]
"""Several blocks, each by its number."""
ModelName = Annotated[str, Field(min_length=1)]
Models = Annotated[
    Annotated[ModelName, Tag("word")]
    | Annotated[Annotated[tuple[ModelName, ...], Field(max_length=1000)], Tag("other")],
    either(None, list | tuple, "must be a model, or a list of at least two"),
]
"""One network, or several."""
SEED = "{seed}"
"""In a model's name: what each of `subject.seed` stands for."""
Axis = Literal["model", "revision", "layer"]
"""What the runs of a series differ in; a seed makes another model."""


def _layer_kind(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return "several"
    if isinstance(value, int) and not isinstance(value, bool):
        return "number"
    return "word" if value in ("last", "all") else None


class Subject(Strict):
    """The network under test."""

    network: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="instead of a language model, any torch module with its rows: the name under which an "
        "installed package offers it (entry points `hypotest.subjects`), that of a network whose "
        "organisation is known (`hypotest controls`), or of one that is given in Python",
    )
    model: Models = Field(
        default="reference",
        description="`reference` (ships with hypotest), a Hub id, a folder in Hugging Face format, a .gguf "
        f"file, or a model that a package brings: {', '.join(PACKAGED)}; a list is run one after the other",
    )
    seed: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=1000)] | None = Field(
        default=None,
        description=f"seeds of trainings that differ in nothing else, each in place of {SEED} in `model`, "
        f"such as EleutherAI/pythia-160m-seed{SEED}; run one after the other",
    )
    revision: Revisions | None = Field(
        default=None,
        description="branch, tag or commit of a Hub id, or the folder of a checkpoint within a local one; a "
        "list, such as [step1000, step143000], is run one after the other",
    )
    layer: Annotated[
        Annotated[Literal["last", "all"], Tag("word")]
        | Annotated[int, Tag("number")]
        | Annotated[Layers, Tag("several")],
        Discriminator(
            _layer_kind,
            custom_error_type="alternatives",
            custom_error_message="must be last, all, or the number of a block, or a list of numbers",
        ),
    ] = Field(
        default="last",
        description="block whose units are tested: `last`, its number from 0 (from the end if negative), or, "
        "one after the other, a list of numbers, such as [-3, -2, -1], or `all`",
    )
    units: UnitKind = Field(
        default="neurons",
        description="what is tested in the block: the `neurons` of its MLP, its attention `heads`, whole "
        "`experts` of a mixture, the dimensions of the `residual` stream behind it, or {sae: FOLDER}, the "
        "latents of a sparse autoencoder",
    )
    dtype: Literal["float32", "float64"] | None = Field(
        default=None,
        description="numbers that the model computes with; float32 if not given, and half precision is too "
        "coarse for the effect of one neuron",
    )
    anatomy: DescribedAnatomy | None = Field(
        default=None,
        description="where the model keeps neurons and heads, if its family is unknown or was changed; "
        "proved on a few tokens when the model is loaded",
    )

    @property
    def models(self) -> tuple[str, ...]:
        """Every network by its name, seeds filled in."""
        names = self.model if isinstance(self.model, tuple) else (self.model,)
        if self.seed is None:
            return names
        return tuple(name.replace(SEED, str(seed)) for name in names for seed in self.seed)

    @property
    def name(self) -> str:
        """The network's; of several, that of the first."""
        return self.models[0]

    @property
    def several_layers(self) -> bool:
        """Whether more than one block of a network is tested, one after the other."""
        return self.layer == "all" or isinstance(self.layer, tuple)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What the runs of a series differ in, the slowest first; empty for a single run."""
        several: dict[Axis, bool] = {
            "model": isinstance(self.model, tuple) or self.seed is not None,
            "revision": isinstance(self.revision, tuple),
            "layer": self.several_layers,
        }
        return tuple(axis for axis, is_so in several.items() if is_so)


Material = Literal["text", "examples", "rows"]
"""Running text, a table of prompts, or the rows of a network."""


class CountedText(Strict):
    """A text whose tokens are counted."""

    count: Text = Field(
        description="`reference` (the reference model's training text: docstrings of installed packages), "
        + TEXTS,
    )


def _auto_or_bool(value: Any) -> Any:
    """A number is none of them, although 1 equals true."""
    if isinstance(value, bool) or value == "auto":
        return value
    raise ValueError("must be auto, true or false")


Bos = Annotated[Literal["auto", True, False], BeforeValidator(_auto_or_bool)]
"""Whether texts begin with the beginning-of-sequence token."""


class Corpus(Strict):
    """The text whose tokens are predicted."""

    text: Text = Field(
        default="reference",
        description=f"`reference` (docstrings of six packages), {TEXTS}",
    )
    context: int = Field(
        default=128,
        ge=16,
        le=65536,
        description="length of a block, in tokens; longer documents are "
        "packed, shorter ones padded on the right and looked at up to their end",
    )
    bos: Bos = Field(
        default="auto",
        description="whether each block begins with the beginning-of-sequence token, which is never a "
        "position: true, false, or `auto`, as the tokenizer itself does",
    )


class Sampling(Strict):
    """How many positions of each condition are looked at, and what pairs of them agree in."""

    positions: int = Field(
        default=4096,
        ge=2,
        le=10**7,
        description="number of positions per condition, at most, both splits together",
    )
    max_per_document: int = Field(
        default=16,
        ge=1,
        le=10**7,
        description="number of positions of the first condition from one document, or cluster of examples, "
        "at most",
    )
    max_per_type: Annotated[
        Annotated[Literal["none"], Tag("word")]
        | Annotated[Annotated[int, Field(ge=1, le=10**7)], Tag("other")],
        either("none", int, "must be none, or a whole number from 1"),
    ] = Field(
        default=8,
        description="number of positions of a condition in each split whose target is one token type, at "
        "most: types are a sample as documents are, and without a limit a few hold most positions; `none`: "
        "no limit, as with examples where it is not given",
    )
    match: tuple[MatchFactor, ...] = Field(
        default=("block",),
        description="what each position of the second condition has in common with its partner of the first; "
        "with examples nothing if not given, and `document` is their cluster",
    )

    @property
    def type_limit(self) -> int | None:
        """`max_per_type` as a number; None for no limit."""
        return None if self.max_per_type == "none" else self.max_per_type

    @model_validator(mode="after")
    def _once(self) -> Sampling:
        if len(set(self.match)) < len(self.match):
            raise ValueError("must match on each thing once")
        return self


class Split(Strict):
    """How documents are divided: neurons are selected on one part and measured on the other."""

    selection: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="share of the documents, or clusters, that selects; the others measure",
    )
    by: Literal["document"] = Field(default="document", description="what stays on one side of the split")
