"""The protocol: what will be measured, and what each hypothesis predicts, before any data.

The models mirror the YAML one to one, refuse unknown keys at every depth, and are frozen. What spans
several keys is checked in ``hypotest.registration``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Outcome = Literal["less", "greater", "equivalent", "inconclusive"]
"""What a test can say; `inconclusive` is never a prediction."""
ExpectedOutcome = Literal["less", "greater", "equivalent"]
Role = Literal["deciding", "premise", "descriptive"]
PermutationUnit = Literal["type", "position"]
"""What keeps its label together when labels are shuffled: token types, or single positions within documents."""
Correction = Literal["bonferroni", "holm"]

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Lower-case letters, digits, dashes; safe as a file name."""


class Strict(BaseModel):
    """Frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Subject(Strict):
    """The network under test."""

    model: str = Field("reference", description="`reference`, a Hub id, or a folder", min_length=1)
    revision: str | None = Field(None, description="branch, tag or commit on the Hub")
    layer: Literal["last"] | int = Field("last", description="which MLP's neurons are tested")


class CorpusFiles(Strict):
    """Text files, one document each."""

    files: tuple[str, ...] = Field(min_length=1, description="paths of .txt files")


class Corpus(Strict):
    """The text whose tokens are predicted."""

    text: Literal["reference"] | CorpusFiles = Field(
        "reference", description="`reference`: docstrings of installed packages"
    )
    context: int = Field(128, ge=16, le=65536, description="tokens per block; packed, never padded")


class TargetFrequency(Strict):
    """A range of the frequency distribution of the *next* token."""

    below_percentile: float | None = Field(None, gt=0, lt=100)
    from_percentile: float | None = Field(None, gt=0, lt=100)
    of: Literal["types", "occurrences"] = "types"

    @model_validator(mode="after")
    def _one_bound(self) -> TargetFrequency:
        if (self.below_percentile is None) == (self.from_percentile is None):
            raise ValueError("needs exactly one of below_percentile and from_percentile")
        return self


class Condition(Strict):
    """Which positions belong to a condition."""

    target_frequency: TargetFrequency


class Conditions(Strict):
    """Rare and common positions, and how many of each."""

    elbow: Literal["drop", "keep"] = Field("drop", description="types beyond the elbow")
    rare: Condition
    common: Condition
    positions: int = Field(4096, ge=2, description="per condition, both splits together")
    max_per_document: int = Field(16, ge=1, description="rare positions from one document")
    match: Literal["block"] = "block"


class Split(Strict):
    """How documents are divided: neurons are selected on one part and measured on the other."""

    selection: float = Field(0.5, gt=0, lt=1, description="share of the documents")
    by: Literal["document"] = "document"


class TopFraction(Strict):
    """The most influential neurons, a fixed share of the layer."""

    top_fraction: float = Field(gt=0, le=0.5)


class Group(Strict):
    """Which neurons are tested."""

    select: Literal["plateau"] | TopFraction = "plateau"
    by: Literal["delta_loss"] = "delta_loss"
    condition: Literal["rare", "common"] = "rare"
    otherwise: TopFraction | None = Field(
        None, description="used when no plateau is found; required with `select: plateau`"
    )


class SizeMatched(Strict):
    """Random neurons, as many as the group has, from the whole layer."""

    draws: int = Field(9999, ge=1)


class LabelShuffled(Strict):
    """The group that the same selection finds when labels are shuffled."""

    draws: int = Field(1999, ge=1)
    unit: PermutationUnit = "type"


class Nulls(Strict):
    """What the group is compared with."""

    size_matched: SizeMatched | None = None
    label_shuffled: LabelShuffled | None = None


NullName = Literal["size_matched", "label_shuffled"]


class Contrast(Strict):
    """What an observed value is compared with: a null, another condition, or a number."""

    null: NullName | None = None
    conditions: tuple[Literal["rare"], Literal["common"]] | None = None
    by: Literal["document"] | None = Field(None, description="the unit paired between conditions")
    reference: float | None = None


class Margin(Strict):
    """Smallest effect of interest; exactly one of the three."""

    raw: float | None = Field(None, gt=0, description="in the measure's own unit")
    ratio: float | None = Field(None, gt=0, description="share of the null's mean")
    null_sd: float | None = Field(None, gt=0, description="SDs of the size_matched null")

    @model_validator(mode="after")
    def _one_kind(self) -> Margin:
        if sum(value is not None for value in (self.raw, self.ratio, self.null_sd)) != 1:
            raise ValueError("needs exactly one of raw, ratio and null_sd")
        return self


class Prediction(Strict):
    """One measure, what it is compared with, and the outcome each hypothesis expects.

    In YAML the expectations stand beside the other keys, under the hypothesis' name; the loader moves
    them into `expects`.
    """

    id: Name
    role: Role = "deciding"
    measure: str
    options: dict[str, Any] = Field(default_factory=dict)
    contrast: Contrast
    margin: Margin | None = None
    expects: dict[str, tuple[ExpectedOutcome, ...]] = Field(
        default_factory=dict, description="hypothesis -> outcomes; an empty list for `any`"
    )

    @field_validator("expects", mode="before")
    @classmethod
    def _as_lists(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        lists = {}
        for name, outcomes in value.items():
            if outcomes == "any":
                lists[name] = ()
            else:
                lists[name] = (outcomes,) if isinstance(outcomes, str) else outcomes
        return lists


class Decision(Strict):
    """The rule, fixed in advance, that turns outcomes into a verdict."""

    level: float = Field(0.05, gt=0, lt=0.5)
    correction: Correction = "bonferroni"
    rule: Literal["every_prediction"] = "every_prediction"


class Protocol(Strict):
    """A preregistered set of rival hypotheses and the predictions that decide between them."""

    hypotest: Literal[1] = Field(description="version of the protocol language")
    id: Name
    title: str = Field(min_length=1, max_length=200)
    source: str | None = None
    subject: Subject = Subject()
    corpus: Corpus = Corpus()
    frequencies: str = Field("reference", description="`reference`, or a .npy/.parquet/.csv table")
    conditions: Conditions
    split: Split = Split()
    group: Group
    nulls: Nulls
    hypotheses: tuple[Name, ...] = Field(("modular", "distributed"), min_length=1)
    predictions: tuple[Prediction, ...] = Field(min_length=1)
    decision: Decision = Decision()
    seed: int = Field(ge=0, lt=2**63)

    @property
    def deciding(self) -> tuple[Prediction, ...]:
        """Predictions that are neither premise nor descriptive; their number M sets the correction."""
        return tuple(item for item in self.predictions if item.role == "deciding")
