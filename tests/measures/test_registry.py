"""The table of measures is complete and consistent with the shipped protocol."""

from __future__ import annotations

import ast
import dataclasses
import pathlib

import numpy as np
import pytest

from hypotest.errors import RunError
from hypotest.measures.option import Option
from hypotest.measures.registry import CHOICES, MEASURES, _checked, filled_options
from hypotest.nulls.form import Form
from hypotest.nulls.registry import form_of
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.registration import load_protocol
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.undefined import Undefined

ROOT = pathlib.Path(__file__).parents[2]


def test_shipped_protocol_uses_measures_of_the_table():
    used = {item.measure for item in load_protocol(ROOT / "protocols" / "rare-tokens.yaml").predictions}
    of_tasks = {"competence"}
    of_parts = {"partition_agreement", "partition_concentration"}
    assert set(MEASURES) - used == {"participation_ratio", "segregation"} | of_tasks | of_parts


@pytest.mark.parametrize("name", MEASURES)
def test_row(name):
    row = MEASURES[name]
    assert row.name == name
    assert row.words.title and row.words.unit and row.contrasts
    assert not set(row.contrasts) & set(row.refused)
    for option in row.options.values():
        assert option.accepts(option.default)
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.name = "other"


@pytest.mark.parametrize(
    ("contrast", "form"),
    [
        ({"null": "size_matched"}, Form.GROUPS),
        ({"null": "label_shuffled"}, Form.LABELS),
        ({"conditions": ["rare", "common"], "by": "document"}, Form.BY_DOCUMENT),
        ({"null": "local_matched"}, Form.GROUPS),
        ({"reference": 0.0}, Form.REFERENCE),
        ({}, None),
        ({"by": "document"}, None),
        ({"conditions": ["rare", "common"]}, None),
        ({"conditions": ["rare", "common"], "null": "size_matched"}, None),
        ({"null": "size_matched", "by": "document"}, None),
    ],
)
def test_form_of_a_contrast(contrast, form):
    assert form_of(Contrast(**contrast)) is form


@pytest.mark.parametrize(
    ("value", "accepted"),
    [(0.5, True), (0.999, True), (1, False), (1.0, False), (0.49, False), (float("nan"), False),
     (float("inf"), False), ("0.9", False), (True, False), (None, False), ([0.9], False)],
)  # fmt: skip
def test_number_option(value, accepted):
    assert MEASURES["effective_dimension"].options["variance"].accepts(value) is accepted


def test_option_says_what_it_requires():
    assert Option(1.0, "", above=0).required == "a number above 0"
    assert Option(8, "").required == "a whole number"
    assert Option("a", "", choices=("a", "b")).required == "one of a, b"


def test_defaults_are_filled_in_with_their_type():
    prediction = Prediction(
        id="a",
        measure="modularity",
        options={"resolution": 2, "method": "leiden"},
        contrast=Contrast(null="size_matched"),
    )
    filled = filled_options(prediction)
    assert filled == {
        "method": "leiden",
        "edges": "mutual_information",
        "estimator": "gaussian_copula",
        "resolution": 2.0,
        "bins": 8,
        "restarts": 30,
    }
    assert isinstance(filled["resolution"], float)


def test_no_other_file_names_a_measure():
    """What it is stands in its own file; estimators are functions, and calibration is a protocol."""
    package = ROOT / "hypotest"
    allowed = {package / "measures", package / "estimators"}
    naming = [
        f"{path.relative_to(ROOT)}: {node.value}"
        for path in package.rglob("*.py")
        if not allowed & set(path.parents)
        and path.name != "scenarios.py"
        and path != package / "records" / "protocol" / "group.py"  # a ranking shares the word
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in MEASURES
    ]
    assert naming == []


@pytest.mark.parametrize(
    "option",
    [Option(True, ""), Option("x", ""), Option("x", "", choices=("y",))],
    ids=lambda item: item.default,
)
def test_an_option_that_takes_no_value_is_refused(option):
    ours = MEASURES["hill_alpha"]
    assert _checked("other", dataclasses.replace(ours, name="other"), MEASURES).name == "other"
    with pytest.raises(ValueError, match="option 'switch': its default must be a number, or a word"):
        _checked("other", dataclasses.replace(ours, name="other", options={"switch": option}), MEASURES)


