"""What a measure is: one object that says what it is called, what it takes and needs, how it is computed.

Each lies in a file of its own beside this one, and is found there (`hypotest.measures.registry`). What takes
long to import, such as a library that it computes with, is imported in the functions that compute.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from hypotest.errors import RunError
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.choices import SHARED_CHOICES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hypotest.engine.session import Session
    from hypotest.engine.streams import Streams
    from hypotest.engine.workers import Values
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.group_measure import BoundMeasure
    from hypotest.testing.task import Task

INTERFACE = 1
"""Version of what a measure has to offer; it rises when one that was written before no longer works."""

Level = Literal["group", "weights", "conditions", "heads"]
"""What a measure is a property of: the activations of a neuron group, its weights, the difference
between conditions, or the attention heads that write to the group."""


Figure = Literal["regimes", "spectrum", "attention", "routing", "heads"]
"""What can be drawn of a network: curves of influence, eigenvalues, heads by attention, routing, impact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a protocol can name; `GroupMeasure` or `ConditionMeasure`."""

    name: str
    words: MeasureWords
    level: Level
    interface: int = INTERFACE
    """Version that it was written for; measures of other packages should write it out."""
    contrasts: tuple[Form, ...]
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))
    refused: Mapping[Form, str] = field(default_factory=lambda: MappingProxyType({}))
    """Contrasts that look natural and mislead, with the reason."""
    needs: frozenset[Channel] = frozenset()
    """Channels that it reads and that not every subject has, or that are collected only if it asks."""
    decided_by_labels: bool = False
    """Whether shuffled labels decide it. Their null is that labels mean nothing, which is the question of
    selectivity; of everything else it is false as soon as neurons are selective."""
    no_interval: str = ""
    """Why it has no interval, without which `equivalent` is never concluded; empty where it has one."""
    no_interval_if: str = ""
    """The value of an option, not its default, under which that is so; empty: always."""

    figure: Figure | None = None
    """Of what else there is a figure in its section of a report, beside its values."""
    depends_on: tuple[str, ...] = SHARED_CHOICES
    """Choices of a multiverse, beside its own options, on which its value can depend."""
    limits: Callable[[Evidence, IntArray], Iterable[str]] | None = None
    """What a reviewer would ask of its value for a group in this evidence, a sentence each."""

    @property
    def home(self) -> Path:
        """The file in which it is computed, also where another package brings it."""
        raise NotImplementedError

    def transformed(self, options: Mapping[str, Any]) -> str:
        """A sentence on what is transformed before it is measured; empty: nothing is."""
        by_option = self.words.transformed_if
        return next(
            (by_option[value] for value in options.values() if value in by_option), self.words.transformed
        )

    def filled(self, options: Mapping[str, Any]) -> dict[str, str | int | float]:
        """Every option in the order of the measure's own, defaults filled in, with the defaults' types."""
        return {
            name: type(option.default)(options.get(name, option.default))
            for name, option in self.options.items()
        }

    def why_no_interval(self, options: Mapping[str, Any], *, reselection: bool = False) -> str:
        """Why it has no interval under any amount of text, `reselection` or not; empty where it has one."""
        if reselection and self.level == "weights":
            return ""
        if self.no_interval_if and self.no_interval_if not in options.values():
            return ""
        return self.no_interval

    def compare(self, prediction: Prediction, task: Task) -> MeasuredContrast:
        """Measure on the evaluation split, and compare with what the prediction names.

        Raises:
            Undefined: If there is no value, or another of `hypotest.testing.undefined.NO_VALUE`.
        """
        raise NotImplementedError

    def try_out(self, prediction: Prediction, task: Task) -> None:
        """Find out whether there is a value to compare, with as little work as that takes.

        Raises:
            Undefined: As `compare` does.
        """
        self.compare(prediction, task)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMeasure(Measure):
    """A number for each group of neurons, which every null of groups, labels or edges applies to."""

    bind: Callable[[Prediction, Evidence, Session], BoundMeasure]
    """Tied to the evidence, with everything that concerns the whole layer computed; call `tied`."""
    needs: frozenset[Channel]
    """What its value for a group reads, beside the weights."""
    whole_layer: bool = True
    """Whether its value for a group can depend on neurons outside it."""
    both_conditions: bool = False
    """Whether it is measured at positions of the second condition, too."""

    @property
    def home(self) -> Path:
        """As for `Measure`."""
        return Path(inspect.getfile(inspect.unwrap(self.bind)))

    def tied(self, prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
        """The measure tied to the evidence, with its values checked for their shape.

        Raises:
            RunError: If it gives anything but one number for each group.
        """
        bound = self.bind(prediction, evidence, session)

        def values(groups: IntArray) -> Values:
            given = bound.values(groups)
            if getattr(given, "shape", None) != (len(groups),):
                what = f"shape {given.shape}" if hasattr(given, "shape") else f"a {type(given).__name__}"
                raise RunError(
                    f"measure {self.name!r} must give one number for each group, an array of shape "
                    f"({len(groups)},); found {what}"
                )
            return given

        def resamples(groups: IntArray, units: IntArray, weights: IntArray) -> Values:
            assert bound.resamples is not None  # it would not be asked
            given = bound.resamples(groups, units, weights)
            expected = (len(groups), len(weights))
            if getattr(given, "shape", None) != expected:
                what = f"shape {given.shape}" if hasattr(given, "shape") else f"a {type(given).__name__}"
                raise RunError(
                    f"measure {self.name!r} must give one number for each group and weighting, an array of "
                    f"shape {expected}; found {what}"
                )
            return given

        return replace(
            bound,
            values=values,
            resamples=resamples if bound.resamples else None,
            of_weights=self.level == "weights",
        )

    def compare(self, prediction: Prediction, task: Task) -> MeasuredContrast:
        """As for `Measure`: the ladder of nulls."""
        from hypotest.ladder.group_tests import compare_group

        bound = self.tied(prediction, task.evidence, task.session)
        return compare_group(prediction, bound, task, decided_by_labels=self.decided_by_labels)

    def try_out(self, prediction: Prediction, task: Task) -> None:
        """As for `Measure`: the group, and a few others of those that decide."""
        from hypotest.ladder.group_tests import try_group

        try_group(prediction, self.tied(prediction, task.evidence, task.session), task)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionMeasure(Measure):
    """A number of the layer or one group, compared in a way of its own: by document, with a number."""

    compared: Callable[[Prediction, Task], MeasuredContrast]
    effect: Callable[[Prediction, Evidence, IntArray | NDArray[Any], Streams], float] | None = None
    """The effect that `compared` estimates, of the evidence as it is; None where it has no interval."""
    tried: bool = True
    """Whether it is tried out on the selection split."""
    no_difference: float | None = None
    """Its value where the conditions do not differ, if it is compared with a number."""
    only_no_difference: str = ""
    """Why it is compared with no other number than that; empty: it is compared with any."""
    quick: Callable[[Prediction, Task], tuple[float, float | None]] | None = None
    """Effect and p alone, for placebos; None: what `compared` gives."""
    quick_is_exact: bool = False
    """Whether the p of `quick` is that of `compared`, so that simulations of its level can take it."""

    @property
    def home(self) -> Path:
        """As for `Measure`."""
        return Path(inspect.getfile(inspect.unwrap(self.compared)))

    def compare(self, prediction: Prediction, task: Task) -> MeasuredContrast:
        """As for `Measure`."""
        compared, effect = self.compared(prediction, task), self.effect
        if task.reselected is None or effect is None or self.level == "conditions":  # nothing is selected
            return compared
        from hypotest.ladder.reselection import with_effects_again

        evidence, streams = task.evidence, task.streams
        return with_effects_again(compared, lambda group: effect(prediction, evidence, group, streams), task)

    def try_out(self, prediction: Prediction, task: Task) -> None:
        """As for `Measure`, by the whole way: a shorter one may have no value where this one has."""
        if self.tried:
            self.compared(prediction, task)
