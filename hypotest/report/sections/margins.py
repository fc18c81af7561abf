"""Margins in words: from where on an equivalence holds, where a verdict turns, what a plan can tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.inline import Inline, prose
from hypotest.records.protocol.margins import MarginFlip, MarginSensitivity
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.numbers import significant

UNITS = {"raw": "", "ratio": " of the null's mean", "null_sd": " SDs of random groups"}
"""Kind of a margin -> what follows its number."""
_SHORT = {**UNITS, "null_sd": " SDs"}
"""The same where a line says once whose they are."""


def margin_text(value: float, kind: str) -> str:
    """A margin as a reader takes it.

    Examples:
        >>> margin_text(2.0312, "null_sd"), margin_text(0.05, "raw")
        ('2.03 SDs of random groups', '0.0500')
    """
    return f"{significant(value, 3)}{UNITS[kind]}"


def declared_text(value: float, kind: str) -> str:
    """A margin as somebody wrote it down: with no more digits than it has.

    Examples:
        >>> declared_text(2.0, "null_sd"), declared_text(0.05, "raw")
        ('2 SDs of random groups', '0.05')
    """
    return f"{value:g}{UNITS[kind]}"


def sensitivity_sentences(item: PredictionResult) -> Iterator[Inline]:
    """What other margins would have given, for the section of one prediction."""
    margins = item.sensitivity
    if margins is None:
        return
    if margins.smallest is None or margins.smallest_in_kind is None:
        yield prose("No margin would make it `equivalent`")
        return
    yield (_holds(item, margins), f"; {_declared(margins)}")
    for flip in margins.flips:
        changes = [
            f"{name} is {below} with a narrower margin and {above} with a wider one"
            for name, (below, above) in flip.verdicts.items()
        ]
        if changes:
            yield f"The verdict turns at {margin_text(flip.in_kind, margins.kind)}: {', '.join(changes)}"


def sensitivity_lines(results: Results) -> Iterator[str]:
    """What other margins would have given, below the table of all predictions: two lines at most."""
    smallest, turns = [], []
    for item in results.predictions:
        margins = item.sensitivity
        if margins is None:
            continue
        name = item.id
        if margins.smallest_in_kind is None:
            smallest.append(f"{name} never")
        else:
            at = significant(margins.smallest_in_kind, 2)
            smallest.append(f"{name} {at} ({margins.declared:g}){_SHORT[margins.kind]}")
        turns += [f"{name} {text}" for flip in margins.flips for text in _turns(flip, margins.kind)]
    if smallest:
        in_sds = any(item.sensitivity and item.sensitivity.kind == "null_sd" for item in results.predictions)
        yield (
            f"smallest margin that makes it equivalent (declared): {', '.join(smallest)}"
            + "; SDs: of random groups of that size" * in_sds
        )
    if turns:
        yield f"margin at which the verdict turns: {', '.join(turns)}"


def _holds(item: PredictionResult, margins: MarginSensitivity) -> Inline:
    assert margins.smallest is not None and margins.smallest_in_kind is not None  # the caller has looked
    at = f"from ±{significant(margins.smallest, 3)} on"
    if margins.kind != "raw":
        at += f" ({margin_text(margins.smallest_in_kind, margins.kind)})"
    before = [flip.below for flip in margins.flips if flip.above == "equivalent" != flip.below]
    otherwise = prose(", and *{}* with narrower ones", before[0]) if before else ""
    return prose("It is `equivalent` with margins {}{}", at, otherwise)


def _declared(margins: MarginSensitivity) -> str:
    return f"declared are {declared_text(margins.declared, margins.kind)}"


def _turns(flip: MarginFlip, kind: str) -> Iterator[str]:
    for name, (below, above) in flip.verdicts.items():
        yield f"{significant(flip.in_kind, 2)}{_SHORT[kind]} ({name} {below} below it, {above} above)"
