"""What a null is: one object that says what it is called, what it takes, how it is drawn, what it can show.

Each lies in a file of its own beside this one, and is found there (`hypotest.nulls.registry`). What takes
long to import, such as a library that it draws with, is imported in the functions that draw.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.conditions import Conditions, named
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    import polars as pl

    from hypotest.engine.workers import Values
    from hypotest.inference.randomization import Alternative
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.protocol import Protocol
    from hypotest.records.results.group_result import GroupResult
    from hypotest.records.results.hidden_bias import HiddenBias
    from hypotest.records.results.prediction_result import PredictionResult
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Task, Tested

INTERFACE = 1
"""Version of what a null has to offer; it rises when one that was written before no longer works."""

StopAfter = Annotated[
    int | None,
    Field(
        ge=2,
        le=10**6,
        description="stop early once so many draws, in either tail, are at least as extreme as the group",
    ),
]
"""h of sequential stopping (Besag and Clifford 1991, doi:10.1093/biomet/78.2.301)."""


def nothing(*args: Any) -> Iterator[Any]:
    """No sentences."""
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class NullWords:
    """What texts say of a null. Functions get its options as the protocol declares them, and the protocol.

    ``{first}`` and ``{second}`` stand for the names of its conditions in `question`.
    """

    question: str | Mapping[str, str]
    """What it asks of the group, for the ladder; by variant, where there are several."""
    they: str
    """What the group's value lies above or below that of: ``the random groups``."""
    explained: Callable[[Any, Protocol], str]
    """What is drawn, for a reader who knows the question and not the statistics."""
    method: Callable[[Any, Protocol], str]
    """For the methods: continues "The group was compared with"; a sentence of its own if `apart`."""
    registered: Callable[[Any, Protocol], str]
    """For a registration, after the null's name: what is drawn, and what follows where that fails."""
    apart: bool = False
    short: str | Mapping[str, str] = ""
    """Head of a narrow column; by variant. Empty: its name."""
    legend: str = ""
    """What the short heads mean."""
    narrow: str = ""
    """Its name where 80 columns are few."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Ways in which it can be drawn; one without a name where there is only that."""
        return ("",) if isinstance(self.question, str) else tuple(self.question)

    def question_of(self, variant: str, names: Conditions) -> str:
        """What it asks, in one of its variants, of two conditions."""
        text = self.question if isinstance(self.question, str) else self.question.get(variant, "")
        return named(text, names)

    def short_of(self, variant: str) -> str:
        """Head of a narrow column."""
        return self.short if isinstance(self.short, str) else self.short.get(variant, "")


def _one_variant(options: Any) -> tuple[str, ...]:
    return ("",)


def _its_draws(options: Any) -> int:
    return int(getattr(options, "draws", 0))


