"""The protocol: what will be measured, and what each hypothesis predicts, before any data.

The models mirror the YAML one to one, refuse unknown keys at every depth, and are frozen. What
spans several keys is checked in ``hypotest.registration``.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, Tag

from hypotest.records.protocol.choices import AblationKind, AllChoices
from hypotest.records.protocol.conditions import Conditions, TwoConditions
from hypotest.records.protocol.examples import Examples, Outcome
from hypotest.records.protocol.group import Group
from hypotest.records.protocol.material import Corpus, CountedText, Material, Sampling, Split, Subject
from hypotest.records.protocol.nulls import AllNulls
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.strict import Name, Strict, either

Correction = Literal["bonferroni", "holm"]

MAX_HYPOTHESES = 20


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


class Intervals(Strict):
    """Confidence intervals."""

    reselection: bool = Field(
        default=False,
        description="select the group again on half of the documents and types: errors by which studies "
        "are pooled and compared, and the only interval that measures of weights have; takes longer",
    )


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


def _has_rows(known: dict[str, Any]) -> bool:
    """Whether a protocol's rows come from a table of examples, or with its network."""
    subject = known.get("subject")
    return known.get("examples") is not None or (subject is not None and subject.network is not None)


class Protocol(Strict):
    """A preregistered set of rival hypotheses and the predictions that decide between them."""

    model_config = ConfigDict(
        defer_build=True
    )  # which nulls and predicates there are is asked with the first

    hypotest: Literal[1] = Field(description="version of the protocol language")
    id: Name = Field(
        description="names the folder of its reports: lower-case letters, digits, _ and -, at most 64"
    )
    title: str = Field(min_length=1, max_length=200, description="one line for the report")
    source: str | None = Field(default=None, description="where the claims come from")
    subject: Subject = Field(default=Subject(), description="the network under test")
    examples: Examples | None = Field(
        default=None, description="prompts with their targets, in the place of `corpus`"
    )
    corpus: Corpus | None = Field(
        default_factory=lambda known: None if _has_rows(known) else Corpus(),
        description="the text whose tokens are predicted; not with `examples` or `subject: {network: NAME}`",
        json_schema_extra={"default": Corpus().model_dump(mode="json")},
    )
    outcome: Outcome = Field(
        default="loss",
        description="what an ablation changes: the `loss` of the target; with examples also "
        "`logit_difference`, by which the foil's logit exceeds the target's, or `sequence`, the losses of "
        "all tokens of the target, summed",
    )
    frequencies: Annotated[
        Annotated[str, Field(min_length=1), Tag("word")] | Annotated[CountedText, Tag("other")],
        either(None, dict, "must be reference, the path of a table, or {count: a text}"),
    ] = Field(
        default="reference",
        description="token counts: `reference` (of the reference model's training text), the path of a .npy, "
        ".parquet or .csv table, or {count: a text}",
    )
    conditions: TwoConditions = Field(
        description="which positions are compared: two conditions, each with a name of your own; the group "
        "is selected on the first"
    )
    sample: Sampling = Field(
        default=Sampling(), description="how many positions of each condition, and what pairs agree in"
    )
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
    placebos: int = Field(
        default=20,
        ge=0,
        le=1000,
        description="random divisions of the second condition's token types into two make-believe "
        "conditions, in which every prediction is tested to reveal faults; they never decide; 0: none",
    )
    ablation: Ablation = Field(default=Ablation(), description="how neurons are ablated, one at a time")
    group: Group = Field(description="which neurons are tested")
    nulls: AllNulls = Field(description="what the group is compared with")
    hypotheses: tuple[Name, ...] = Field(
        default=("modular", "distributed"),
        min_length=1,
        max_length=MAX_HYPOTHESES,
        description="names of the rival hypotheses: lower-case letters, digits, _ and -",
    )
    predictions: tuple[Prediction, ...] = Field(
        min_length=1, description="what is measured, and what each hypothesis expects of it"
    )
    intervals: Intervals = Field(default=Intervals(), description="confidence intervals")
    decision: Decision = Field(
        default=Decision(), description="the rule, fixed in advance, that turns outcomes into a verdict"
    )
    multiverse: AllChoices | None = Field(
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
    def bos(self) -> Literal["auto", True, False]:
        """Whether blocks of text, or prompts, begin with the beginning-of-sequence token."""
        return self.examples.bos if self.examples else self.text.bos

    @property
    def text(self) -> Corpus:
        """The section ``corpus``, where there are no examples."""
        assert self.corpus is not None  # whoever asks has seen to that
        return self.corpus

    @property
    def material(self) -> Material:
        """Where rows come from."""
        return "rows" if self.subject.network else "examples" if self.examples else "text"

    @property
    def names(self) -> Conditions:
        """Of both conditions."""
        return Conditions(*self.conditions)

    @property
    def deciding(self) -> tuple[Prediction, ...]:
        """Predictions neither premise nor descriptive; their number M sets the correction."""
        return tuple(item for item in self.predictions if item.role == "deciding")

    @property
    def reselects(self) -> bool:
        """Whether the group is selected again for the errors of other studies; one that is given is not."""
        return self.intervals.reselection and self.group.is_selected

    @property
    def trends(self) -> tuple[Prediction, ...]:
        """Predictions about the course of an effect over checkpoints."""
        return tuple(item for item in self.predictions if item.contrast.trajectory)

    @property
    def is_series(self) -> bool:
        """Whether it is run more than once: on several models or checkpoints, or at several layers."""
        return bool(self.subject.axes)

    def member(
        self, *, model: str | None = None, revision: str | None = None, layer: int | None = None
    ) -> Protocol:
        """The plan of one run of a series, at one layer of one checkpoint of one model.

        What the protocol says of the course over checkpoints is described there and decides nothing.

        Args:
            model: Instead of the list, or of one name and its seeds.
            revision: Instead of the list.
            layer: Instead of the list, or of `all`.
        """
        given = {"model": model, "revision": revision, "layer": layer}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if model is not None:
            changes["seed"] = None
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
