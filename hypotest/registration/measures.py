"""The measures a protocol can name: what each is compared with, and which options it takes.

This table is the vocabulary of the protocol language. How a measure is computed stands in
``hypotest.measures``; the two meet in the pipeline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from hypotest.records.channels import Channel
from hypotest.records.prediction import Contrast, Prediction

Level = Literal["group", "weights", "conditions", "heads"]
"""What a measure is a property of: the activations of a neuron group, its weights, the difference
between conditions, or the attention heads that write to the group."""


class Form(StrEnum):
    """The ways in which a contrast can be written; the value is its YAML."""

    SIZE_MATCHED = "{null: size_matched}"
    COVARIATE_MATCHED = "{null: covariate_matched}"
    LOCAL_MATCHED = "{null: local_matched}"
    LABEL_SHUFFLED = "{null: label_shuffled}"
    REWIRED = "{null: rewired}"
    UNTRAINED = "{null: untrained}"
    BY_DOCUMENT = "{conditions: [rare, common], by: document}"
    REFERENCE = "{reference: a number}"


_FORMS = {
    frozenset({"null", "size_matched"}): Form.SIZE_MATCHED,
    frozenset({"null", "covariate_matched"}): Form.COVARIATE_MATCHED,
    frozenset({"null", "local_matched"}): Form.LOCAL_MATCHED,
    frozenset({"null", "label_shuffled"}): Form.LABEL_SHUFFLED,
    frozenset({"null", "rewired"}): Form.REWIRED,
    frozenset({"null", "untrained"}): Form.UNTRAINED,
    frozenset({"conditions", "by"}): Form.BY_DOCUMENT,
    frozenset({"reference"}): Form.REFERENCE,
}


def form_of(contrast: Contrast) -> Form | None:
    """Say which form a contrast has; None if it is a mixture or empty.

    Examples:
        >>> form_of(Contrast(null="size_matched")) is Form.SIZE_MATCHED
        True
        >>> form_of(Contrast(null="size_matched", reference=0.5)) is None
        True
    """
    keys = Contrast.model_fields.keys() - {"trajectory"}  # which stands beside any of them
    given = {key for key in keys if getattr(contrast, key) is not None}
    return _FORMS.get(frozenset(given | ({contrast.null} if contrast.null else set())))


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a measure. Its type is that of its default."""

    default: str | int | float
    description: str
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    @property
    def required(self) -> str:
        """What a value must be, in words."""
        if len(self.choices) == 1:
            return self.choices[0]
        if self.choices:
            return "one of " + ", ".join(self.choices)
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        bounds = (
            ("at least", self.at_least),
            ("above", self.above),
            ("at most", self.at_most),
            ("below", self.below),
        )
        words = [f"{word} {bound:g}" for word, bound in bounds if bound is not None]
        return " ".join([kind, " and ".join(words)]).rstrip()

    def accepts(self, value: Any) -> bool:
        """Whether a value has the right type and lies in the range."""
        if self.choices:
            return isinstance(value, str) and value in self.choices
        numeric = int if isinstance(self.default, int) else int | float
        if isinstance(value, bool) or not isinstance(value, numeric) or not math.isfinite(value):
            return False
        return not (
            (self.at_least is not None and value < self.at_least)
            or (self.above is not None and value <= self.above)
            or (self.at_most is not None and value > self.at_most)
            or (self.below is not None and value >= self.below)
        )


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the table."""

    name: str
    title: str
    """What is measured, in a few words."""
    unit: str
    level: Level
    contrasts: tuple[Form, ...]
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))
    decided_by_labels: bool = False
    """Whether shuffled labels decide it. Their null is that labels mean nothing, which is the question of
    selectivity; of everything else it is false as soon as neurons are selective."""
    refused: Mapping[Form, str] = field(default_factory=lambda: MappingProxyType({}))
    """Contrasts that look natural and mislead, with the reason."""
    needs: frozenset[Channel] = frozenset()
    """Of a measure of groups: what its value for a group reads, beside the weights."""
    no_interval: str = ""
    """Why it has no interval, without which `equivalent` is never concluded; empty where it has one."""
    no_interval_if: str = ""
    """The value of an option, not its default, under which that is so; empty: always."""


_RANDOM_GROUPS = (Form.SIZE_MATCHED, Form.COVARIATE_MATCHED, Form.LOCAL_MATCHED, Form.UNTRAINED)
"""Of measures whose evidence cannot be relabelled."""
_GROUP_NULLS = (*_RANDOM_GROUPS, Form.LABEL_SHUFFLED)
_SCALE = Option(
    "covariance",
    "covariance of the activations, or their correlation, in which no loud neuron counts for more",
    choices=("covariance", "correlation"),
)

_TABLE = (
    Measure(
        name="selectivity",
        title="influence on rare rather than common targets",
        unit="(rare - common) / (rare + common)",
        level="group",
        contrasts=_GROUP_NULLS,
        needs=frozenset({Channel.INFLUENCE}),
        decided_by_labels=True,
    ),
    Measure(
        name="plateau_flatness",
        title="flatness of the influence plateau",
        unit="1 - |left slope| / kappa",
        level="conditions",
        contrasts=(Form.LABEL_SHUFFLED,),
        options={
            "condition": Option("rare", "targets whose curve it is", choices=("rare", "common")),
        },
        no_interval="no document interval is available for the flatness of a curve",
    ),
    Measure(
        name="effective_dimension",
        title="effective dimension of the activations",
        unit="dimensions",
        level="group",
        contrasts=_GROUP_NULLS,
        needs=frozenset({Channel.ACTIVATIONS}),
        options={
            "variance": Option(0.95, "share of the variance that is kept", at_least=0.5, below=1),
            "scale": _SCALE,
        },
    ),
    Measure(
        name="participation_ratio",
        title="participation ratio of the activations",
        unit="dimensions",
        level="group",
        contrasts=_GROUP_NULLS,
        needs=frozenset({Channel.ACTIVATIONS}),
        options={"scale": _SCALE},
        no_interval="no document interval is available for the participation ratio",
    ),
    Measure(
        name="modularity",
        title="modularity Q of the group's network",
        unit="Q",
        level="group",
        contrasts=(*_GROUP_NULLS, Form.REWIRED),
        needs=frozenset({Channel.ACTIVATIONS}),
        no_interval="binned mutual information is biased by repeated documents, so no interval over them "
        "is valid",
        no_interval_if="binned",
        options={
            "method": Option("louvain", "how communities are detected", choices=("louvain", "leiden")),
            "edges": Option(
                "mutual_information",
                "what weighs the edge between two neurons",
                choices=("mutual_information",),
            ),
            "estimator": Option(
                "gaussian_copula",
                "how mutual information is estimated",
                choices=("gaussian_copula", "binned"),
            ),
            "resolution": Option(1.0, "resolution of the communities", above=0),
            "bins": Option(8, "number of bins per neuron, for estimator binned", at_least=2, at_most=64),
            "restarts": Option(3, "number of seeded restarts; the best counts", at_least=1, at_most=100),
        },
    ),
    Measure(
        name="segregation",
        title="coupling inside the group against the rest of the layer",
        unit="ratio of mean mutual information",
        level="group",
        contrasts=_RANDOM_GROUPS,
        needs=frozenset({Channel.ACTIVATIONS}),
        no_interval="no document interval is available for segregation",
    ),
    Measure(
        name="attention_gini",
        title="concentration of attention",
        unit="Gini coefficient, rare - common",
        level="conditions",
        contrasts=(Form.BY_DOCUMENT,),
    ),
    Measure(
        name="routing_similarity",
        title="similarity of attention routing",
        unit="share of the noise ceiling",
        level="conditions",
        contrasts=(Form.REFERENCE,),
    ),
    Measure(
        name="top_head_share",
        title="share of the top head in its layer's effect",
        unit="share of the squared change",
        level="heads",
        contrasts=(Form.REFERENCE,),
    ),
    Measure(
        name="top_head_impact",
        title="impact of the top head on the group",
        unit="relative change of the activations",
        level="heads",
        contrasts=_RANDOM_GROUPS,
        needs=frozenset({Channel.HEADS}),
    ),
    Measure(
        name="hill_alpha",
        title="tail of the weight spectrum",
        unit="Hill alpha (eq. 10)",
        level="weights",
        contrasts=_GROUP_NULLS,
        no_interval="weights have no documents to resample, so there is no interval; one over repeated "
        "selections is not computed yet",
        options={
            "weights": Option("output", "the group's weight rows", choices=("output", "input", "both")),
            "tail": Option("median", "where the tail begins", choices=("median", "fix_finger")),
        },
        refused={
            Form.REFERENCE: "published thresholds such as 2 may live on another scale (public code "
            "reports 1 + n/sum, eq. 10 does not); compare with random groups instead: "
            "{null: size_matched}"
        },
    ),
)

MEASURES: Mapping[str, Measure] = MappingProxyType({row.name: row for row in _TABLE})
"""Every measure that a protocol can name."""


def filled_options(prediction: Prediction) -> dict[str, str | int | float]:
    """Give the options of a prediction with the defaults of its measure filled in.

    Args:
        prediction: A prediction of a valid protocol.

    Returns:
        Every option of the measure, in the order of the table; numbers have the type of the
        default.

    Raises:
        KeyError: If the measure is not in the table; `check_protocol` reports that.

    Examples:
        >>> contrast = {"null": "size_matched"}
        >>> filled_options(Prediction(id="a", measure="effective_dimension", contrast=contrast))
        {'variance': 0.95, 'scale': 'covariance'}
    """
    filled = {}
    for name, option in MEASURES[prediction.measure].options.items():
        value = prediction.options.get(name, option.default)
        filled[name] = type(option.default)(value)
    return filled
