"""Published claims: what a paper says it found, in a form that a run can be held against.

The models mirror the YAML of ``protocols/papers/`` one to one, refuse unknown keys at every depth, and are
frozen. A claim says one thing: an outcome, or a range in which a quantity lies.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hypotest.records.protocol.prediction import Contrast, ExpectedOutcome
from hypotest.records.protocol.strict import Name, Strict

QUANTITIES = ("observed", "reference", "effect")
"""Quantities that every prediction has; any other name is that of a secondary one, such as ``spearman``."""


class Claim(Strict):
    """One published finding."""

    id: Name = Field(description="names the claim: lower-case letters, digits, _ and -, at most 64")
    where: str = Field(min_length=1, max_length=200, description="place in the paper, such as Table 2")
    read_in: str | None = Field(
        default=None,
        min_length=1,
        max_length=300,
        description="where the number was read, if not in the paper itself",
    )
    says: str = Field(min_length=1, max_length=400, description="the claim, in one's own words")
    note: str | None = Field(
        default=None,
        min_length=1,
        max_length=400,
        description="what a reader must know of it, such as another place of the paper that says otherwise",
    )
    measure: str = Field(description="measure of the protocol language that it is about")
    options: dict[str, Any] = Field(
        default_factory=dict, description="options that a run's prediction must have to be comparable"
    )
    contrast: Contrast | None = Field(
        default=None,
        description="what the paper compared with; only claims about the group's own value do without",
    )
    models: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Hub ids; if not given, those of values, else every model of the paper",
    )
    quantity: str = Field(
        default="observed",
        min_length=1,
        max_length=64,
        description="number of the prediction that the range is about: observed (the group), reference (what "
        "it is compared with), effect (their difference), or the name of a secondary number",
    )
    per: Literal["neuron"] | None = Field(
        default=None, description="neuron: the number of the prediction is divided by the size of the group"
    )
    value: float | None = Field(
        default=None,
        description="published value, in the measure's own unit; without sd it is shown and not judged",
    )
    values: dict[str, float] | None = Field(
        default=None,
        min_length=1,
        description="a row of a table: Hub id of a model and its published value, shown and not judged",
    )
    sd: float | None = Field(
        default=None, gt=0, description="published uncertainty: the range is value +- sd"
    )
    interval: tuple[float, float] | None = Field(default=None, description="published range, [low, high]")
    at_least: float | None = Field(default=None, description="published lower bound")
    at_most: float | None = Field(default=None, description="published upper bound")
    outcome: tuple[ExpectedOutcome, ...] | None = Field(
        default=None, min_length=1, description="less, greater, equivalent, or a list of these"
    )

    @field_validator("outcome", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one_statement(self) -> Claim:
        ranges = (
            self.value is not None,
            self.values is not None,
            self.interval is not None,
            self._is_bounded,
            self.outcome is not None,
        )
        if sum(ranges) != 1:
            raise ValueError("must say one thing: value, values, interval, at_least and at_most, or outcome")
        if self.sd is not None and self.value is None:
            raise ValueError("sd must stand beside a value")
        if self.contrast is None and (self.outcome or self.quantity in ("reference", "effect")):
            raise ValueError("must name its contrast, as a claim about an outcome, reference or effect")
        if self.per is not None and self.outcome is not None:
            raise ValueError("must not divide an outcome: remove per")
        if self.models is not None and self.values is not None:
            raise ValueError("must name its models once: remove models, values name them")
        low, high = self.range or (0.0, 0.0)
        if low > high:
            raise ValueError("must have its lower bound first")
        return self

    @property
    def _is_bounded(self) -> bool:
        return self.at_least is not None or self.at_most is not None

    @property
    def range(self) -> tuple[float, float] | None:
        """Claimed range of the quantity, infinite where it is open; None for an outcome.

        A value without a spread has none either: how far from it a run may lie, the paper does not say.
        """
        if self.value is not None and self.sd is not None:
            return self.value - self.sd, self.value + self.sd
        if self.interval is not None:
            return self.interval
        if self._is_bounded:
            low = -math.inf if self.at_least is None else self.at_least
            return low, math.inf if self.at_most is None else self.at_most
        return None


class Claims(Strict):
    """The claims of one paper."""

    hypotest_claims: Literal[1] = Field(description="version of this form")
    source: str = Field(min_length=1, max_length=200, description="the paper, such as arXiv:2509.21163")
    title: str = Field(min_length=1, max_length=200, description="title of the paper")
    models: tuple[str, ...] = Field(min_length=1, description="Hub ids of the paper's models")
    twins: dict[str, str] = Field(
        default_factory=dict,
        description="Hub id of a model that claims about another one are about as well, and that other one",
    )
    layer: Literal["last"] | None = Field(
        default=None, description="the MLP that the paper looked at, where it is one: last"
    )
    claims: tuple[Claim, ...] = Field(min_length=1, description="what it says it found")

    @model_validator(mode="after")
    def _different_ids(self) -> Claims:
        ids = [item.id for item in self.claims]
        repeated = next((name for name in ids if ids.count(name) > 1), None)
        if repeated is not None:
            raise ValueError(f"claims must have different ids; '{repeated}' is there twice")
        return self

    def models_of(self, claim: Claim) -> tuple[str, ...]:
        """The models that a claim is about, twins among them."""
        named = claim.models or tuple(claim.values or self.models)
        return named + tuple(twin for twin, model in self.twins.items() if model in named)
