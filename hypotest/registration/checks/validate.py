"""Checks of a protocol that span several keys: can this plan answer its question?

Types, ranges and unknown keys are the schema's business (`hypotest.records.protocol.protocol`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from hypotest.errors import Problem
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, declared, opponents
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.conditions import condition_findings
from hypotest.registration.checks.examples import material_findings
from hypotest.registration.checks.group import group_findings
from hypotest.registration.checks.margins import margin_findings
from hypotest.registration.checks.multiverse import multiverse_findings
from hypotest.registration.checks.outcomes import refuting_outcomes
from hypotest.registration.checks.predictions import prediction_findings
from hypotest.registration.checks.series import series_findings
from hypotest.registration.checks.sufficiency import sufficiency_findings
from hypotest.registration.checks.units import unit_findings
from hypotest.registration.findings import Finding, KeyPath, key_name, shown
from hypotest.registration.titles import is_question

_TABLES = (".npy", ".parquet", ".csv")


def check_protocol(
    protocol: Protocol, locate: Callable[[KeyPath], str] = lambda path: "protocol"
) -> tuple[Problem, ...]:
    """Check what spans several keys of a protocol.

    Args:
        protocol: A protocol whose keys and types are right.
        locate: Gives the place of a key, such as ``file:line:column``.

    Returns:
        Errors, with which the protocol cannot be run, and warnings, with which it may disappoint.

    Examples:
        >>> number, word = ({"target": {"matches": f"^ ?{kind}+$"}} for kind in ("[0-9]", "[a-z]"))
        >>> prediction = {"id": "spectrum", "measure": "hill_alfa", "contrast": {"reference": 2},
        ...               "expects": {"modular": "greater", "distributed": "less"}}
        >>> protocol = Protocol.model_validate({
        ...     "hypotest": 1, "id": "example", "title": "Example?", "seed": 1, "nulls": {},
        ...     "conditions": {"number": number, "word": word},
        ...     "group": {"select": {"top_fraction": 0.02}}, "predictions": [prediction]})
        >>> [problem.message for problem in check_protocol(protocol)]
        ["unknown measure 'hill_alfa'; did you mean 'hill_alpha'?"]
    """
    ids = {place: item.id for place, item in enumerate(protocol.predictions)}
    return tuple(
        Problem(locate(item.path), key_name(item.path, ids), item.message, item.severity)
        for item in findings_in(protocol)
    )


def findings_in(protocol: Protocol) -> Iterator[Finding]:
    """Run every check, and name each finding by the path of its key."""
    yield from _id(protocol)
    yield from _title(protocol)
    yield from _subject(protocol)
    yield from material_findings(protocol)
    yield from condition_findings(protocol)
    yield from group_findings(protocol)
    yield from unit_findings(protocol)
    for item in declared(protocol):
        if message := item.null.unfit(item.options, protocol):
            yield Finding(("nulls", item.name), message, depends=(("conditions",),))
    yield from _hypotheses(protocol)
    yield from series_findings(protocol)
    yield from _draws(protocol.member())
    yield from _together(protocol)
    yield from _repeated_ids(protocol)
    for place in range(len(protocol.predictions)):
        yield from prediction_findings(protocol, place)
        yield from margin_findings(protocol, place)
    yield from sufficiency_findings(protocol)
    yield from multiverse_findings(protocol)


def _id(protocol: Protocol) -> Iterator[Finding]:
    if re.fullmatch(r"con|prn|aux|nul|com[0-9]|lpt[0-9]", protocol.id):
        message = f"must not be the name of a device of Windows; found {protocol.id}: choose another"
        yield Finding(("id",), message)


def _title(protocol: Protocol) -> Iterator[Finding]:
    if not is_question(protocol.title):
        message = (
            f"should be a question, since it stands above whatever comes out; found {shown(protocol.title)}: "
            "end it with a question mark"
        )
        yield Finding(("title",), message, "warning")


def _subject(protocol: Protocol) -> Iterator[Finding]:
    yield from _anatomy(protocol)
    if protocol.subject.models == ("reference",) and isinstance(protocol.subject.revision, str):
        message = "is used with a Hub id or a folder only; remove it"
        yield Finding(("subject", "revision"), message, "warning", (("subject", "model"),))
    table = protocol.frequencies
    if isinstance(table, str) and table != "reference" and not table.lower().endswith(_TABLES):
        message = f"must be reference, or the path of a {', '.join(_TABLES)} table; found {shown(table)}"
        yield Finding(("frequencies",), message)


def _anatomy(protocol: Protocol) -> Iterator[Finding]:
    described = protocol.subject.anatomy
    for key, path in described.model_dump(exclude_none=True).items() if described else ():
        in_block = key not in ("head", "final_norm", "unembedding")
        if in_block != ("{layer}" in path):
            wanted = "must hold {layer}, the number of a block" if in_block else "must hold no {layer}"
            yield Finding(("subject", "anatomy", key), f"{wanted}; found {shown(path)}")


def _hypotheses(protocol: Protocol) -> Iterator[Finding]:
    own_keys = set(Prediction.model_fields)
    for place, name in enumerate(protocol.hypotheses):
        path: KeyPath = ("hypotheses", place)
        if name in own_keys:
            message = f"must not be the name of a key of predictions; found {name}: choose another"
            yield Finding(path, message)
        if name in protocol.hypotheses[:place]:
            yield Finding(path, f"must be named once; found {name} again: remove it")
        else:
            yield from _chances(protocol, name)


def _chances(protocol: Protocol, name: str) -> Iterator[Finding]:
    """Can a hypothesis be supported, and can it be refuted?"""
    speaking = [item for item in protocol.deciding if item.expects.get(name)]
    path: KeyPath = ("predictions",)
    if not speaking:
        message = f"{name} expects nothing of any prediction that decides; it will stay undecided"
        yield Finding(path, message, "warning", (path, ("hypotheses",)))
    elif not any(refuting_outcomes(item, name, reselection=protocol.reselects) for item in speaking):
        message = f"{name} expects every outcome that can occur; nothing could refute it"
        yield Finding(path, message, "warning", (path, ("hypotheses",)))


def _draws(protocol: Protocol) -> Iterator[Finding]:
    """Refuse a plan whose smallest p-value, 2/(B + 1), exceeds level / M."""
    level = protocol.decision.level
    for item in declared(protocol):
        n_tests = protocol.n_tests_of(item.name)
        # what never decides is refused elsewhere; see `hypotest.registration.checks.predictions`
        if item.null.never_decides or n_tests == 0:
            continue
        needed = protocol.decision.fewest_draws(n_tests)
        key, draws = item.null.number, item.n_draws
        if draws < needed:
            over = f"{level:g} / {n_tests} deciding predictions" if n_tests > 1 else f"{level:g}"
            message = (
                f"must be at least {needed} for a two-sided p-value to reach {over}; found {draws}: raise it"
            )
            if item.null.form is Form.NETWORKS:
                message += ", or write `role: descriptive` where it is the contrast"
            yield Finding(("nulls", item.name, key), message, depends=(("decision",), ("predictions",)))


def _together(protocol: Protocol) -> Iterator[Finding]:
    """Nulls that count only with others, each of which fails where another does not."""
    names = [item.name for item in declared(protocol)]
    for name in names:
        absent = [other for other in opponents(name) if other not in names]
        if absent:
            also = " and ".join(f"`{other}: {{}}`" for other in absent)
            message = (
                f"counts only together with {' and '.join(absent)}: each alone rejects where nothing is "
                f"{NULLS[name].together}; add {also} under nulls"
            )
            yield Finding(("nulls", name), message, depends=(("nulls",),), at_key=True)


def _repeated_ids(protocol: Protocol) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for place, prediction in enumerate(protocol.predictions):
        seen[prediction.id] += 1
        if seen[prediction.id] > 1:
            message = f"must be unique; found {prediction.id} again: choose another"
            yield Finding(("predictions", place, "id"), message)
