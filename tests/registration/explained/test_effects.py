import dataclasses

import pytest

from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint, Hashes
from hypotest.registration.explained import effects
from hypotest.registration.explained.effects import effect_of

APART = {"predictions", "nulls", "decision"}


@pytest.mark.parametrize("key", [name for name in Protocol.model_fields if name not in APART])
def test_every_key_of_a_plan_has_words_of_its_own(key):
    assert effect_of(key) == effects._PLAN[key]
    assert effect_of(f"{key}.x.y") == effects._PLAN[key]


def test_nothing_is_described_that_no_plan_or_lock_has():
    assert set(effects._PLAN) | APART == set(Protocol.model_fields)
    known = {item.name for item in dataclasses.fields(Hashes)} | {
        item.name for item in dataclasses.fields(Fingerprint)
    }
    assert set(effects._LOCK) <= known


@pytest.mark.parametrize("name", [item.name for item in dataclasses.fields(Hashes)])
def test_every_hash_of_a_lock_has_words(name):
    assert effect_of(f"hashes.{name}") == effects._LOCK[name]


@pytest.mark.parametrize("name", [name for name in Prediction.model_fields if name != "id"])
def test_every_key_of_a_prediction_has_words(name):
    words = effect_of(f"predictions.routing.{name}")
    assert words.startswith("of the prediction routing: ")
    assert "can change its result" not in words


def test_what_reaches_every_number_and_what_none():
    for key in ("seed", "sample.positions", "hashes.weights", "hashes.text.a", "layer", "corpus.text"):
        assert effects.EVERYTHING in effect_of(key), key
    for key in ("title", "id", "source", "order of predictions", "hypotheses"):
        assert "no number" in effect_of(key), key
    assert "software only" in effect_of("versions.torch")
    assert effect_of("nulls.size_matched.draws").endswith("rests on size_matched, and no observed value")
    assert (
        effect_of("split.selection") != ""
        and effect_of("split.evaluation_documents") == effects._LOCK["split"]
    )
    assert "added or left out" in effect_of("predictions.routing")


def test_what_is_not_known_is_not_belittled():
    assert effect_of("something_new") == effects.EVERYTHING
    assert effect_of("hashes.new") == effects.EVERYTHING
