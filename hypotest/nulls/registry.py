"""Every null that a protocol can declare: the files of this folder, and what installed packages add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from hypotest.nulls.form import OF_NULLS, Form
from hypotest.nulls.null import INTERFACE, Null
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.strict import Strict
from hypotest.records.results.prediction_result import OTHER_CONDITION
from hypotest.records.stored.plugins import discover, require_place
from hypotest.testing.guarded import guarded

PACKAGE = "hypotest.nulls"
"""Our own; and the entry points of installed packages: ``contiguous = "package.module:NULL"``."""


def _checked(name: str, null: object, known: Mapping[str, Null]) -> Null:
    """A null of another package.

    Raises:
        ValueError: If it cannot be used here.
    """
    if not isinstance(null, Null):
        raise ValueError(f"must be a Null; found {type(null).__name__}")
    require_place(name, null.name, null.interface, INTERFACE, known)
    if not (isinstance(null.options, type) and issubclass(null.options, Strict)):
        raise ValueError(f"its options must be a subclass of Strict; found {null.options!r}")
    if null.form not in OF_NULLS or not isinstance(null.form, Form):
        raise ValueError(f"its form must be one of Form's nulls; found {null.form!r}")
    if isinstance(null.place, bool) or not isinstance(null.place, int | float):
        raise ValueError(f"its place must be a number; found {null.place!r}")
    if null.gives_sd:
        raise ValueError("gives_sd must be False: margins have one unit")
    if null.form is Form.NETWORKS:
        raise ValueError("networks of other packages cannot be collected: draw from the subject's evidence")
    field = null.options.model_fields.get(null.number)
    if field is None or not isinstance(field.default, int):
        raise ValueError(f"its options must have a whole number {null.number!r} with a default, its draws")
    whose = f"null {name!r}"
    return replace(null, prepare=guarded(null.prepare, whose), compare=guarded(null.compare, whose))


def _ladder(nulls: Mapping[str, Null]) -> Mapping[str, Null]:
    return MappingProxyType(dict(sorted(nulls.items(), key=lambda item: item[1].place)))


NULLS: Mapping[str, Null] = _ladder(discover(PACKAGE, "NULL", _checked))
"""Every null that a protocol can declare, in the order of the ladder."""

SD_NULL = next(item.name for item in NULLS.values() if item.gives_sd)
"""The null in whose SDs margins can be given."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A null with the options that a protocol gives it."""

    null: Null
    options: Any

    @property
    def name(self) -> str:
        """Of the null."""
        return self.null.name

    @property
    def n_draws(self) -> int:
        """Draws that the protocol asks for."""
        return self.null.n_draws(self.options)


def declared(protocol: Protocol, *forms: Form) -> Iterator[Declared]:
    """The nulls that a protocol declares, in the order of the ladder; of some forms only, if named."""
    for name, null in NULLS.items():
        options = getattr(protocol.nulls, name, None)
        if options is not None and (not forms or null.form in forms):
            yield Declared(null, null.resolved(options, protocol))


def declared_null(protocol: Protocol, name: str | None) -> Declared | None:
    """One null as a protocol declares it; None if it does not."""
    if name is None or name not in NULLS:
        return None
    options = getattr(protocol.nulls, name, None)
    return None if options is None else Declared(NULLS[name], NULLS[name].resolved(options, protocol))


def with_nulls(protocol: Protocol, chosen: Mapping[str, Any]) -> Protocol:
    """The plan with other options of some nulls; None takes a null out."""
    return protocol.model_copy(update={"nulls": protocol.nulls.model_copy(update=dict(chosen))})


def form_of(contrast: Contrast) -> Form | None:
    """Say which form a contrast has; None if it is a mixture or empty.

    Examples:
        >>> form_of(Contrast(null="size_matched")) is Form.GROUPS
        True
        >>> form_of(Contrast(null="size_matched", reference=0.5)) is None
        True
    """
    keys = Contrast.model_fields.keys() - {"trajectory"}  # which stands beside any of them
    given = {key for key in keys if getattr(contrast, key) is not None}
    if given == {"null"} and (null := NULLS.get(str(contrast.null))) is not None:
        return null.form
    return {frozenset({"conditions", "by"}): Form.BY_DOCUMENT, frozenset({"reference"}): Form.REFERENCE}.get(
        frozenset(given)
    )


def names_of(forms: Iterable[Form]) -> tuple[str, ...]:
    """Names of the nulls of some forms, in the order of the ladder."""
    wanted = set(forms)
    return tuple(name for name, null in NULLS.items() if null.form in wanted)


def opponents(null: str) -> tuple[str, ...]:
    """The nulls that a contrast with one is with: itself, or all that count together; as on the ladder.

    Examples:
        >>> opponents("size_matched")
        ('size_matched',)
    """
    question = NULLS[null].together if null in NULLS else ""
    if not question:
        return (null,)
    return tuple(name for name, item in NULLS.items() if item.together == question)


def counted_together(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each question that several of these nulls ask only together."""
    asking: dict[str, list[str]] = {}
    for name in names:
        if name in NULLS and NULLS[name].together:
            asking.setdefault(NULLS[name].together, []).append(name)
    for question, together in asking.items():
        yield f"{' and '.join(together)} count together, the larger p for both: is it {question}?"


def one_sided(names: Iterable[str]) -> str:
    """Which of these nulls are, to stand behind "two-sided"; empty where none is.

    Examples:
        >>> one_sided(["size_matched"])
        ''
    """
    directional = [name for name in names if name in NULLS and NULLS[name].alternative != "two-sided"]
    return f" (one-sided for {' and '.join(directional)})" if directional else ""


def needed_nulls(prediction: Prediction) -> tuple[str, ...]:
    """The nulls without which it has no outcome: of its contrast, and random groups for their SD."""
    contrast = () if prediction.contrast.null is None else opponents(prediction.contrast.null)
    in_sd = prediction.margin is not None and prediction.margin.null_sd is not None
    return (*contrast, SD_NULL) if in_sd and SD_NULL not in contrast else contrast


def reference_of(protocol: Protocol, contrast: Contrast) -> tuple[str, str]:
    """What a contrast is with, and the variant in which that null is declared, or the condition's name."""
    if contrast.conditions is not None:
        return OTHER_CONDITION, protocol.names.second
    declared = declared_null(protocol, contrast.null)
    if declared is None:
        return contrast.null or "value", ""
    return declared.name, declared.null.variants(declared.options)[0]