@pytest.mark.parametrize(
    ("values", "description"),
    [
        (lambda groups: np.zeros((len(groups), 1)), r"shape \(3, 1\)"),
        (lambda groups: [0.0] * len(groups), "a list"),
        (lambda groups: np.float64(0), r"shape \(\)"),
        (lambda groups: None, "a NoneType"),
    ],
)
def test_a_measure_that_gives_something_else_is_named(values, description):
    def bind(*_):
        return BoundMeasure(values=values)

    measure = dataclasses.replace(MEASURES["segregation"], bind=bind)
    with pytest.raises(RunError, match=rf"measure 'segregation' must give one number .*found {description}"):
        measure.tied(None, None, None).values(np.zeros((3, 4), dtype=np.int64))


@pytest.mark.parametrize("name", MEASURES)
def test_its_home_is_the_file_that_computes_it(name):
    """Which a registration pins where another package brings it."""
    assert MEASURES[name].home == ROOT / "hypotest" / "measures" / f"{name}.py"


def test_what_a_multiverse_may_list():
    """Other questions and numbers that only cost time are no choices."""
    assert set(CHOICES) == {"variance", "scale", "tail", "method", "estimator", "resolution", "bins"}
    assert set(CHOICES["scale"].choices) == {"covariance", "correlation"}
    assert CHOICES["bins"].is_used({"estimator": "binned"})
    assert not CHOICES["bins"].is_used({"estimator": "gaussian_copula"})
    assert CHOICES["tail"].is_used({})


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ({"draws": Option(3, "")}, "the name of another key of a multiverse"),
        ({"select": Option(3.0, "")}, "the name of another key of a multiverse"),
        ({"variance": Option("a", "", choices=("a", "b"))}, "of another type in effective_dimension"),
    ],
)
def test_an_option_that_would_change_the_protocols_of_others_is_refused(option, reason):
    mine = dataclasses.replace(MEASURES["segregation"], name="mine", options=option)
    with pytest.raises(ValueError, match=reason):
        _checked("mine", mine, MEASURES)


@pytest.mark.parametrize("resampled", [np.zeros((2, 3)), [0.0]])
def test_resamples_of_another_shape_are_named(resampled):
    """Turned round, they would pass for an interval that is far too narrow."""
    bound = BoundMeasure(values=lambda groups: np.zeros(3), resamples=lambda *_: resampled)
    measure = dataclasses.replace(MEASURES["segregation"], bind=lambda *_: bound)
    tied = measure.tied(None, None, None)
    with pytest.raises(RunError, match=r"for each group and weighting, an array of shape \(3, 2\)"):
        tied.resamples(np.zeros((3, 5), int), np.zeros(7, int), np.ones((2, 1), int))


def its_own(message="no such key"):
    raise KeyError(message)


def test_what_the_code_of_a_package_raises_is_an_outcome_with_its_name_file_and_line():
    item = Prediction(id="a", measure="segregation", contrast={"null": "size_matched"})
    measure = dataclasses.replace(MEASURES["segregation"], name="mine", bind=lambda *_: its_own())
    with pytest.raises(Undefined, match=r"'mine' raised KeyError: 'no such key' \(test_registry.py, line"):
        _checked("mine", measure, {}).tied(item, None, None)
    bound = BoundMeasure(values=lambda groups: its_own())
    later = dataclasses.replace(measure, bind=lambda *_: bound)
    tied = _checked("mine", later, {}).tied(item, None, None)
    with pytest.raises(Undefined, match="measure 'mine' raised KeyError"):
        tied.values(np.zeros((3, 4), dtype=np.int64))
    assert _checked("mine", later, {}).home == later.home


def test_a_package_that_ties_its_measure_to_nothing_is_told_what_is_wanted():
    measure = dataclasses.replace(MEASURES["segregation"], name="mine", bind=lambda *_: None)
    with pytest.raises(RunError, match="measure 'mine': bind must return a BoundMeasure; found NoneType"):
        _checked("mine", measure, {}).tied(None, None, None)
