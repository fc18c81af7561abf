"""One form and one hash for each plan."""

from __future__ import annotations

import json
import re

import pytest

from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import canonical, load_protocol, protocol_hash


@pytest.fixture
def load(tmp_path):
    def from_text(text: str) -> Protocol:
        path = tmp_path / "p.yaml"
        path.write_text(text)
        return load_protocol(path)

    return from_text


def test_defaults_are_written_out(load, small):
    data = canonical(load(small))
    assert data["subject"] == {"model": "reference", "layer": "last", "units": "neurons"}
    assert data["decision"]["correction"] == "bonferroni"
    assert data["hypotheses"] == ["modular", "distributed"]
    assert data["conditions"][0] == {
        "rare": {"target": {"frequency": {"below_percentile": 15.0, "of": "types", "elbow": "drop"}}}
    }
    assert data["predictions"][0]["options"] == {"variance": 0.95, "scale": "covariance"}
    assert data["predictions"][0]["role"] == "deciding"
    assert data["nulls"]["label_shuffled"] == {"draws": 999}
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_reads_back_as_an_equal_plan(shipped):
    protocol = load_protocol(shipped)
    again = Protocol.model_validate(canonical(protocol))
    assert canonical(again) == canonical(protocol)
    assert protocol_hash(again) == protocol_hash(protocol)
    (clustering,) = [item for item in again.predictions if item.id == "clustering"]
    assert clustering.expects["distributed"] == ("equivalent", "less")


def test_writing_does_not_change_the_hash(load, small):
    expected = protocol_hash(load(small))
    assert re.fullmatch("[0-9a-f]{64}", expected)
    same = [
        small + "# a comment\n",
        small.replace("{null_sd: 2}", "\n      null_sd: 2.0"),
        small.replace("title: Is this a small protocol?", 'title: "Is this a small protocol?"'),
        "seed: 1\n" + small.replace("seed: 1\n", ""),
        small + "decision: {rule: every_prediction, level: 5.0e-2}\n",
        small.replace("dimension\n", "dimension\n    options: {variance: 0.95}\n"),
        small.replace("dimension\n", "dimension\n    options: {scale: covariance}\n"),
    ]
    for text in same:
        assert text != small
        assert protocol_hash(load(text)) == expected


def test_order_of_outcomes_and_any_do_not_change_the_hash(load, small):
    def with_expectation(text: str) -> str:
        return protocol_hash(load(small.replace("    modular: greater\n", text)))

    assert with_expectation("    modular: [less, equivalent]\n") == with_expectation(
        "    modular: [equivalent, less]\n"
    )
    assert with_expectation("    modular: any\n") == with_expectation("")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 1", "seed: 2"),
        ("null_sd: 2", "null_sd: 2.5"),
        ("modular: greater", "modular: equivalent"),
        ("dimension\n", "dimension\n    options: {variance: 0.9}\n"),
        ("dimension\n", "dimension\n    options: {scale: correlation}\n"),
        ("nulls:\n", "nulls:\n  local_matched: {}\n"),
        ("label_shuffled: {draws: 999}", "label_shuffled: {draws: 999, unit: position}"),
        ("  label_shuffled: {draws: 999}\n", ""),
    ],
)
def test_another_plan_has_another_hash(load, small, old, new):
    assert small.count(old) == 1
    assert protocol_hash(load(small.replace(old, new))) != protocol_hash(load(small))


def test_hash_is_pinned(load, small):
    # Registered plans are known by this number: a new default or form must be a decision.
    assert protocol_hash(load(small)) == ("12570ffa3263001f7c28b3951b636b89fc174f7f5c65bc71327667b133826349")
