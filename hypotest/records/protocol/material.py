"""The material of a protocol: the network, the text, and which of its positions are looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, model_validator

from hypotest.records.protocol.design import MatchFactor
from hypotest.records.protocol.packaged import PACKAGED
from hypotest.records.protocol.strict import Strict, either

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


class Subject(Strict):
    """The network under test."""

    model: str = Field(
        default="reference",
        description="`reference` (ships with hypotest), a Hub id, a folder in Hugging Face format, a .gguf "
        f"file, or a model that a package brings: {', '.join(PACKAGED)}",
        min_length=1,
    )
    revision: Revisions | None = Field(
        default=None,
        description="branch, tag or commit of a Hub id, or the folder of a checkpoint within a local one; a "
        "list, such as [step1000, step143000], is run one after the other",
    )
    layer: Annotated[
        Annotated[Literal["last", "all"], Tag("word")] | Annotated[int, Tag("other")],
        either(("last", "all"), int, "must be last, all, or the number of a block"),
    ] = Field(
        default="last",
        description="block whose MLP is tested: `last`, its number from 0 (from the end if negative), or "
        "`all`, one after the other",
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


class CorpusFiles(Strict):
    """Files with documents: text files are one each, JSON lines and tables hold many."""

    files: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1,
        description="paths, seen from the protocol's folder, of files, of folders (.txt, .md, .rst and the "
        "following in them, at any depth), or patterns such as texts/**/*.txt: UTF-8 text, one document "
        "each, or with many .jsonl, .csv, .tsv or .parquet; all but the last also packed (.gz, .zst)",
    )
    column: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="key or column that holds the text, in .jsonl, .csv, .tsv and .parquet; `text` if not "
        "given",
    )


class CorpusHub(Strict):
    """The first documents of a data set of the Hugging Face Hub, streamed and then kept in the cache."""

    hub: str = Field(
        min_length=1,
        max_length=4096,
        description="id of a data set on the Hugging Face Hub, such as allenai/c4; or a folder that the "
        "datasets library can load, seen from the protocol's folder",
    )
    config: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="configuration (subset) of the data set, such as en, where it has several",
    )
    split: str = Field(min_length=1, max_length=200, description="split of the data set, such as validation")
    column: str | None = Field(
        default=None, min_length=1, max_length=200, description="column of the text; `text` if not given"
    )
    revision: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="branch, tag or commit of the data set; its main branch if not given. The whole commit "
        "makes sure that everyone reads the same text",
    )
    documents: int = Field(
        default=10_000,
        ge=1,
        le=10**8,
        description="number of documents to read, from the start of the split; empty and repeated ones among "
        "them are left out",
    )

    @property
    def title(self) -> str:
        """What a reader needs to find the documents: data set, configuration, split, revision."""
        parts = ", ".join(filter(None, [self.config, self.split]))
        revision = f"; revision {self.revision}" if self.revision else ""
        return f"{self.hub} ({parts}{revision})"


def _text_alternative(value: Any) -> str | None:
    """Which kind of text is meant; a mapping without ``hub`` or ``files`` is judged by its other keys."""
    if isinstance(value, CorpusHub):
        return "hub"
    if isinstance(value, BaseModel):
        return "files"
    if isinstance(value, dict):
        of_hub = CorpusHub.model_fields.keys() - CorpusFiles.model_fields.keys()
        return "hub" if "files" not in value and of_hub & value.keys() else "files"
    return "word" if value == "reference" else None


_TEXTS = "{files: [paths of texts]}, or {hub: a data set, split: its part}"
Text = Annotated[
    Annotated[Literal["reference"], Tag("word")]
    | Annotated[CorpusFiles, Tag("files")]
    | Annotated[CorpusHub, Tag("hub")],
    Discriminator(
        _text_alternative,
        custom_error_type="alternatives",
        custom_error_message=f"must be reference, or {_TEXTS}",
    ),
]
"""Docstrings of installed packages, files, or a data set of the Hub."""


class CountedText(Strict):
    """A text whose tokens are counted."""

    count: Text = Field(
        description="`reference` (the reference model's training text: docstrings of installed packages), "
        + _TEXTS,
    )


def _auto_or_bool(value: Any) -> Any:
    """A number is none of them, although 1 equals true."""
    if isinstance(value, bool) or value == "auto":
        return value
    raise ValueError("must be auto, true or false")


class Corpus(Strict):
    """The text whose tokens are predicted."""

    text: Text = Field(
        default="reference",
        description=f"`reference` (docstrings of installed packages), {_TEXTS}",
    )
    context: int = Field(
        default=128,
        ge=16,
        le=65536,
        description="length of a block, in tokens; longer documents are "
        "packed, shorter ones padded on the right and looked at up to their end",
    )
    bos: Annotated[Literal["auto", True, False], BeforeValidator(_auto_or_bool)] = Field(
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
        description="number of positions of the first condition from one document, at most",
    )
    max_per_type: Annotated[
        Annotated[Literal["none"], Tag("word")]
        | Annotated[Annotated[int, Field(ge=1, le=10**7)], Tag("other")],
        either("none", int, "must be none, or a whole number from 1"),
    ] = Field(
        default=8,
        description="number of positions of a condition in each split whose target is one token type, at "
        "most: types are a sample as documents are, and without a limit a few hold most positions; `none`: "
        "no limit",
    )
    match: tuple[MatchFactor, ...] = Field(
        default=("block",),
        description="what each position of the second condition has in common with its partner of the first",
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
        default=0.5, gt=0, lt=1, description="share of the documents that selects; the others measure"
    )
    by: Literal["document"] = Field(default="document", description="what stays on one side of the split")
