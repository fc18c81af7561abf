"""Margins in words: from where on an equivalence holds, where a verdict turns, what a plan can tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.inline import Inline, prose
from hypotest.records.protocol.margins import MarginFlip, MarginSensitivity
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.numbers import significant

UNITS = {"raw": "", "ratio": " of the null's mean", "null_sd": " null SDs"}
"""Kind of a margin -> what follows its number."""


def margin_text(value: float, kind: str) -> str:
    """A margin as a reader takes it.

    Examples:
        >>> margin_text(2.0312, "null_sd"), margin_text(0.05, "raw")
        ('2.03 null SDs', '0.0500')
    """
    return f"{significant(value, 3)}{UNITS[kind]}"


def sensitivity_sentences(item: PredictionResult) -> Iterator[Inline]:
    """What other margins would have given, for the section of one prediction."""
    found = item.sensitivity
    if found is None:
        return
    if found.smallest is None or found.smallest_in_kind is None:
        yield prose("No margin would make it `equivalent`")
        return
    yield (_holds(item, found), f"; {_declared(found)}")
    for flip in found.flips:
        changes = [
            f"{name} is {below} with a narrower margin and {above} with a wider one"
            for name, (below, above) in flip.verdicts.items()
        ]
        if changes:
            yield f"The verdict turns at {margin_text(flip.in_kind, found.kind)}: {', '.join(changes)}"


def sensitivity_lines(results: Results) -> Iterator[str]:
    """What other margins would have given, below the table of all predictions: two lines at most."""
    smallest, turns = [], []
    for item in results.predictions:
        found = item.sensitivity
        if found is None:
            continue
        name = item.id
        if found.smallest_in_kind is None:
            smallest.append(f"{name} never")
        else:
            at = significant(found.smallest_in_kind, 2)
            smallest.append(f"{name} {at} ({margin_text(found.declared, found.kind)})")
        turns += [f"{name} {text}" for flip in found.flips for text in _turns(flip)]
    if smallest:
        yield f"equivalent from a margin of (declared) on: {', '.join(smallest)}"
    if turns:
        yield f"where the verdict turns: {', '.join(turns)}"


def _holds(item: PredictionResult, found: MarginSensitivity) -> Inline:
    assert found.smallest is not None and found.smallest_in_kind is not None  # the caller has looked
    at = f"from ±{significant(found.smallest, 3)} on"
    if found.kind != "raw":
        at += f" ({margin_text(found.smallest_in_kind, found.kind)})"
    before = [flip.below for flip in found.flips if flip.above == "equivalent" != flip.below]
    otherwise = prose(", and *{}* with narrower ones", before[0]) if before else ""
    return prose("It is `equivalent` with margins {}{}", at, otherwise)


def _declared(found: MarginSensitivity) -> str:
    return f"declared are {margin_text(found.declared, found.kind)}"


def _turns(flip: MarginFlip) -> Iterator[str]:
    for name, (below, above) in flip.verdicts.items():
        yield f"{significant(flip.in_kind, 2)} ({name} {below}, then {above})"
