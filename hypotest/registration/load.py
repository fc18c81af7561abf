"""From a YAML file to a `Protocol`, or to the list of everything that is wrong with it.

    file -> plain data with places -> expectations moved -> pydantic -> cross-key checks

An error in one key does not hide those in others: what is wrong is taken out, and the checks run
on the rest. What depends on a key that is wrong is not reported, since it would only be an echo.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from pydantic import ValidationError

from hypotest.errors import Problem, ProtocolError
from hypotest.records.protocol.examples import SAMPLE_DEFAULTS
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import MAX_HYPOTHESES, Protocol
from hypotest.registration.checks.units import autoencoder_findings
from hypotest.registration.checks.validate import findings_in
from hypotest.registration.findings import Finding, KeyPath, ids_of, key_name, nearest, related
from hypotest.registration.paths import path_findings
from hypotest.registration.postponed import postponed
from hypotest.registration.source import YamlSource, read_source
from hypotest.registration.stand_ins import filled, without
from hypotest.registration.wording import data_path, errors_in, findings_of, unknown_key, written_path

_DEFAULT_HYPOTHESES: tuple[str, ...] = Protocol.model_fields["hypotheses"].default


def load_protocol(
    path: str | os.PathLike[str], *, subject: bool = True, network: str | None = None
) -> Protocol:
    """Load a protocol, or refuse it with everything that is wrong.

    Args:
        path: A YAML file.
        subject: As for `read_protocol`.
        network: As for `read_protocol`.

    Returns:
        The protocol. Warnings are not shown; `read_protocol` returns them.

    Raises:
        ProtocolError: If the file cannot be read or there is any error; lists all of them by line.
    """
    protocol, problems = read_protocol(path, subject=subject, network=network)
    if protocol is None:
        raise ProtocolError([item for item in problems if item.severity == "error"])
    return protocol


def read_protocol(
    path: str | os.PathLike[str], *, subject: bool = True, network: str | None = None
) -> tuple[Protocol | None, tuple[Problem, ...]]:
    """Read a protocol and say everything that is wrong with it.

    Args:
        path: A YAML file.
        subject: Whether the network that it names must fit its configuration on this machine; not where
            another one takes its place, or none is needed.
        network: Name of a network that is given in Python: the subject of a protocol that names none.

    Returns:
        The protocol, or None if there is an error; and all problems, warnings included, by line.
    """
    try:
        source = read_source(path)
    except ProtocolError as error:
        return None, error.problems
    if network is not None:
        source = _of_network(source, network)
    protocol, findings = judge(source)
    if protocol is not None:
        findings += _of_files(protocol, pathlib.Path(path).parent, findings, subject)
    ids = ids_of(source.data.get("predictions"))
    placed = sorted(
        ((finding.mark or source.mark(finding.path, finding.at_key), finding) for finding in findings),
        key=lambda item: (item[0], item[1].message),
    )
    problems = tuple(
        Problem(source.where(mark), key_name(finding.path, ids), finding.message, finding.severity)
        for mark, finding in placed
    )
    failed = any(problem.severity == "error" for problem in problems)
    return None if failed else protocol, problems


def judge(source: YamlSource) -> tuple[Protocol | None, list[Finding]]:
    """A protocol from plain data, as far as there is one, and what is wrong with it; no files are read."""
    findings = [*source.findings, *postponed(source.data)]
    tainted = {finding.path for finding in findings if finding.taints}
    # List items stay, so that the places of those behind them hold; pydantic repeats the error,
    # and the repetition is dropped as an echo.
    data = without(source.data, {path for path in tainted if path and isinstance(path[-1], str)})
    data, names, unread = _with_expectations(_with_sample(data))
    findings += unread
    tainted |= {finding.path for finding in unread}

    protocol = None
    meant: set[KeyPath] = set()
    # Places of the predictions that are left, in the file's own count.
    kept = list(range(len(data["predictions"]))) if _has_predictions(data) else []
    # Each round takes out what the last one found; a value lies at most this deep.
    for _ in range(10):
        try:
            # Through JSON because its strict mode takes lists for tuples and refuses "3" for 3.
            protocol = Protocol.model_validate_json(json.dumps(data), strict=True)
            break
        except ValidationError as error:
            errors = errors_in(error)
        of_errors = [_in_file(item, kept) for item in findings_of(errors, data, names, meant)]
        now_bad = tainted | {item.path for item in of_errors}
        fresh = [item for item in of_errors if not _echo(item, tainted, now_bad)]
        findings += fresh
        tainted |= {item.path for item in fresh}
        gone = {_removable(error["type"], data_path(error)) for error in errors}
        kept = [place for now, place in enumerate(kept) if ("predictions", now) not in gone]
        data = filled(data, gone)
    if protocol is not None:
        checked = (_in_file(item, kept) for item in findings_in(protocol))
        ours = () if kept else (("predictions",),)  # what stands in for them
        findings += [item for item in checked if not _echo(item, tainted.union(ours), tainted.union(ours))]
    return protocol, findings


def _of_files(
    protocol: Protocol, base: pathlib.Path, findings: Iterable[Finding], subject: bool
) -> list[Finding]:
    """Findings about the files that are named, except where the name itself is wrong."""
    tainted = [item.path for item in findings if item.taints and item.severity == "error"]
    in_files = [*path_findings(protocol, base), *autoencoder_findings(protocol, base)]
    if subject:
        from hypotest.registration.checks.configuration import configuration_findings

        in_files += configuration_findings(protocol, base)
    return [item for item in in_files if not _echo(item, tainted, tainted)]


def _echo(finding: Finding, before: Iterable[KeyPath], now: Iterable[KeyPath]) -> bool:
    """Whether a finding only follows from another one.

    Its own key counts as bad only if an earlier step said so, what it depends on at once.
    """
    if any(related(finding.path, bad) for bad in before):
        return True
    return any(related(path, bad) for path in finding.depends for bad in now)


def _has_predictions(data: dict[str, Any]) -> bool:
    return isinstance(data.get("predictions"), list)


def _removable(kind: str, path: KeyPath) -> KeyPath:
    """What to take out so that an error goes: the value, or what lacks a required key."""
    if kind == "missing" and len(path) > 1:
        return path[:-1]
    # An expectation is one value, also where the schema has made a list of it.
    return path[:4] if path[2:3] == ("expects",) else path


def _in_file(finding: Finding, kept: Sequence[int]) -> Finding:
    """Count predictions as the file does, and name expectations as it does."""

    def translate(path: KeyPath) -> KeyPath:
        path = written_path(path)
        if len(path) > 1 and path[0] == "predictions" and isinstance(path[1], int):
            # one that stands in for all is nowhere in the file
            return ("predictions", kept[path[1]], *path[2:]) if kept else path[:1]
        return path

    depends = tuple(translate(path) for path in finding.depends)
    return replace(finding, path=translate(finding.path), depends=depends)


def _of_network(source: YamlSource, network: str) -> YamlSource:
    """The source with a network for its subject, where it does not name one."""
    subject = source.data.get("subject")
    if subject is None or (isinstance(subject, dict) and "network" not in subject):
        return replace(source, data={**source.data, "subject": {**(subject or {}), "network": network}})
    return source


def _with_sample(data: dict[str, Any]) -> dict[str, Any]:
    """Say what ``sample`` is where there are examples or rows, as far as the file does not."""
    sample = data.get("sample", {})
    subject = data.get("subject")
    rows = isinstance(subject, dict) and subject.get("network") is not None
    if (data.get("examples") is None and not rows) or not isinstance(sample, dict):
        return data
    defaults = {
        name: list(value) if isinstance(value, tuple) else value for name, value in SAMPLE_DEFAULTS.items()
    }
    return {**data, "sample": {**defaults, **sample}}


def _with_expectations(
    data: dict[str, Any],
) -> tuple[dict[str, Any], tuple[str, ...], list[Finding]]:
    """Move the keys of each prediction that are hypotheses into ``expects``."""
    names = _hypotheses(data)
    if "hypotheses" not in data and names != _DEFAULT_HYPOTHESES:
        data = {**data, "hypotheses": list(names)}  # found under a misspelled key
    own_keys = set(Prediction.model_fields)
    movable = tuple(name for name in names if name not in own_keys)
    findings: list[Finding] = []
    if not _has_predictions(data):
        return data, movable, findings
    predictions: list[Any] = []
    for place, item in enumerate(data["predictions"]):
        if not isinstance(item, dict):
            predictions.append(item)
            continue
        if "expects" in item:
            message = f"{unknown_key('expects', ())}; write each expectation under its hypothesis: " + (
                ", ".join(movable)
            )
            findings.append(Finding(("predictions", place, "expects"), message, at_key=True))
        expects = {}
        for name in movable:
            if item.get(name) == []:
                message = "must be an outcome or any; found an empty list: write any"
                findings.append(Finding(("predictions", place, name), message))
            elif name in item:
                expects[name] = item[name]
        rest = {key: value for key, value in item.items() if key not in {*movable, "expects"}}
        predictions.append({**rest, "expects": expects})
    return {**data, "predictions": predictions}, movable, findings


def _hypotheses(data: dict[str, Any]) -> tuple[str, ...]:
    """Names of the hypotheses as far as they can be read."""
    # Under a misspelled key, too: else every expectation would look unknown.
    keys = [key for key in data if key not in Protocol.model_fields]
    key = next((key for key in keys if nearest(key, Protocol.model_fields) == "hypotheses"), "hypotheses")
    declared = data.get("hypotheses", data.get(key, list(_DEFAULT_HYPOTHESES)))
    if not isinstance(declared, list):
        return _DEFAULT_HYPOTHESES
    name = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
    readable = (item for item in declared if isinstance(item, str) and name.fullmatch(item))
    # Messages list them, so that thousands would fill the memory.
    return tuple(islice(dict.fromkeys(readable), MAX_HYPOTHESES))
