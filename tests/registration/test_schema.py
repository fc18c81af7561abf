"""The JSON schema describes the language as users write it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hypotest.measures.registry import MEASURES
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol, read_protocol
from hypotest.registration.schema import schema
from hypotest.registration.source import read_source
from tests.json_schema import errors


def _models():
    document = schema()
    rules = document["definitions"]["Prediction"]["allOf"]
    options = {
        f"options of {rule['if']['properties']['measure']['const']}": rule["then"]["properties"]["options"]
        for rule in rules
    }
    return {"Protocol": document, **document["definitions"], **options}


def test_is_json_and_every_reference_resolves():
    document = schema()
    text = json.dumps(document)
    references = {part.split('"')[0] for part in text.split("#/definitions/")[1:]}
    assert references == set(document["definitions"])
    assert "$defs" not in text
    assert document["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert set(document["properties"]) == set(Protocol.model_fields)
    assert document["additionalProperties"] is False


def test_hypotheses_stand_beside_the_other_keys():
    prediction = schema()["definitions"]["Prediction"]
    expected = {*Prediction.model_fields, "modular", "distributed"} - {"expects"}
    assert set(prediction["properties"]) == expected
    assert prediction["additionalProperties"]["$ref"] == "#/definitions/Expectation"
    assert prediction["properties"]["measure"]["enum"] == list(MEASURES)


def test_options_depend_on_the_measure():
    models = _models()
    for name in MEASURES:
        assert models[f"options of {name}"]["additionalProperties"] is False
    variance = models["options of effective_dimension"]["properties"]["variance"]
    assert (variance["minimum"], variance["exclusiveMaximum"]) == (0.5, 1)
    modularity = models["options of modularity"]["properties"]
    assert modularity["bins"]["type"] == "integer"
    assert modularity["method"]["enum"] == ["louvain", "leiden"]
    assert models["options of selectivity"]["properties"] == {}


BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def _entries():
    return [
        (model, key, entry)
        for model, content in _models().items()
        for key, entry in content.get("properties", {}).items()
    ]


def _written(value):
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def test_every_key_says_what_it_means():
    for model, key, entry in _entries():
        meaning = entry["description"].split(" (")[0].strip("`")
        assert len(meaning) > 4, f"{model}.{key}"


def test_every_range_is_in_the_description():
    ranges = [
        (f"{word} {_written(holder[bound])}", entry["description"], f"{model}.{key}")
        for model, key, entry in _entries()
        for holder in (entry, entry.get("items", {}))
        for bound, word in BOUNDS.items()
        if bound in holder
    ]
    assert len(ranges) > 50
    for words, description, where in ranges:
        assert words in description, where
    for model, key, entry in _entries():
        for choice in entry.get("enum", ()):
            assert _written(choice) in entry["description"], f"{model}.{key}"


def test_every_default_is_in_the_description():
    n_defaults = 0
    for model, key, entry in _entries():
        default = entry.get("default", [])
        if "const" in entry or default == []:
            continue
        n_defaults += 1
        words = entry["description"].split("default ")[1].rstrip(")")
        values = default.values() if isinstance(default, dict) else default
        flat = [x for value in (values if isinstance(default, dict | list) else [default])
                for x in (value if isinstance(value, list) else [value])]  # fmt: skip
        for value in flat:
            assert _written(value) in words, f"{model}.{key}"
    assert n_defaults > 25
    for name, content in _models().items():
        for key in content.get("required", ()):
            assert "(required" in content["properties"][key]["description"], f"{name}.{key}"


@pytest.mark.parametrize(
    ("model", "key", "unit"),
    [
        ("Ablation", "tolerance", "nats"),
        ("Corpus", "context", "tokens"),
        ("Group", "by", "nats"),
        ("Frequency", "below_percentile", "percent"),
        ("Margin", "null_sd", "SDs of as many random neurons"),
        ("Margin", "raw", "the measure's own unit"),
        ("Split", "selection", "share of the documents"),
        ("LabelShuffled", "draws", "number of"),
    ],
)
def test_units_are_named(model, key, unit):
    assert unit in _models()[model]["properties"][key]["description"]


def test_every_measure_is_listed_with_its_unit():
    description = _models()["Prediction"]["properties"]["measure"]["description"]
    for measure in MEASURES.values():
        words = measure.words.of(Conditions("first", "second"))
        assert f"`{measure.name}`: {words.title} [{words.unit}]" in description


def test_null_is_no_value():
    text = json.dumps(schema())
    assert '"null"' in text  # the key of a contrast
    assert '{"type": "null"}' not in text
    assert ": null" not in text


def test_the_shipped_protocols_are_valid(shipped):
    document = schema()
    for path in sorted(shipped.parent.glob("*.yaml")):
        load_protocol(path)
        assert errors(document, read_source(path).data) == []


CHANGES = [
    ("seed: 1", "sed: 1"),
    ("seed: 1", "seed: -1"),
    ("seed: 1", "seed: 1\nnotes: mine"),
    ("seed: 1", "seed: 1\nsubject: {layer: first}"),
    ("seed: 1", "seed: 1\nsubject: {layer: -1}"),
    ("seed: 1", "seed: 1\nsubject: {layer: 3}"),
    ("seed: 1", "seed: 1\ncorpus: {text: {files: [a.txt]}, context: 64}\nfrequencies: c.npy"),
    ("seed: 1", "seed: 1\ncorpus: {context: 8}"),
    ("seed: 1", "seed: 1\ndecision: {level: 0.5}"),
    ("seed: 1", "seed: 1\ndecision: {correction: holm}"),
    ("seed: 1", "seed: 1\nmultiverse: {variance: [0.9, 0.99]}"),
    ("seed: 1", "seed: 1\nmultiverse: {variance: [0.3]}"),
    ("hypotest: 1", "hypotest: 2"),
    ("id: small", "id: Small"),
    ("select: plateau", "select: top"),
    ("size_matched: {draws: 999}", "size_matched: {draws: 999, stop: 3}"),
    ("measure: effective_dimension", "measure: effective_dimensions"),
    ("measure: effective_dimension", "measure: effective_dimension\n    options: {variance: 0.9}"),
    ("measure: effective_dimension", "measure: effective_dimension\n    options: {variance: 1}"),
    ("measure: effective_dimension", "measure: effective_dimension\n    options: {bins: 3}"),
    ("measure: effective_dimension", "measure: modularity\n    options: {bins: 16, estimator: binned}"),
    ("modular: greater", "modular: bigger"),
    ("modular: greater", "modular: [greater, equivalent]"),
    ("modular: greater", "modular: any"),
    ("modular: greater", "modular: []"),
    ("modular: greater", "modular: [greater, greater]"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_an_editor_and_validate_agree(problems_of, small, tmp_path, old, new):
    """Of single values the schema says the same; what spans several keys only `validate` can say."""
    (tmp_path / "a.txt").write_text("A text.", encoding="utf-8")
    np.save(tmp_path / "c.npy", np.ones(4, dtype=np.int64))
    problems_of((old, new))
    path = tmp_path / "p.yaml"
    accepted = read_protocol(path)[0] is not None
    assert (errors(schema(), read_source(path).data) == []) is accepted


def test_the_shipped_schema_file_is_what_the_command_prints(shipped):
    stored = json.loads((shipped.parent / "hypotest.schema.json").read_text(encoding="utf-8"))
    assert stored == schema()


def test_the_key_null_is_not_refused_by_editors():
    """They read it as YAML's null, so that a closed mapping would refuse it in every protocol."""
    for name, model in _models().items():
        closed = model.get("additionalProperties") is False
        assert closed is (name not in ("Contrast", "Prediction", "Expectation")), name
