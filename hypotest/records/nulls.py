"""The nulls of a protocol: what the group of neurons is compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hypotest.records.strict import Strict

NullName = Literal[
    "size_matched", "covariate_matched", "local_matched", "label_shuffled", "rewired", "untrained"
]
PermutationUnit = Literal["type", "document_type", "position"]
"""What keeps its label together when labels are shuffled: token types, a type within a document, or single
positions."""
Covariate = Literal["activation_mean", "activation_sd", "activation_rate", "output_norm"]
"""What a neuron is like apart from its influence; see `hypotest.groups.matching`."""

LocalCovariate = Literal[
    "activation_sd", "base_influence", "activation_mean", "activation_rate", "output_norm"
]
"""What neighbours can be alike in; see `hypotest.groups.local`."""

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


class LocalMatched(Strict):
    """Neurons as loud as the group's and as influential on the second condition, a few ranks apart."""

    draws: int = Field(default=9999, ge=1, le=10**6, description="number of matched groups, at most")
    bin: int = Field(
        default=10,
        ge=2,
        le=1000,
        description="neurons of neighbouring ranks among which membership of the group is dealt out anew",
    )
    on: tuple[LocalCovariate, ...] = Field(
        default=("activation_sd", "base_influence"),
        min_length=1,
        description="what neighbours are alike in; `base_influence` is influence on the second condition",
    )
    stop_after: StopAfter = None


class LabelShuffled(Strict):
    """The group that the same selection finds when labels are shuffled; decides selectivity only."""

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
    local_matched: LocalMatched | None = Field(
        default=None,
        description="random neurons as loud and as influential on the second condition as the group's",
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
