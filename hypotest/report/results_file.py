"""``results.json``: written, read again, and described by a schema."""

from __future__ import annotations

import dataclasses
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hypotest.errors import OutputError
from hypotest.records.results.results import SCHEMA_VERSION, Results
from hypotest.registration.locks.canonical import refuse_constant

REPORT = "report.html"
"""The report of a run, to be opened; the same lies beside it as Markdown."""
REPORTS = {REPORT: "html", "report.md": "markdown"}
"""File of each report of a run -> its page format; the first that is there is the one to open."""
SCHEMA_FILE = Path(__file__).with_name("results.schema.json")
"""The schema as it is shipped; `results_schema` computes it from the records."""


@cache
def _adapter() -> TypeAdapter[Results]:
    return TypeAdapter(Results)


def fields_without(record: Any, *names: str) -> dict[str, Any]:
    """Fields of a record that its JSON file holds: tables and folders lie beside it."""
    return {
        item.name: getattr(record, item.name) for item in dataclasses.fields(record) if item.name not in names
    }


def json_text(value: Any) -> str:
    """JSON as all files of a run hold it: two spaces, record order, no NaN, newline at the end.

    Numbers that are not finite become null.
    """
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def json_line(value: Any) -> str:
    """The same on one line, without the newline: for files of many records."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def results_text(results: Results) -> str:
    """The text of ``results.json``.

    Raises:
        OutputError: If a number that must be defined is not finite, or a value has the wrong type.
    """
    text = json_text(results)
    _validated(text, "results.json (about to be written)")
    return text


def require_schema(version: object, where: str) -> None:
    """Refuse results of another schema version.

    Raises:
        OutputError: If it is not this version's.
    """
    if version != SCHEMA_VERSION:
        raise OutputError(
            f"{where}: schema_version must be {SCHEMA_VERSION}; found {version!r}. Read it with the version "
            "of hypotest that wrote it (see manifest.json), or run the protocol again."
        )


def parse_results(text: str, where: str) -> Results:
    """Read the text of a ``results.json``.

    Args:
        text: The whole file.
        where: Its name, for errors.

    Raises:
        OutputError: If it is no JSON, of another schema version, or not what this version writes.
    """
    try:
        data = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise OutputError(f"{where}: must be JSON; found damage: {error}. {_ADVICE}") from error
    require_schema(data.get("schema_version") if isinstance(data, dict) else None, where)
    results = _validated(text, where)
    difference = _first_difference(data, _plain(results), "")
    if difference is not None:
        raise OutputError(f"{where}: {difference} is not what this version of hypotest writes. {_ADVICE}")
    return results


def results_schema() -> dict[str, Any]:
    """JSON schema of ``results.json``, computed from the records; closed to unknown keys."""
    schema = _adapter().json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("type") == "object" and "properties" in part:
            part["additionalProperties"] = False
            part["required"] = list(part["properties"])  # defaults are written out as well
    whole = schema if "properties" in schema else schema["$defs"]["Results"]
    whole["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


_ADVICE = "Restore the file from a backup, or run the protocol again."


_YOUNGER = {"figures.spectrum.null": ""} | dict.fromkeys(
    ("gini_first_interval", "gini_second_interval", "impact_interval", "routing_interval")
)
"""Fields that files of this version may lack, since they came later, and what stands for them: by their path,
or by their name where they are many."""


def _validated(text: str, where: str) -> Results:
    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}"
            for item in error.errors()[:10]
        ]
        raise OutputError(
            f"{where}: does not hold results of schema version {SCHEMA_VERSION}:\n"
            + "\n".join(lines)
            + f"\n{_ADVICE}"
        ) from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None  # a numpy float64 is a float too
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "item"):  # a numpy scalar
        return _plain(value.item())
    return str(value)


def _first_difference(actual: Any, expected: Any, path: str) -> str | None:
    if isinstance(actual, dict) and isinstance(expected, dict):
        for key in [*actual, *(key for key in expected if key not in actual)]:
            place = f"{path}.{key}" if path else key
            young = next((name for name in (place, key) if name in _YOUNGER), None)
            if key not in actual and young is not None and expected[key] == _YOUNGER[young]:
                continue
            if key not in actual or key not in expected:
                return place
            difference = _first_difference(actual[key], expected[key], place)
            if difference is not None:
                return difference
        return None
    if isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        pairs = enumerate(zip(actual, expected, strict=True))
        return next(
            (
                text
                for number, (one, two) in pairs
                if (text := _first_difference(one, two, f"{path}[{number}]")) is not None
            ),
            None,
        )
    return None if actual == expected else path
