"""A prediction: one measure, what it is compared with, and what each hypothesis expects of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hypotest.records.protocol.strict import Name, Strict

Outcome = Literal["less", "greater", "equivalent", "inconclusive", "undefined"]
"""What a test can say; the last two are never predictions. `undefined`: the measure, its null or its test has
no value on the evaluation split."""
ExpectedOutcome = Literal["less", "greater", "equivalent"]
Role = Literal["deciding", "premise", "descriptive"]
Status = Literal["supported", "refuted", "undecided", "not applicable"]
"""Of a hypothesis, once all predictions have their outcomes."""


class Contrast(Strict):
    """What an observed value is compared with: a null, another condition, or a number."""

    null: str | None = Field(default=None, description="a null declared under `nulls`")
    conditions: tuple[str, ...] | None = Field(
        default=None,
        description="both conditions, the first one first: the difference is first less second",
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

    @field_validator("conditions", mode="after")
    @classmethod
    def _both(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and len(value) != 2:
            raise ValueError("must name both conditions, the first one first")
        return value


class Margin(Strict):
    """Smallest effect of interest; exactly one of the three."""

    raw: float | None = Field(default=None, gt=0, description="in the measure's own unit")
    ratio: float | None = Field(default=None, gt=0, description="as a share of the null's mean")
    null_sd: float | None = Field(default=None, gt=0, description="in SDs of as many random neurons")

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
