"""The protocol's models: closed, frozen, and lenient only where it is meant."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hypotest.records.protocol.group import Group, Rule
from hypotest.records.protocol.material import Corpus, Subject
from hypotest.records.protocol.nulls import nulls_model
from hypotest.records.protocol.prediction import Contrast, Margin, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.texts import CorpusFiles


def _protocol(**changes: object) -> Protocol:
    data = {
        "hypotest": 1,
        "id": "p",
        "title": "P",
        "conditions": {
            "rare": {"target": {"frequency": {"below_percentile": 15}}},
            "common": {"target": {"frequency": {"from_percentile": 15}}},
        },
        "group": {"select": {"top_fraction": 0.02}},
        "nulls": {"size_matched": {}},
        "predictions": [
            {"id": f"p-{role}", "role": role, "measure": "m", "contrast": {"reference": 1}}
            for role in ("premise", "deciding", "descriptive", "deciding")
        ],
        "seed": 1,
    }
    return Protocol.model_validate({**data, **changes})


def test_defaults():
    protocol = _protocol()
    assert protocol.subject == Subject(model="reference", revision=None, layer="last")
    assert protocol.nulls.size_matched is not None
    assert protocol.nulls.size_matched.draws == 9999
    assert protocol.nulls.label_shuffled is None
    assert protocol.hypotheses == ("modular", "distributed")
    assert (protocol.decision.level, protocol.decision.correction) == (0.05, "bonferroni")


def test_deciding_leaves_out_premises_and_descriptions():
    assert [item.role for item in _protocol().deciding] == ["deciding", "deciding"]


def test_round_trip_through_plain_data():
    protocol = _protocol(corpus={"text": {"files": ["a.txt"]}})
    assert Protocol.model_validate(protocol.model_dump()) == protocol
    assert Protocol.model_validate_json(protocol.model_dump_json()) == protocol


def test_models_are_closed_and_frozen():
    with pytest.raises(ValidationError, match="Extra inputs"):
        _protocol(sed=1)
    with pytest.raises(ValidationError, match="frozen"):
        _protocol().seed = 2


@pytest.mark.parametrize(
    ("written", "expected"),
    [("any", ()), ("less", ("less",)), (["less", "equivalent"], ("less", "equivalent")), ([], ())],
)
def test_expectations_become_lists(written, expected):
    prediction = Prediction(id="a", measure="m", contrast=Contrast(reference=1), expects={"modular": written})
    assert prediction.expects == {"modular": expected}


@pytest.mark.parametrize("outcome", ["inconclusive", "more", 3, ["less", "any"]])
def test_only_outcomes_can_be_expected(outcome):
    with pytest.raises(ValidationError):
        Prediction(id="a", measure="m", contrast=Contrast(reference=1), expects={"h": outcome})


def test_conditions_are_two_and_keep_their_order():
    protocol = _protocol()
    assert protocol.names == ("rare", "common") and protocol.names.other("rare") == "common"
    turned = dict(reversed(list(protocol.model_dump(mode="json")["conditions"].items())))
    assert _protocol(conditions=turned).names == ("common", "rare")
    one = {"rare": turned["rare"]}
    for wrong in ({}, one, {**turned, "third": turned["rare"]}):
        with pytest.raises(ValidationError, match="must be two conditions"):
            _protocol(conditions=wrong)
    assert _protocol(conditions=[one, {"common": turned["common"]}]) == protocol


def test_pairs_agree_in_each_thing_once():
    with pytest.raises(ValidationError, match="must match on each thing once"):
        _protocol(sample={"match": ["block", "block"]})


@pytest.mark.parametrize("kinds", [{}, {"raw": 1, "ratio": 1}, {"raw": 1, "null_sd": 1}])
def test_margin_has_one_kind(kinds):
    with pytest.raises(ValidationError, match="exactly one of raw, ratio and null_sd"):
        Margin(**kinds)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_margin_is_positive_and_finite(value):
    with pytest.raises(ValidationError):
        Margin(raw=value)


def test_conditions_have_one_order():
    assert Contrast(conditions=["rare", "common"]).conditions == ("rare", "common")
    for value in (["rare"], "rare", ["rare", "common", "rare"]):
        with pytest.raises(ValidationError):
            Contrast(conditions=value)


def test_alternatives_are_told_apart():
    assert Corpus(text="reference").text == "reference"
    assert Corpus(text={"files": ["a"]}).text == CorpusFiles(files=("a",))
    assert Corpus(text=CorpusFiles(files=("a",))).text == CorpusFiles(files=("a",))
    assert Group(select=Rule(top_fraction=0.1)).select == Rule(top_fraction=0.1)
    assert Subject(layer=3).layer == 3


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (Corpus, {"text": "wiki"}, "must be reference, or"),
        (Corpus, {"text": 3}, "must be reference, or"),
        (Group, {"select": "top"}, "must be plateau, all,"),
        (Subject, {"layer": "first"}, "must be last, all, or"),
        (Subject, {"layer": True}, "must be last, all, or"),
        (Subject, {"layer": 1.5}, "must be last, all, or"),
    ],
)
def test_wrong_alternative_gives_one_readable_error(model, values, message):
    with pytest.raises(ValidationError) as caught:
        model(**values)
    (error,) = caught.value.errors()
    assert error["msg"].startswith(message)


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a/b", "a" * 65, "ä"])
def test_names_are_safe_as_file_names(name):
    with pytest.raises(ValidationError):
        _protocol(id=name)


def test_nulls_are_closed():
    with pytest.raises(ValidationError, match="Extra inputs"):
        nulls_model()(bootstrap={})
