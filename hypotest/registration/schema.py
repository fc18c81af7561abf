"""The protocol language as a JSON schema, for editors that complete and check while one types.

Editors show the description of a key and little else. So each description ends with what the schema
demands: whether the key is required, its range and its default.
"""

from __future__ import annotations

from typing import Any

from hypotest.measures.measure import Measure
from hypotest.measures.option import Option
from hypotest.measures.registry import CHOICES, MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.protocol import Protocol

_DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest that language servers for YAML understand."""
_REFERENCE = "#/definitions/"
_EXPECTATION = "outcome that the hypothesis expects, a list of outcomes, or any"


def schema() -> dict[str, Any]:
    """Give the JSON schema of a protocol as users write it.

    It is that of the pydantic models, except for predictions: there each hypothesis is a key of its
    own, the measure is one of those in the table, and the options are those of the measure.

    Returns:
        A schema in the dialect of draft 7.
    """
    document = _without_null(Protocol.model_json_schema(ref_template=_REFERENCE + "{model}"))
    definitions = document["definitions"] = document.pop("$defs")
    definitions["Expectation"] = _expectation()
    contrast = definitions["Contrast"]
    contrast["properties"]["null"]["enum"] = list(NULLS)
    # Language servers read the key `null` as no word at all, and would refuse it here; `validate` refuses
    # unknown keys.
    del contrast["additionalProperties"]
    for name, option in CHOICES.items():
        definitions["Multiverse"]["properties"][name]["items"] = _type_of(option)
    _write_prediction(definitions["Prediction"])
    for model in (document, *definitions.values()):
        _describe(model)
    return {"$schema": _DIALECT, **document}


def _expectation() -> dict[str, Any]:
    outcomes = ["less", "greater", "equivalent"]
    return {
        "description": _EXPECTATION,
        "anyOf": [
            {"enum": [*outcomes, "any"]},
            {"type": "array", "items": {"enum": outcomes}, "minItems": 1, "uniqueItems": True},
        ],
    }


def _write_prediction(prediction: dict[str, Any]) -> None:
    """Bring predictions into the form in which users write them."""
    properties = prediction["properties"]
    del properties["expects"]
    prediction["description"] = (
        "One measure, what it is compared with, and under the name of each hypothesis the outcome "
        "that it expects."
    )
    said = {name: row.words.of(Conditions("first", "second")) for name, row in MEASURES.items()}
    table = "; ".join(f"`{name}`: {words.title} [{words.unit}]" for name, words in said.items())
    properties["measure"]["enum"] = list(MEASURES)
    properties["measure"]["description"] += f", with the unit of raw margins. {table}."
    expectation = {"$ref": f"{_REFERENCE}Expectation", "description": _EXPECTATION}
    for name in Protocol.model_fields["hypotheses"].default:
        properties[name] = dict(expectation)
    # Hypotheses can be named in the protocol, which a schema cannot look up.
    prediction["additionalProperties"] = expectation
    prediction["allOf"] = [_options_of(measure) for measure in MEASURES.values()]


def _without_null(entry: Any) -> Any:
    """Leave out null and defaults of null: in YAML, a key without a value is refused."""
    if isinstance(entry, list):
        return [_without_null(item) for item in entry if item != {"type": "null"}]
    if not isinstance(entry, dict):
        return entry
    kept = {key: _without_null(value) for key, value in entry.items() if value is not None}
    alternatives = kept.get("anyOf", ())
    if len(alternatives) == 1:
        del kept["anyOf"]
        return {**alternatives[0], **kept}
    return kept


def _options_of(measure: Measure) -> dict[str, Any]:
    options = {
        "type": "object",
        "properties": {
            name: {"description": option.description, "default": option.default, **_type_of(option)}
            for name, option in measure.options.items()
        },
        "additionalProperties": False,
    }
    _describe(options)
    return {
        "if": {"properties": {"measure": {"const": measure.name}}, "required": ["measure"]},
        "then": {"properties": {"options": options}},
    }


def _type_of(option: Option) -> dict[str, Any]:
    if option.is_condition:
        return {"type": "string"}
    if option.choices:
        return {"enum": list(option.choices)}
    bounds = {
        "minimum": option.at_least,
        "exclusiveMinimum": option.above,
        "maximum": option.at_most,
        "exclusiveMaximum": option.below,
    }
    kind = "integer" if isinstance(option.default, int) else "number"
    return {"type": kind, **{key: bound for key, bound in bounds.items() if bound is not None}}


def _describe(model: dict[str, Any]) -> None:
    """Add to the description of each property what is demanded of it, and its default."""
    required = model.get("required", ())
    for name, entry in model.get("properties", {}).items():
        entry.pop("title", None)  # of pydantic, the name of the key over again
        parts = ["required"] if name in required else []
        each = "each " if "items" in entry else ""
        demanded = _demanded(entry.get("items", entry))
        parts += [each + demanded] if demanded else []
        if "default" in entry and entry["default"] != [] and "const" not in entry:
            parts.append(f"default {_yaml(entry['default'])}")
        if parts:
            entry["description"] += f" ({'; '.join(parts)})"


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def _demanded(entry: dict[str, Any]) -> str:
    """Range or choices of a value, in words."""
    if "const" in entry:
        return f"always {_yaml(entry['const'])}"
    if "enum" in entry:
        return "one of " + ", ".join(map(str, entry["enum"]))
    kind = {"integer": "a whole number", "number": "a number"}.get(str(entry.get("type")), "")
    bounds = [f"{word} {_yaml(entry[key])}" for key, word in _BOUNDS.items() if key in entry]
    if "maxLength" in entry:
        bounds.append(f"at most {entry['maxLength']} characters")
    return " ".join(filter(None, [kind, " and ".join(bounds)]))


def _yaml(value: Any) -> str:
    """A value as it stands in a protocol."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
