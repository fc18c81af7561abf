"""Are there enough draws and documents, and is each thing listed once?

What can be said of a plan before the text is read; how large effects must be is for ``hypotest power``.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator

from hypotest.nulls.registry import SD_NULL, declared, declared_null
from hypotest.predicates.combine import needs_counts
from hypotest.records.protocol.design import MINIMUM_UNITS
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.texts import CorpusFiles, CorpusHub, CorpusPackages
from hypotest.records.protocol.wording import material_words
from hypotest.registration.findings import Finding, KeyPath, shown

_LONGEST_NAME = 300
_TOLERATED = 0.12
"""Relative standard error of an SD that margins refer to; about that of the fewest draws at level 0.05."""


def sufficiency_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check numbers and lists.

    Yields:
        Errors for what cannot give an outcome, warnings for what disappoints.
    """
    yield from _repeated(protocol)
    yield from _documents(protocol)
    yield from _counts_of_another_text(protocol)
    yield from _spread(protocol)
    yield from _stopping(protocol)
    yield from _pairs(protocol)


def _repeated(protocol: Protocol) -> Iterator[Finding]:
    """A text counted twice is evidence that does not exist; a covariate twice is a slip."""
    lists: dict[KeyPath, tuple[str, ...]] = {}
    if protocol.corpus and isinstance(protocol.corpus.text, CorpusFiles):
        lists["corpus", "text", "files"] = protocol.corpus.text.files
    if protocol.corpus and isinstance(protocol.corpus.text, CorpusPackages):
        lists["corpus", "text", "packages"] = protocol.corpus.text.packages
        lists["corpus", "text", "parts"] = protocol.corpus.text.parts
    for item in declared(protocol):
        for option, value in item.options:
            if isinstance(value, tuple):
                lists["nulls", item.name, option] = value
    for path, values in lists.items():
        for place, value in enumerate(values):
            if value in values[:place]:
                message = f"must be listed once; found {shown(value)} again: remove it"
                yield Finding((*path, place), message)


def _documents(protocol: Protocol) -> Iterator[Finding]:
    positions, share = protocol.sample.positions, 1 - protocol.split.selection
    most = int(positions * share + 1e-9)  # every document that is measured has a position
    if most < MINIMUM_UNITS:
        message = (
            f"leaves at most {most} {material_words(protocol).units} to measure on; below {MINIMUM_UNITS} "
            "there is no interval, "
            f"and equivalent is no outcome; found {positions} {material_words(protocol).rows}: raise it"
        )
        yield Finding(("sample", "positions"), message, "warning", (("split",),))
    text = protocol.corpus and protocol.corpus.text
    if isinstance(text, CorpusHub) and int(text.documents * share + 1e-9) < MINIMUM_UNITS:
        message = (
            f"leaves fewer than {MINIMUM_UNITS} documents to measure on, so that there is no interval, "
            f"and equivalent is no outcome; found {text.documents}: raise it"
        )
        yield Finding(("corpus", "text", "documents"), message, "warning", (("split",),))


def _counts_of_another_text(protocol: Protocol) -> Iterator[Finding]:
    """Rare in docstrings is not rare in a novel: a default that does not fit a text of one's own."""
    if protocol.corpus is None or not needs_counts(*protocol.conditions.values()):
        return
    text = protocol.corpus.text
    if text == "reference" or protocol.frequencies != "reference":
        return
    if isinstance(text, CorpusFiles):
        names = ", ".join(map(_quoted, text.files[:3])) + (", ..." if len(text.files) > 3 else "")
        column = f", column: {_quoted(text.column)}" if text.column else ""
        own = f"{{count: {{files: [{names}]{column}}}}}"
    elif isinstance(text, CorpusPackages):
        own = f"{{count: {{packages: [{', '.join(map(_quoted, text.packages))}]}}}}"
    else:
        config = f", config: {_quoted(text.config)}" if text.config else ""
        own = f"{{count: {{hub: {_quoted(text.hub)}{config}, split: {_quoted(text.split)}}}}}"
    message = (
        "counts the docstrings of packages, and corpus.text is another text: what is rare there may be "
        f"common in it; count the text itself, `frequencies: {own}`, or what the model was trained on"
    )
    yield Finding(("frequencies",), message, "warning", (("corpus", "text"),))


def _quoted(name: str) -> str:
    """As YAML takes it, whatever it holds."""
    return json.dumps(name) if len(name) <= _LONGEST_NAME else shown(name)


def _spread(protocol: Protocol) -> Iterator[Finding]:
    """The SD of B groups has a relative standard error of 1/sqrt(2 (B - 1))."""
    null = declared_null(protocol, SD_NULL)
    margins = [item.margin.null_sd for item in protocol.predictions if item.margin is not None]
    if null is None or not any(margins):
        return
    path: KeyPath = ("nulls", null.name, null.null.number)
    if null.n_draws < 2:
        message = f"must be at least 2, since margins in null_sd need an SD; found {null.n_draws}: raise it"
        yield Finding(path, message, depends=(("predictions",),))
    elif (error := 1 / math.sqrt(2 * (null.n_draws - 1))) > _TOLERATED:
        message = (
            f"margins in null_sd rest on the SD of {null.n_draws} groups, known to {100 * error:.0f} % only; "
            "raise it to 999 or more"
        )
        yield Finding(path, message, "warning", (("predictions",),))


def _stopping(protocol: Protocol) -> Iterator[Finding]:
    for item in declared(protocol):
        stop_after = getattr(item.options, "stop_after", None)
        if stop_after is not None and stop_after > item.n_draws // 2:
            # Both tails must hold as many; between them they share the draws.
            message = (
                f"is never reached, since each tail must hold so many of {item.n_draws} draws; found "
                f"{stop_after}: lower it, or remove it"
            )
            yield Finding(("nulls", item.name, "stop_after"), message, "warning")


def _pairs(protocol: Protocol) -> Iterator[Finding]:
    """Of three hypotheses or more, two can agree everywhere although each prediction divides some."""
    if len(protocol.hypotheses) < 3:
        return  # each prediction on which both agree is named; see `hypotest.registration.checks.predictions`
    for one, other in itertools.combinations(dict.fromkeys(protocol.hypotheses), 2):
        expected = [
            (set(item.expects.get(one, ())), set(item.expects.get(other, ()))) for item in protocol.deciding
        ]
        if any(mine for mine, _ in expected) and all(mine == theirs for mine, theirs in expected):
            message = (
                f"{one} and {other} expect the same of every prediction that decides, so nothing can tell "
                "them apart; let them differ in one"
            )
            yield Finding(("predictions",), message, "warning", (("hypotheses",), ("predictions",)))
