from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from hypotest.errors import OutputError
from hypotest.records.results.prediction_result import SecondaryNumber
from hypotest.records.results.results import SCHEMA_VERSION, Results
from hypotest.report.export import read_manifest
from hypotest.report.results_file import (
    SCHEMA_FILE,
    json_text,
    parse_results,
    results_schema,
    results_text,
)


def with_first(results: Results, **changes: Any) -> Results:
    first = dataclasses.replace(results.predictions[0], **changes)
    return dataclasses.replace(results, predictions=(first, *results.predictions[1:]))


def test_round_trip(results: Results) -> None:
    text = results_text(results)
    assert parse_results(text, "here") == results
    assert results_text(parse_results(text, "here")) == text
    assert text.endswith("}\n") and "NaN" not in text and "Infinity" not in text


def test_keys_stand_in_record_order(results: Results) -> None:
    keys = list(json.loads(results_text(results)))
    assert keys == [item.name for item in dataclasses.fields(Results)]


def test_undefined_becomes_null(results: Results) -> None:
    changed = with_first(results, ratio=float("nan"), secondary={"x": SecondaryNumber(float("inf"))})
    read = parse_results(results_text(changed), "here")
    assert read.predictions[0].ratio is None
    assert read.predictions[0].secondary == {"x": SecondaryNumber(None)}


def test_numpy_numbers_are_numbers(results: Results) -> None:
    changed = with_first(
        results, observed=np.float64(0.25), secondary={"n": SecondaryNumber(np.float32(0.5))}
    )
    read = parse_results(results_text(changed), "here")
    assert read.predictions[0].observed == 0.25
    assert read.predictions[0].secondary == {"n": SecondaryNumber(0.5)}


def test_what_must_be_defined_is_named(results: Results) -> None:
    rung = dataclasses.replace(results.predictions[0].ladder[0], observed=float("nan"))
    with pytest.raises(OutputError, match=r"predictions\.0\.ladder\.0\.observed"):
        results_text(with_first(results, ladder=(rung,)))


def test_a_measure_without_a_value_is_read_back_as_none(results: Results) -> None:
    written = results_text(with_first(results, observed=float("nan"), effect=float("nan")))
    read = parse_results(written, "here").predictions[0]
    assert (read.observed, read.effect) == (None, None)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"schema_version": NaN}'])
def test_damage_is_refused(damage: str) -> None:
    with pytest.raises(OutputError, match="here"):
        parse_results(damage, "here")


def test_another_schema_version_is_refused(results: Results) -> None:
    other = dataclasses.replace(results, schema_version=99)
    with pytest.raises(OutputError, match=rf"must be {SCHEMA_VERSION}; found 99"):
        parse_results(json_text(other), "here")


def test_an_unknown_key_and_a_missing_one_are_named(results: Results) -> None:
    data = json.loads(results_text(results))
    data["group"]["extra"] = 1
    with pytest.raises(OutputError, match=r"group\.extra"):
        parse_results(json.dumps(data), "here")
    del data["group"]["extra"], data["group"]["rule"]
    with pytest.raises(OutputError, match=r"group\.rule"):
        parse_results(json.dumps(data), "here")


def test_the_shipped_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == json_text(results_schema()), (
        "write it anew: SCHEMA_FILE.write_text(json_text(results_schema()))"
    )


TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
    "boolean": bool,
}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str = "") -> list[str]:
    """The part of JSON schema that the shipped one uses; all keywords must be known."""
    known = {
        "$schema",
        "$defs",
        "$ref",
        "anyOf",
        "type",
        "const",
        "enum",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "title",
        "description",
        "default",
    }
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if any(not problems(value, option, root, path) for option in schema["anyOf"]):
            return []
        return [f"{path}: no option fits"]
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return [f"{path}: not {schema['type']}"]
    wrong = [f"{path}: {value}"] * ("const" in schema and value != schema["const"])
    wrong += [f"{path}: {value}"] * ("enum" in schema and value not in schema["enum"])
    if isinstance(value, dict):
        own = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        wrong += [f"{path}.{key}: missing" for key in schema.get("required", []) if key not in value]
        for key, item in value.items():
            if key in own:
                wrong += problems(item, own[key], root, f"{path}.{key}")
            elif isinstance(extra, dict):
                wrong += problems(item, extra, root, f"{path}.{key}")
            elif extra is False:
                wrong.append(f"{path}.{key}: unknown")
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            wrong.append(f"{path}: length")
        for number, item in enumerate(value):
            part = first[number] if number < len(first) else schema.get("items", {})
            wrong += problems(item, part, root, f"{path}[{number}]")
    return wrong


def test_the_schema_describes_the_file(results: Results) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    data = json.loads(results_text(results))
    assert problems(data, schema, schema) == []
    data["predictions"][0]["outcome"] = "significant"
    data["group"]["extra"] = 1
    del data["title"]
    assert problems(data, schema, schema) != [] and len(problems(data, schema, schema)) == 3


def test_brackets_without_end_are_damage(tmp_path):
    nested = "[" * 200_000
    with pytest.raises(OutputError, match="must be JSON"):
        parse_results(nested, "results.json")
    (tmp_path / "manifest.json").write_text(nested)
    with pytest.raises(OutputError, match="must be JSON"):
        read_manifest(tmp_path)


def test_a_field_that_is_younger_than_the_file_has_its_empty_default(results: Results) -> None:
    data = json.loads(results_text(results))
    del data["figures"]["spectrum"]["null"]
    for head in data["figures"]["heads"]:
        del head["impact_interval"], head["routing_interval"]
    older = parse_results(json.dumps(data), "results.json")
    assert older.figures.spectrum.null == "" and older.figures.heads[0].impact_interval is None
    del data["predictions"][0]["ladder"]  # it is filled in every file
    with pytest.raises(OutputError, match=r"predictions\[0\].ladder is not what"):
        parse_results(json.dumps(data), "results.json")
