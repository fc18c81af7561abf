"""The protocol language as a JSON schema, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from hypotest.records.protocol import Protocol
from hypotest.registration.measures import MEASURES, Measure, Option

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Give the JSON schema of a protocol as users write it.

    It is that of the pydantic models, except for predictions: there each hypothesis is a key of its
    own, the measure is one of those in the table, and the options are those of the measure.

    Returns:
        A schema in the 2020-12 dialect.
    """
    document = _without_null(Protocol.model_json_schema())
    definitions = document["$defs"]
    outcomes = {"enum": ["less", "greater", "equivalent"]}
    definitions["Expectation"] = {
        "description": "outcome that a hypothesis expects; several; or any",
        "anyOf": [
            {"enum": ["less", "greater", "equivalent", "any"]},
            {"type": "array", "items": outcomes, "minItems": 1, "uniqueItems": True},
        ],
    }
    prediction = definitions["Prediction"]
    properties = prediction["properties"]
    del properties["expects"]
    prediction["description"] = (
        "One measure, what it is compared with, and under the name of each hypothesis the outcome "
        "that it expects."
    )
    properties["measure"]["enum"] = list(MEASURES)
    expectation = {"$ref": "#/$defs/Expectation"}
    for name in Protocol.model_fields["hypotheses"].default:
        properties[name] = expectation
    # Hypotheses can be named in the protocol, which a schema cannot look up.
    prediction["additionalProperties"] = expectation
    prediction["allOf"] = [_options_of(measure) for measure in MEASURES.values()]
    return {"$schema": _DIALECT, **document}


def _without_null(entry: Any) -> Any:
    """Leave out null and defaults of null: in YAML, a key without a value is refused."""
    if isinstance(entry, list):
        return [_without_null(item) for item in entry if item != {"type": "null"}]
    if not isinstance(entry, dict):
        return entry
    kept = {
        key: _without_null(value) for key, value in entry.items() if not (key == "default" and value is None)
    }
    alternatives = kept.get("anyOf", ())
    if len(alternatives) == 1:
        del kept["anyOf"]
        return {**alternatives[0], **kept}
    return kept


def _options_of(measure: Measure) -> dict[str, Any]:
    options = {
        "type": "object",
        "properties": {name: _option(option) for name, option in measure.options.items()},
        "additionalProperties": False,
    }
    return {
        "if": {"properties": {"measure": {"const": measure.name}}, "required": ["measure"]},
        "then": {"properties": {"options": options}},
    }


def _option(option: Option) -> dict[str, Any]:
    entry: dict[str, Any] = {"description": option.description, "default": option.default}
    if option.choices:
        return {**entry, "enum": list(option.choices)}
    entry["type"] = "integer" if isinstance(option.default, int) else "number"
    bounds = {
        "minimum": option.at_least,
        "exclusiveMinimum": option.above,
        "maximum": option.at_most,
        "exclusiveMaximum": option.below,
    }
    return {**entry, **{key: bound for key, bound in bounds.items() if bound is not None}}
