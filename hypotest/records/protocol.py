"""The protocol: what will be measured, and what each hypothesis predicts, before any data.

The models mirror the YAML one to one, refuse unknown keys at every depth, and are frozen. What
spans several keys is checked in ``hypotest.registration``.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import Field, Tag, field_validator, model_validator

from hypotest.records.material import Conditions, Corpus, CountedText, Split, Subject
from hypotest.records.strict import Name, Strict, either

Outcome = Literal["less", "greater", "equivalent", "inconclusive"]
"""What a test can say; `inconclusive` is never a prediction."""
ExpectedOutcome = Literal["less", "greater", "equivalent"]
Role = Literal["deciding", "premise", "descriptive"]
PermutationUnit = Literal["type", "document_type", "position"]
"""What keeps its label together when labels are shuffled: token types, a type within a document, or single
positions."""
AblationKind = Literal["mean", "zero", "resample"]
Covariate = Literal["activation_mean", "activation_sd", "activation_rate", "output_norm"]
"""What a neuron is like apart from its influence; see `hypotest.groups.matching`."""
Correction = Literal["bonferroni", "holm"]

MAX_HYPOTHESES = 20


class TopFraction(Strict):
    """The most influential neurons, a fixed share of the layer."""

    top_fraction: float = Field(
        gt=0, le=0.5, description="share of the layer's neurons, the most influential"
    )


class Group(Strict):
    """Which neurons are tested."""

    select: Annotated[
        Annotated[Literal["plateau"], Tag("word")] | Annotated[TopFraction, Tag("other")],
        either("plateau", dict, "must be plateau, or {top_fraction: a share up to 0.5}"),
    ] = Field(
        default="plateau",
        description="`plateau` (left of the power law on the influence curve), or {top_fraction: a share}",
    )
    by: Literal["delta_loss"] = Field(
        default="delta_loss",
        description="influence: mean absolute change of the loss, in nats, when a neuron is ablated",
    )
    condition: Literal["rare", "common"] = Field(
        default="rare", description="targets on which the influence is measured"
    )
    otherwise: TopFraction | None = Field(
        default=None, description="group when no plateau is found; required with `select: plateau`"
    )


class Ablation(Strict):
    """How neurons are ablated, one at a time."""

    replacement: AblationKind = Field(
        default="mean",
        description="what an ablated neuron is set to: its `mean` over the selection split, `zero`, or "
        "`resample`, its activation at another position of the selection split",
    )
    tolerance: float = Field(
        default=1e-4, ge=1e-6, le=0.01, description="largest error of any change of loss, in nats"
    )


StopAfter = Annotated[
    int | None,
    Field(
        ge=2,
        le=10**6,
        description="stop early once so many draws, in either tail, are at least as extreme as the group",
    ),
]


class SizeMatched(Strict):
    """Random neurons, as many as the group has, from the whole layer."""

    draws: int = Field(default=9999, ge=1, le=10**6, description="number of random groups, at most")
    stop_after: StopAfter = None


class CovariateMatched(Strict):
    """Random neurons that resemble the group in declared covariates."""

    draws: int = Field(default=9999, ge=1, le=10**6, description="number of matched groups, at most")
    on: tuple[Covariate, ...] = Field(
        default=("activation_mean", "activation_sd", "output_norm"),
        min_length=1,
        description="what the groups are matched on",
    )
    stop_after: StopAfter = None


class LabelShuffled(Strict):
    """The group that the same selection finds when labels are shuffled."""

    draws: int = Field(default=1999, ge=1, le=10**6, description="number of relabellings")
    unit: PermutationUnit = Field(
        default="type",
        description="what keeps its label together: token types, types within documents, or positions",
    )


class Rewired(Strict):
    """The group's own network, its edges exchanged and every neuron's strength kept; descriptive."""

    draws: int = Field(default=499, ge=1, le=10**6, description="number of rewired networks")


class Untrained(Strict):
    """The same protocol on networks that learned nothing; descriptive unless there are many."""

    networks: int = Field(default=3, ge=1, le=10**4, description="number of untrained networks")
    weights: Literal["fresh", "permuted"] = Field(
        default="fresh",
        description="`fresh` initialisations, or the entries of every trained matrix `permuted`",
    )


class Nulls(Strict):
    """What the group is compared with."""

    size_matched: SizeMatched | None = Field(
        default=None, description="as many random neurons, from the whole layer"
    )
    covariate_matched: CovariateMatched | None = Field(
        default=None, description="random neurons that resemble the group in declared covariates"
    )
    label_shuffled: LabelShuffled | None = Field(
        default=None, description="the group that the same selection finds when rare and common are shuffled"
    )
    rewired: Rewired | None = Field(
        default=None, description="the group's own network, its edges exchanged; never decides"
    )
    untrained: Untrained | None = Field(
        default=None, description="the same protocol on networks that learned nothing"
    )


NullName = Literal["size_matched", "covariate_matched", "label_shuffled", "rewired", "untrained"]


class Contrast(Strict):
    """What an observed value is compared with: a null, another condition, or a number."""

    null: NullName | None = Field(default=None, description="a null declared under `nulls`")
    conditions: tuple[Literal["rare"], Literal["common"]] | None = Field(
        default=None, description="[rare, common]: the difference is rare - common"
    )
    by: Literal["document"] | None = Field(default=None, description="the unit paired between conditions")
    reference: float | None = Field(
        default=None, description="a number fixed in advance, in the measure's own unit"
    )
    trajectory: Literal[True] | None = Field(
        default=None,
        description="`true`: does the effect rise (greater) or fall (less) from checkpoint to checkpoint of "
        "`subject.revision`?",
    )

    @field_validator("conditions", mode="before")
    @classmethod
    def _rare_minus_common(cls, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple) or list(value) != ["rare", "common"]:
            raise ValueError("must be [rare, common]: the difference is rare - common")
        return tuple(value)


class Margin(Strict):
    """Smallest effect of interest; exactly one of the three."""

    raw: float | None = Field(default=None, gt=0, description="in the measure's own unit")
    ratio: float | None = Field(default=None, gt=0, description="as a share of the null's mean")
    null_sd: float | None = Field(default=None, gt=0, description="in SDs of the size_matched null")

    @model_validator(mode="after")
    def _one_kind(self) -> Margin:
        if sum(value is not None for value in (self.raw, self.ratio, self.null_sd)) != 1:
            raise ValueError("must have exactly one of raw, ratio and null_sd")
        return self


class Prediction(Strict):
    """One measure, what it is compared with, and the outcome each hypothesis expects.

    In YAML the expectations stand beside the other keys, under the hypothesis' name; the loader
    moves them into `expects`.
    """

    id: Name = Field(
        description="names the prediction in every report: lower-case letters, digits, _ and -, at most 64"
    )
    role: Role = Field(
        default="deciding",
        description="a failed `premise` makes every hypothesis not applicable; `descriptive` "
        "is reported and never decides",
    )
    measure: str = Field(description="what is measured on the group")
    options: dict[str, Any] = Field(default_factory=dict, description="options of the measure")
    contrast: Contrast = Field(description="what the measured value is compared with")
    margin: Margin | None = Field(
        default=None,
        description="smallest effect of interest; without it `equivalent` is no outcome",
    )
    expects: dict[str, tuple[ExpectedOutcome, ...]] = Field(
        default_factory=dict, description="hypothesis -> outcomes; an empty list for `any`"
    )

    @property
    def needed_nulls(self) -> tuple[NullName, ...]:
        """The nulls without which it has no outcome: of its contrast, and random groups for their SD."""
        contrast: tuple[NullName, ...] = () if self.contrast.null is None else (self.contrast.null,)
        in_sd = self.margin is not None and self.margin.null_sd is not None
        return (*contrast, "size_matched") if in_sd and contrast != ("size_matched",) else contrast

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
                outcomes = (outcomes,) if isinstance(outcomes, str) else outcomes
                # A tuple also from a list: strict validation takes nothing else from Python.
                lists[name] = tuple(outcomes) if isinstance(outcomes, list) else outcomes
        return lists


class Intervals(Strict):
    """Confidence intervals over documents."""

    resamples: int = Field(
        default=2000, ge=50, le=10**6, description="number of bootstrap resamples of the documents"
    )


class Multiverse(Strict):
    """Other defensible choices of the analysis, for ``hypotest multiverse``; a run does not look at them."""

    variance: tuple[float, ...] = Field(
        default=(), description="share of the variance that effective_dimension keeps"
    )
    estimator: tuple[Literal["gaussian_copula", "binned"], ...] = Field(
        default=(), description="how mutual information is estimated"
    )
    bins: tuple[int, ...] = Field(default=(), description="number of bins per neuron, for estimator binned")
    method: tuple[Literal["louvain", "leiden"], ...] = Field(
        default=(), description="how communities are detected"
    )
    resolution: tuple[float, ...] = Field(default=(), description="resolution of communities")
    tail: tuple[Literal["median", "fix_finger"], ...] = Field(
        default=(), description="where the tail of hill_alpha begins"
    )
    top_fraction: tuple[float, ...] = Field(default=(), description="group size, a share of the layer")
    percentile: tuple[float, ...] = Field(default=(), description="in percent: below which targets are rare")
    of: tuple[Literal["types", "occurrences"], ...] = Field(
        default=(), description="what the percentile is a share of"
    )
    replacement: tuple[AblationKind, ...] = Field(default=(), description="what ablated neurons are set to")
    draws: int = Field(
        default=999, ge=1, le=10**6, description="number of draws of each null, in every specification"
    )


SHARED_CHOICES = ("percentile", "of", "replacement", "top_fraction")
"""Choices of a multiverse that change evidence or group, which several predictions share."""
OWN_CHOICES = ("variance", "estimator", "bins", "method", "resolution", "tail")
"""Choices of a multiverse that are options of a measure."""


class Decision(Strict):
    """The rule, fixed in advance, that turns outcomes into a verdict."""

    level: float = Field(default=0.05, gt=0, lt=0.5, description="significance level of a single test")
    correction: Correction = Field(
        default="bonferroni",
        description="for testing several predictions, before anything is refuted",
    )
    rule: Literal["every_prediction"] = Field(
        default="every_prediction",
        description="supported only if every prediction on which a hypothesis speaks supports it",
    )

    def fewest_draws(self, n_tests: int) -> int:
        """Draws from which a two-sided p-value, at least 2 / (B + 1), reaches level / n_tests.

        Examples:
            >>> Decision(level=0.05).fewest_draws(5)
            199
        """
        # Rounded before ceil: 2 * 5 / 0.05 must give 200 also in floating point.
        return math.ceil(round(2 * n_tests / self.level, 6)) - 1


class Protocol(Strict):
    """A preregistered set of rival hypotheses and the predictions that decide between them."""

    hypotest: Literal[1] = Field(description="version of the protocol language")
    id: Name = Field(
        description="names the folder of its reports: lower-case letters, digits, _ and -, at most 64"
    )
    title: str = Field(min_length=1, max_length=200, description="one line for the report")
    source: str | None = Field(default=None, description="where the claims come from")
    subject: Subject = Field(default=Subject(), description="the network under test")
    corpus: Corpus = Field(default=Corpus(), description="the text whose tokens are predicted")
    frequencies: Annotated[
        Annotated[str, Field(min_length=1), Tag("word")] | Annotated[CountedText, Tag("other")],
        either(None, dict, "must be reference, the path of a table, or {count: a text}"),
    ] = Field(
        default="reference",
        description="token counts: `reference` (of the reference model's training text), the path of a .npy, "
        ".parquet or .csv table, or {count: a text}",
    )
    conditions: Conditions = Field(description="rare and common positions, and how many of each")
    split: Split = Field(
        default=Split(),
        description="neurons are selected on one part of the documents and measured on the other",
    )
    splits: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="divisions of the documents; the first decides, the others show how outcomes spread",
    )
    ablation: Ablation = Field(default=Ablation(), description="how neurons are ablated, one at a time")
    group: Group = Field(description="which neurons are tested")
    nulls: Nulls = Field(description="what the group is compared with")
    hypotheses: tuple[Name, ...] = Field(
        default=("modular", "distributed"),
        min_length=1,
        max_length=MAX_HYPOTHESES,
        description="names of the rival hypotheses: lower-case letters, digits, _ and -",
    )
    predictions: tuple[Prediction, ...] = Field(
        min_length=1, description="what is measured, and what each hypothesis expects of it"
    )
    intervals: Intervals = Field(default=Intervals(), description="confidence intervals over documents")
    decision: Decision = Field(
        default=Decision(), description="the rule, fixed in advance, that turns outcomes into a verdict"
    )
    multiverse: Multiverse | None = Field(
        default=None, description="other defensible choices, for `hypotest multiverse`; they never decide"
    )
    seed: int = Field(ge=0, lt=2**63, description="seed of everything that is drawn at random")

    def with_nulls(self, names: Collection[str]) -> Protocol:
        """The plan with these of its nulls and no others."""
        kept = {name: null if name in names else None for name, null in self.nulls}
        return self.model_copy(update={"nulls": self.nulls.model_copy(update=kept)})

    def n_tests_of(self, null: str) -> int:
        """Tests among which the level of this null's p-values is divided; 0 where none rests on it.

        All that decide if one of them does, 1 if only premises do.
        """
        roles = {item.role for item in self.predictions if item.contrast.null == null}
        return len(self.deciding) if "deciding" in roles else int("premise" in roles)

    @property
    def deciding(self) -> tuple[Prediction, ...]:
        """Predictions neither premise nor descriptive; their number M sets the correction."""
        return tuple(item for item in self.predictions if item.role == "deciding")

    @property
    def trends(self) -> tuple[Prediction, ...]:
        """Predictions about the course of an effect over checkpoints."""
        return tuple(item for item in self.predictions if item.contrast.trajectory)

    @property
    def is_series(self) -> bool:
        """Whether it is run more than once: at every layer, or on several checkpoints."""
        return self.subject.layer == "all" or isinstance(self.subject.revision, tuple)

    def member(self, *, layer: int | None = None, revision: str | None = None) -> Protocol:
        """The plan of one run of a series, at one layer of one checkpoint.

        What the protocol says of the course over checkpoints is described there and decides nothing.

        Args:
            layer: Instead of `all`.
            revision: Instead of the list.
        """
        changes = {
            name: value for name, value in (("layer", layer), ("revision", revision)) if value is not None
        }
        predictions = tuple(
            item.model_copy(
                update={
                    "role": "descriptive",
                    "expects": {},
                    "contrast": item.contrast.model_copy(update={"trajectory": None}),
                }
            )
            if item.contrast.trajectory
            else item
            for item in self.predictions
        )
        return self.model_copy(
            update={"subject": self.subject.model_copy(update=changes), "predictions": predictions}
        )
