"""The section ``group`` of a protocol: which neurons are tested, and by what they are chosen."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, PlainValidator, Tag

from hypotest.records.protocol.conditions import OneKey
from hypotest.records.protocol.strict import Strict
from hypotest.records.protocol.units import LETTERS

By = Literal["delta_loss", "selectivity", "activation_t"]
INFLUENCE, SELECTIVITY, LOCALIZER = get_args(By)
_PLACE = rf"^L([0-9]{{1,5}})([{LETTERS}])([0-9]{{1,9}})$"


def _neuron(value: Any) -> Any:
    """A number is no truth value, although True equals 1."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    if is_number or (isinstance(value, str) and re.match(_PLACE, value)):
        return value
    raise ValueError("must be the number of a neuron in the layer, or layer and number such as L5N300")


Neuron = Annotated[
    Any,
    PlainValidator(
        _neuron,
        json_schema_input_type=Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=_PLACE)],
    ),
]
"""A neuron of the tested layer, counted from 0; ``L5N300`` names the layer, which is then checked."""


class Largest(OneKey):
    """As many neurons as are declared, those that lead the ranking."""

    top_fraction: float | None = Field(
        default=None, gt=0, le=1, description="share of the layer's neurons, those that lead the ranking"
    )
    top: int | None = Field(
        default=None, ge=1, lt=10**9, description="number of neurons, those that lead the ranking"
    )

    def size(self, n_neurons: int) -> int:
        """How many neurons of a layer it takes; may be more than there are.

        Examples:
            >>> Largest(top_fraction=0.02).size(1024), Largest(top=50).size(1024)
            (20, 50)
        """
        return int(self.value) if self.key == "top" else max(1, round(self.value * n_neurons))

    @property
    def words(self) -> str:
        """``the top 2 %``, ``the top 50 neurons``."""
        if self.key == "top":
            return f"the top {self.value:,} neurons" if self.value > 1 else "the top neuron"
        return f"the top {100 * self.value:g} %"


class Rule(Largest):
    """Neurons that lead the ranking, or neurons that are named."""

    ids: tuple[Neuron, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=10**6,
        description="neurons that are tested as they are, published ones for example: numbers in the layer, "
        "counted from 0, or layer and number such as L5N300 (of heads L5H3); nothing is selected",
    )


def neuron_number(neuron: int | str) -> int:
    """Its number in its layer.

    Examples:
        >>> neuron_number(300), neuron_number("L5N300")
        (300, 300)
    """
    match = re.match(_PLACE, neuron) if isinstance(neuron, str) else None
    return int(match[3]) if match else int(neuron)


def neuron_letter(neuron: int | str) -> str | None:
    """The kind of units that its name is of, as one letter; None of a number."""
    match = re.match(_PLACE, neuron) if isinstance(neuron, str) else None
    return match[2] if match else None


def neuron_layer(neuron: int | str) -> int | None:
    """The layer that it is said to be of; None where none is named."""
    match = re.match(_PLACE, neuron) if isinstance(neuron, str) else None
    return int(match[1]) if match else None


def _alternative(value: Any) -> str | None:
    if value in ("plateau", "all"):
        return "word"
    return "other" if isinstance(value, dict | Rule) else None


Select = Annotated[
    Annotated[Literal["plateau", "all"], Tag("word")] | Annotated[Rule, Tag("other")],
    Discriminator(
        _alternative,
        custom_error_type="alternatives",
        custom_error_message="must be plateau, all, {top_fraction: a share up to 1}, {top: a number}, or "
        "{ids: [neurons]}",
    ),
]


class Group(Strict):
    """Which neurons are tested."""

    select: Select = Field(
        default="plateau",
        description="`plateau` (left of the power law on the influence curve), {top_fraction: a share}, "
        "{top: a number}, {ids: [neurons that are tested as they are]}, or `all`, the whole layer",
    )
    by: By = Field(
        default="delta_loss",
        description="what neurons are ranked by, on the selection split: `delta_loss`, their influence (mean "
        "absolute change of the loss on the first condition, in nats, when a neuron is ablated); "
        "`selectivity` of that influence, (first - second) / (first + second); or `activation_t`, Welch's t "
        "of their activation, first condition minus second (a localizer)",
    )
    otherwise: Largest | None = Field(
        default=None, description="group when no plateau is found; required with `select: plateau`"
    )

    @property
    def size_varies(self) -> bool:
        """Whether the data set the group's size, so that it can differ under other labels or other text."""
        return self.select == "plateau"

    @property
    def is_whole(self) -> bool:
        """Whether it is the layer, so that there are no other groups of its size."""
        return self.select == "all" or (isinstance(self.select, Rule) and self.select.top_fraction == 1)

    @property
    def is_selected(self) -> bool:
        """Whether the data choose the neurons; those that are named, and the whole layer, are given."""
        return not self.is_whole and not self.ids

    @property
    def ids(self) -> tuple[int | str, ...]:
        """The neurons that are named; none where neurons are selected, or the layer is tested."""
        return (self.select.ids or ()) if isinstance(self.select, Rule) else ()

    @property
    def declared(self) -> Largest | None:
        """What says how many neurons are selected, without a plateau if one is looked for."""
        return self.select if isinstance(self.select, Largest) else self.otherwise
