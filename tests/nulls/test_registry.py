"""The nulls that a protocol can declare: complete, in order, and named nowhere else."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest
from pydantic import ValidationError

from hypotest.nulls.form import OF_NULLS, Form
from hypotest.nulls.null import INTERFACE
from hypotest.nulls.registry import (
    NULLS,
    SD_NULL,
    _checked,
    declared,
    declared_null,
    form_of,
    names_of,
    needed_nulls,
    reference_of,
    with_nulls,
)
from hypotest.records.protocol.nulls import nulls_model
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.records.protocol.strict import Strict
from hypotest.registration import load_protocol

ROOT = Path(__file__).parents[2]
FLAGSHIP = ROOT / "protocols" / "rare-tokens.yaml"


def test_the_ladder_climbs_from_weaker_to_stronger_questions_and_ends_with_what_describes():
    assert list(NULLS) == [
        "size_matched",
        "covariate_matched",
        "local_matched",
        "label_shuffled",
        "rewired",
        "rotated_correlation",
        "random_directions",
        "untrained",
    ]


def test_one_null_gives_the_unit_of_margins():
    assert [name for name, null in NULLS.items() if null.gives_sd] == [SD_NULL] == ["size_matched"]


@pytest.mark.parametrize("name", NULLS)
def test_what_it_is_stands_in_its_own_file(name):
    null = NULLS[name]
    assert null.name == name
    assert null.form in OF_NULLS
    assert null.home.name == f"{name}.py"
    assert null.options.__doc__
    assert null.n_draws(null.options()) > 0


@pytest.mark.parametrize("name", NULLS)
def test_draws_are_thinned_and_multiplied(name):
    null = NULLS[name]
    options = null.options()
    assert null.n_draws(null.fewer(options, 2)) == 2
    assert null.fewer(null.fewer(options, 2), 50) == null.fewer(options, 2)
    assert null.n_draws(null.drawn_often(options, 123)) == 123
    if "stop_after" in null.options.model_fields:
        stopped = null.options(stop_after=30)
        assert null.fewer(stopped, None).stop_after is None
        assert null.drawn_often(stopped, 5).stop_after is None
        assert null.fewer(stopped, None, unstopped=False) == stopped


@pytest.mark.parametrize("name", NULLS)
def test_its_comparisons_are_named_after_it_and_its_variants(name):
    null, protocol = NULLS[name], load_protocol(FLAGSHIP)
    variants = null.variants(null.resolved(null.options(), protocol))
    assert {variant for _, variant in null.ids()} >= set(variants)
    for identifier, variant in null.ids():
        assert identifier == (f"{name} ({variant})" if variant else name)


@pytest.mark.parametrize("name", NULLS)
def test_its_words_fit_where_they_stand(name):
    null, protocol = NULLS[name], load_protocol(FLAGSHIP)
    words, options = null.words, null.resolved(null.options(), protocol)
    for _, variant in null.ids():
        assert words.question_of(variant, protocol.names)[-1] in "?."
    method = words.method(options, protocol)
    assert f"{null.n_draws(options):,}" in method
    assert name in method
    assert method.endswith(".") is words.apart
    assert words.registered(options, protocol).endswith(".")
    assert not words.explained(options, protocol).endswith(".")
    assert words.they
    assert bool(words.short) is bool(words.legend)


def test_no_other_file_names_a_null():
    """Functions of groups are named after what they draw, and calibration is a protocol."""
    package = ROOT / "hypotest"
    allowed = {package / "nulls", package / "groups", package / "estimators"}
    naming = []
    for path in package.rglob("*.py"):
        if allowed & set(path.parents) or path.name == "scenarios.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            constant = isinstance(node, ast.Constant) and node.value in NULLS
            option = (
                isinstance(node, ast.Attribute)
                and node.attr in NULLS
                and isinstance(node.value, ast.Attribute)
            )
            if constant or (option and node.value.attr == "nulls"):
                naming.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert naming == []


def test_what_a_protocol_declares_in_the_order_of_the_ladder():
    protocol = load_protocol(FLAGSHIP)
    names = [item.name for item in declared(protocol)]
    assert names == sorted(names, key=list(NULLS).index)
    assert [item.name for item in declared(protocol, Form.LABELS)] == ["label_shuffled"]
    shuffled = declared_null(protocol, "label_shuffled")
    assert shuffled is not None and shuffled.n_draws == protocol.nulls.label_shuffled.draws
    assert declared_null(protocol, None) is None
    assert declared_null(protocol, "no_such_null") is None
    without = with_nulls(protocol, {"label_shuffled": None})
    assert declared_null(without, "label_shuffled") is None
    assert declared_null(protocol, "label_shuffled") == shuffled


def test_margins_in_sds_need_random_groups_too():
    contrast = {"null": "local_matched"}
    plain = Prediction(id="a", measure="hill_alpha", contrast=contrast)
    assert needed_nulls(plain) == ("local_matched",)
    in_sds = Prediction(id="a", measure="hill_alpha", contrast=contrast, margin={"null_sd": 2})
    assert needed_nulls(in_sds) == ("local_matched", SD_NULL)
    random = Prediction(id="a", measure="hill_alpha", contrast={"null": SD_NULL}, margin={"null_sd": 2})
    assert needed_nulls(random) == (SD_NULL,)


def test_what_a_contrast_is_with():
    protocol = load_protocol(FLAGSHIP)
    assert reference_of(protocol, Contrast(null="label_shuffled")) == ("label_shuffled", "type")
    assert reference_of(protocol, Contrast(null="local_matched")) == ("local_matched", "")
    between = Contrast(conditions=("rare", "common"), by="document")
    assert reference_of(protocol, between) == ("condition", "common")
    assert reference_of(protocol, Contrast(reference=0.5)) == ("value", "")
    assert form_of(Contrast(null="no_such_null")) is None
    assert names_of([Form.GROUPS]) == ("size_matched", "covariate_matched", "local_matched")


def test_options_are_checked_as_other_keys_are():
    section = nulls_model()
    with pytest.raises(ValidationError) as caught:
        section.model_validate({"size_matched": {"draws": 0}, "no_such_null": {}})
    assert {error["loc"] for error in caught.value.errors()} == {("size_matched", "draws"), ("no_such_null",)}


class Fine(Strict):
    """Options."""

    draws: int = 99


class Endless(Strict):
    """No number of draws."""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"interface": INTERFACE + 1}, "of the interface"),
        ({"name": "other"}, "calls itself 'other'"),
        ({"gives_sd": True}, "margins have one unit"),
        ({"options": Endless}, "must have a whole number 'draws'"),
        ({"form": Form.NETWORKS}, "networks of other packages cannot be collected"),
    ],
)
def test_a_null_of_another_package_that_cannot_be_used_is_refused(changes, reason):
    sound = dataclasses.replace(NULLS["size_matched"], name="mine", gives_sd=False, options=Fine)
    assert _checked("mine", sound, NULLS).name == "mine"
    with pytest.raises(ValueError, match=reason):
        _checked("mine", dataclasses.replace(sound, **changes), NULLS)
    with pytest.raises(ValueError, match="must be a Null"):
        _checked("mine", object(), NULLS)
