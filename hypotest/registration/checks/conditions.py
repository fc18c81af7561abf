"""Checks of a protocol's two conditions: can they be told apart, and matched as the protocol asks?"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator

from hypotest.predicates.combine import exchange_of, predicate_of, shared_within
from hypotest.predicates.units import EXCHANGES
from hypotest.records.protocol.conditions import leaves
from hypotest.records.protocol.design import FACTOR_WORDS
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.texts import CorpusFiles
from hypotest.records.protocol.wording import material_words
from hypotest.records.stored.files import file_obstacle
from hypotest.registration.findings import Finding, KeyPath, shown

_WITHOUT = re.compile(r"\.(txt|md|rst|py)(\.gz|\.zst)?$", re.IGNORECASE)
"""Files that are one document each, whatever a pattern of names may find."""
_NAMES = ("both", "selection", "evaluation", "value", "condition")
"""Words that stand beside the names of conditions in results."""


def condition_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check the sections ``conditions`` and ``sample``.

    Args:
        protocol: A protocol whose keys and types are right.

    Yields:
        Errors.
    """
    words = material_words(protocol)
    for name, condition in protocol.conditions.items():
        if name in _NAMES:
            message = f"must be another name: results say {', '.join(_NAMES)} of other things"
            yield Finding(("conditions", name), message, at_key=True)
        elif (said := words.said(name)) != name:
            message = f"must be another name: reports call that {shown(said)} here, in every sentence"
            yield Finding(("conditions", name), message, at_key=True)
        for leaf in leaves(condition):
            for message in predicate_of(leaf).check(leaf.options):
                yield Finding(("conditions", name, *leaf.path), f"{message}; found {shown(leaf.options)}")
    yield from _columns(protocol)
    yield from overlap_findings(protocol)
    yield from _match(protocol)


def _columns(protocol: Protocol) -> Iterator[Finding]:
    """Columns that the text cannot have."""
    if protocol.corpus is None:
        return
    text = protocol.corpus.text
    without = "docstrings of packages" if text == "reference" else ""
    if isinstance(text, CorpusFiles) and (plain := [name for name in text.files if _WITHOUT.search(name)]):
        without = f"files such as {shown(plain[0])}"
    for name, condition in protocol.conditions.items() if without else ():
        for leaf in leaves(condition):
            for column in predicate_of(leaf).fields(leaf.options):
                message = (
                    f"reads the column {shown(column)}, and {without} have none: take a text with columns "
                    "(.jsonl, .csv, .parquet, or a data set)"
                )
                yield Finding(("conditions", name, *leaf.path), message, depends=(("corpus", "text"),))


def file_findings(protocol: Protocol, base: pathlib.Path) -> Iterator[Finding]:
    """Check the files that predicates read.

    Args:
        protocol: A protocol whose keys and types are right.
        base: Folder that relative paths start from.

    Yields:
        Errors.
    """
    for name, condition in protocol.conditions.items():
        for leaf in leaves(condition):
            for file in predicate_of(leaf).files(leaf.options):
                obstacle = file_obstacle(base / file)
                if obstacle:
                    message = f"{obstacle}; found {shown(file)}, looked for in {shown(str(base))}"
                    yield Finding(("conditions", name, *leaf.path), message)


def overlap_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check that conditions exclude each other, as far as it is known without the text.

    Yields:
        An error for two equal conditions, or two of one predicate each that share rows.
    """
    first, second = protocol.names
    one, other = protocol.conditions.values()
    path: KeyPath = ("conditions", second)
    depends: tuple[KeyPath, ...] = (("conditions", first),)
    if one == other:
        yield Finding(
            path, f"must not be the same as conditions.{first}: let them exclude each other", depends=depends
        )
        return
    (here, *more), (there, *others) = (tuple(leaves(condition)) for condition in (one, other))
    alone = not more and not others and "not" not in (*here.path, *there.path)
    if alone and (here.name, here.about) == (there.name, there.about):
        message = predicate_of(here).overlaps(here.options, there.options)
        if message:
            message = (
                f"must not hold where conditions.{first} does, and {message}: let them exclude each other"
            )
            yield Finding((*path, *there.path), message, depends=depends)


def _match(protocol: Protocol) -> Iterator[Finding]:
    """What pairs cannot agree in, since the conditions differ in it by definition."""
    unit = exchange_of(protocol)
    (here, *more), (there, *others) = (tuple(leaves(item)) for item in protocol.conditions.values())
    alone = not more and not others and (here.name, here.about) == (there.name, there.about)
    constant = shared_within(unit)
    written = "match" in protocol.sample.model_fields_set
    for place, name in enumerate(protocol.sample.match):
        path: KeyPath = ("sample", "match", place) if written else ("sample",)
        advice = (
            f"found {name}: take it out of the list, and read the balance table of the report"
            if written
            else f"and without `match` they are matched on {name}: write `sample: {{match: []}}`"
        )
        if name in constant:
            message = (
                f"the conditions are constant within {EXCHANGES[unit].words}, so that no position has a "
                f"partner with the same {FACTOR_WORDS[name]}; {advice}"
            )
            yield Finding(path, message, depends=(("conditions",),))
        elif alone and here.about != "token" and name in predicate_of(here).defines:
            message = (
                f"the conditions are told apart by it alone, so that no position has a partner with the same "
                f"{FACTOR_WORDS[name]}; {advice}"
            )
            yield Finding(path, message, depends=(("conditions",),))
