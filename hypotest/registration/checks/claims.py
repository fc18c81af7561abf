"""From a YAML file to the claims of a paper, or to everything that is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from hypotest.errors import Problem, ProtocolError
from hypotest.records.protocol.claims import Claim, Claims
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.registration.checks.predictions import vocabulary_findings
from hypotest.registration.findings import Finding, KeyPath, key_name
from hypotest.registration.source import YamlSource, read_source
from hypotest.registration.text import refuse
from hypotest.registration.wording import errors_in, findings_in_record


def load_claims(path: str | os.PathLike[str]) -> Claims:
    """Load the claims of a paper, or refuse them with everything that is wrong.

    Args:
        path: A YAML file that begins with ``hypotest_claims: 1``.

    Raises:
        ProtocolError: If the file cannot be read or there is any error; lists all of them by line.
    """
    source = read_source(path)
    if "hypotest_claims" not in source.data:
        kind = "a protocol" if "hypotest" in source.data else "something else"
        refuse(source.where((0, 0)), f"must be claims, beginning with `hypotest_claims: 1`; found {kind}")
    claims, findings = _judge(source)
    if claims is None or findings:
        raise ProtocolError(_problems(source, findings))
    return claims


def _judge(source: YamlSource) -> tuple[Claims | None, list[Finding]]:
    findings = list(source.findings)
    if findings:
        return None, findings
    try:
        # Through JSON because its strict mode takes lists for tuples and refuses "3" for 3.
        claims = Claims.model_validate_json(json.dumps(source.data), strict=True)
    except ValidationError as error:
        return None, [_as_written(item, source) for item in findings_in_record(errors_in(error), Claims)]
    for place, claim in enumerate(claims.claims):
        findings += _in_vocabulary(claim, ("claims", place))
    return claims, findings


def _as_written(finding: Finding, source: YamlSource) -> Finding:
    """The schema makes a list of a single outcome; in the file there is no such item."""
    path = finding.path
    return (
        replace(finding, path=path[:3])
        if path[2:3] == ("outcome",) and path not in source.values
        else finding
    )


def _in_vocabulary(claim: Claim, path: KeyPath) -> Iterator[Finding]:
    """A claim names measure, options and contrast as a prediction does."""
    contrast = claim.contrast or Contrast()
    words = Prediction(id=claim.id, measure=claim.measure, options=claim.options, contrast=contrast)
    for finding in vocabulary_findings(words, path):
        if claim.contrast is not None or finding.path[-1] != "contrast":
            yield finding


def _problems(source: YamlSource, findings: list[Finding]) -> list[Problem]:
    claims = source.data.get("claims")
    ids = {
        place: str(item["id"])
        for place, item in enumerate(claims if isinstance(claims, list) else [])
        if isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"].isprintable()
    }
    placed = sorted(
        ((item.mark or source.mark(item.path, item.at_key), item) for item in findings),
        key=lambda pair: (pair[0], pair[1].message),
    )
    return [
        Problem(source.where(mark), key_name(_named(item.path, ids), {}), item.message)
        for mark, item in placed
    ]


def _named(path: KeyPath, ids: dict[int, str]) -> KeyPath:
    """Claims are named by their id, as predictions are."""
    if len(path) > 1 and path[0] == "claims" and isinstance(path[1], int):
        return (path[0], ids.get(path[1], path[1]), *path[2:])
    return path