def _fits(options: Any, protocol: Protocol) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """What a protocol can declare under ``nulls``."""

    name: str
    words: NullWords
    form: Form
    """What is drawn; measures say which of these they accept."""
    interface: int = INTERFACE
    """Version that it was written for; nulls of other packages should write it out."""
    summary: str
    """Of its key in the protocol, for editors."""
    options: type[Strict]
    """Its YAML keys, with ranges and descriptions; its docstring is what editors show. The number of draws is
    the option that `number` names."""
    number: str = "draws"
    place: float = 50.0
    """Where it stands on the ladder: weaker questions first."""
    never_decides: str = ""
    """Why no prediction may rest on it; empty: it can decide."""
    alternative: Alternative = "two-sided"
    """Direction in which its draws count as extreme."""
    together: str = ""
    """What it asks together with others that have the same here, because each alone rejects where it should
    not: a contrast with one is with all of them, the largest p counts, and a protocol declares all."""
    no_placebo: str = ""
    """Why a make-believe first condition says nothing of a contrast with it; empty: it does."""
    sensitivity: Callable[[Tested, Any, Values], HiddenBias | None] | None = None
    """How strong a hidden cause of membership would have to be to overturn a significant p-value: of what
    `prepare` gave and the draws; None where that makes no sense."""
    of_placebos: str = ""
    """A sentence on what placebos of it cannot show."""
    alone: Callable[[Any], Any] = lambda options: options
    """The same options with its declared variant alone."""
    gives_sd: bool = False
    """Whether margins in ``null_sd`` are SDs of its draws; exactly one null's are."""

    prepare: Callable[[Any, Task], Any]
    """What all measures share, such as groups drawn: from the options, and evidence with a selected group.

    Raises ValueError or ArithmeticError where the evidence gives none; the reason is reported."""
    compare: Callable[[Tested, Any, Any, str], Rung]
    """One measure of the group among its draws: from the options, what `prepare` gave, and the variant.

    Raises `hypotest.testing.undefined.Undefined` where there is no value."""
    applies: Callable[[Tested], bool] = lambda tested: True
    """Whether it makes sense for a measure here."""
    variants: Callable[[Any], tuple[str, ...]] = _one_variant
    """Ways in which it is drawn, the declared one first: the others are shown and never decide."""
    evaluations: Callable[[Any], int] = _its_draws
    """Groups that a measure is taken on, for estimates of time."""
    distinct: Callable[[Any, Protocol, pl.DataFrame, int | None], tuple[float, str] | None] | None = None
    """log10 of how many different draws there are, and of what; from the options, the sampled positions
    (document, target, condition) and the number of neurons, None where that is unknown. None: as many as one
    likes, or not known."""
    imbalance_blocks: bool = False
    """Whether nothing is concluded where its draws differ too much from the group in a covariate."""
    describe: Callable[[Any, GroupResult], GroupResult] = lambda state, result: result
    """The group's record with what `prepare` found out about it."""
    balanced: Callable[[GroupResult], Iterable[str]] = nothing
    """Sentences below the table of how alike the group and its draws are."""
    limits: Callable[[Any, Any, Sequence[PredictionResult], Evidence, GroupResult], Iterable[str]] = nothing
    """What a reviewer would ask of conclusions from it: from the options, what `prepare` gave, the results,
    the evidence and the group."""
    resolved: Callable[[Any, Protocol], Any] = lambda options, protocol: options
    """The options with what follows from the protocol's conditions filled in; the others here get them so."""
    unfit: Callable[[Any, Protocol], str] = _fits
    """Why it cannot be drawn for a protocol's conditions, and what to do; empty if it can."""
    only_describes: Callable[[Any, Protocol], str] = _fits
    """Why nothing may rest on it with a protocol's conditions; empty if it may."""
    needs: frozenset[Channel] = frozenset()
    """Channels that it reads and that not every subject has."""

    @property
    def home(self) -> Path:
        """The file in which it is drawn, also where another package brings it."""
        return Path(inspect.getfile(inspect.unwrap(self.compare)))

    def ids(self) -> Iterator[tuple[str, str]]:
        """Id of each of its comparisons, as `NullComparison.id` has it, with the variant."""
        for variant in self.words.variants:
            yield (f"{self.name} ({variant})" if variant else self.name), variant

    def n_draws(self, options: Any) -> int:
        """Draws that the protocol asks for."""
        return int(getattr(options, self.number))

    def drawn_often(self, options: Any, number: int) -> Any:
        """The same with so many draws, and no early stop."""
        unstopped = {"stop_after": None} if hasattr(options, "stop_after") else {}
        return options.model_copy(update={self.number: number, **unstopped})

    def fewer(self, options: Any, most: int | None, *, unstopped: bool = True) -> Any:
        """The same with at most so many draws, and no early stop."""
        update: dict[str, Any] = {}
        if most is not None:
            update[self.number] = min(self.n_draws(options), most)
        if unstopped and hasattr(options, "stop_after"):
            update["stop_after"] = None
        return options.model_copy(update=update)
