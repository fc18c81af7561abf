"""Examples in the place of running text: prompts with what should follow, and what is computed of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from hypotest.records.protocol.material import Bos
from hypotest.records.protocol.strict import Strict

Outcome = Literal["loss", "logit_difference", "sequence"]
"""What an ablation changes: the loss of the target, its logit less the foil's, or the loss of its tokens."""
Column = Annotated[str, Field(min_length=1, max_length=200)]

SAMPLE_DEFAULTS: Mapping[str, Any] = MappingProxyType({"max_per_type": "none", "match": ()})
"""Of ``sample``, where there are examples: their targets may be a few words, and no two share a block."""


class Examples(Strict):
    """A table of prompts, each with its target: the last token of each prompt is a position."""

    files: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1,
        description="paths, seen from the protocol's folder, of .jsonl, .csv, .tsv or .parquet files with an "
        "example in each row (folders and patterns as for a text)",
    )
    prompt: Column = Field(default="prompt", description="key or column of what the network reads")
    target: Column = Field(
        default="target",
        description="of what should follow the prompt, with the space that it begins with; of several tokens "
        "the first counts, or all of them with `outcome: sequence`",
    )
    foil: Column | None = Field(
        default=None, description="of what should not follow it, for `outcome: logit_difference`"
    )
    cluster: Column | None = Field(
        default=None,
        description="of what examples have in common, such as their template: the independent unit, which "
        "documents are elsewhere; without it each pair is its own, and without pairs each example",
    )
    pair: Column | None = Field(
        default=None,
        description="of the name that both examples of a minimal pair have, one in each condition",
    )
    bos: Bos = Field(
        default="auto",
        description="whether each prompt begins with the beginning-of-sequence token: true, false, or "
        "`auto`, as the tokenizer itself does",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """Beside the prompt, those that are read whatever the conditions are."""
        named = (self.target, self.foil, self.cluster, self.pair)
        return tuple(dict.fromkeys(name for name in named if name is not None))
