"""The JSON schema describes the language as users write it."""

from __future__ import annotations

import json

from hypotest.records.protocol import Prediction, Protocol
from hypotest.registration import MEASURES, load_protocol, schema
from hypotest.registration.source import read_source


def test_is_json_and_every_reference_resolves():
    document = schema()
    text = json.dumps(document)
    references = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
    assert references == set(document["$defs"])
    assert document["$schema"].endswith("2020-12/schema")
    assert set(document["properties"]) == set(Protocol.model_fields)
    assert document["additionalProperties"] is False


def test_hypotheses_stand_beside_the_other_keys():
    prediction = schema()["$defs"]["Prediction"]
    expected = {*Prediction.model_fields, "modular", "distributed"} - {"expects"}
    assert set(prediction["properties"]) == expected
    assert prediction["additionalProperties"] == {"$ref": "#/$defs/Expectation"}
    assert prediction["properties"]["measure"]["enum"] == list(MEASURES)


def test_options_depend_on_the_measure():
    rules = {
        rule["if"]["properties"]["measure"]["const"]: rule["then"]["properties"]["options"]
        for rule in schema()["$defs"]["Prediction"]["allOf"]
    }
    assert set(rules) == set(MEASURES)
    variance = rules["effective_dimension"]["properties"]["variance"]
    assert (variance["minimum"], variance["exclusiveMaximum"]) == (0.5, 1)
    assert rules["modularity"]["properties"]["bins"]["type"] == "integer"
    assert rules["modularity"]["properties"]["method"]["enum"] == ["louvain", "leiden"]
    assert rules["selectivity"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def test_every_key_is_described():
    document = schema()
    for name, model in {"Protocol": document, **document["$defs"]}.items():
        if name == "Expectation":
            continue
        for key, entry in model["properties"].items():
            target = entry.get("$ref", "").rsplit("/", 1)[-1]
            described = entry.get("description") or document["$defs"].get(target, {}).get("description")
            assert described, f"{name}.{key}"


def test_null_is_no_value():
    text = json.dumps(schema())
    assert '"null"' in text  # the key of a contrast
    assert '{"type": "null"}' not in text
    assert '"default": null' not in text


def test_keys_of_the_shipped_protocol_are_known_to_the_schema(shipped):
    document = schema()
    load_protocol(shipped)
    data = read_source(shipped).data
    assert set(data) <= set(document["properties"])
    known = set(document["$defs"]["Prediction"]["properties"])
    for prediction in data["predictions"]:
        assert set(prediction) <= known
