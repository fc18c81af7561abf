"""Checks of layers, checkpoints and trends."""

from __future__ import annotations

import itertools
import math

import pytest

from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from hypotest.registration.checks.series import checkpoint_step, fewest_checkpoints

CONTRAST = "contrast: {null: size_matched}"
TREND = "contrast: {null: size_matched, trajectory: true}"
STEPS = "subject: {model: a/b, revision: [step1, step2, step4, step8, step16]}\nconditions:"
MARGIN = "    margin: {null_sd: 2}\n"


def _trend(*others: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("conditions:", STEPS), (CONTRAST, TREND), (MARGIN, ""), *others)


def test_a_series_of_layers_or_checkpoints_is_valid(problems_of):
    assert problems_of(("conditions:", "subject: {layer: all}\nconditions:")) == []
    assert problems_of(*_trend()) == []
    grid = "subject: {model: ['a/b{seed}', 'c/d{seed}'], seed: [0, 1], revision: [step1, step2], layer: all}"
    assert problems_of(("conditions:", f"{grid}\nconditions:")) == []


@pytest.mark.parametrize(
    ("subject", "key", "message"),
    [
        ("{model: [a/b]}", "subject.model", "must be a model, or a list of at least two; found a list of 1"),
        ("{model: [a/b, c/d, a/b]}", "subject.model[2]", "must be listed once; found 'a/b' twice"),
        ("{model: 7}", "subject.model", "must be a model, or a list of at least two"),
        ("{model: a/b, seed: [1, 2]}", "subject.model", "must hold {seed} where subject.seed lists seeds"),
        ("{model: 'a/b{seed}'}", "subject.model", "holds {seed}, and no seeds are listed"),
        ("{model: 'a/b{seed}', seed: [1]}", "subject.seed", "must be a list of at least two seeds; found 1"),
        ("{model: 'a/b{seed}', seed: [1, 1]}", "subject.seed[1]", "must be listed once; found 1 twice"),
        ("{model: [a/b, reference], revision: [step1, step2]}", "subject.revision", "ships as one"),
        ("{model: a/b, revision: [main, step2]}", "subject.revision[0]", "must name a training step"),
        ("{model: a/b, revision: [step2, step1]}", "subject.revision[1]", "must be later"),
        ("{model: a/b, revision: [step1, checkpoint-1]}", "subject.revision[1]", "must be later"),
        ("{model: a/b, revision: [step1]}", "subject.revision", "at least two"),
        ("{model: a/b, revision: 7}", "subject.revision", "must be a revision, or a list of at least two"),
        ("{revision: [step1, step2]}", "subject.revision", "the reference model ships as one"),
        ("{layer: every}", "subject.layer", "must be last, all, or the number of a block"),
        ("{dtype: bfloat16}", "subject.dtype", "float32"),
    ],
)
def test_subjects_that_are_no_series(problems_of, subject, key, message):
    problems = problems_of(("conditions:", f"subject: {subject}\nconditions:"))
    errors = [item for item in problems if item.severity == "error"]
    assert len(errors) == 1, errors
    assert message in errors[0].message
    assert errors[0].key.replace(".#", "[").startswith(key.split("[")[0])


def test_a_trend_needs_checkpoints(problems_of):
    (problem,) = problems_of((CONTRAST, TREND), (MARGIN, ""))
    assert problem.key == "predictions.coordination.contrast.trajectory"
    assert "list them under subject.revision" in problem.message


def test_too_few_checkpoints_can_never_reach_the_level(problems_of):
    """Of 4! = 24 orders two are the most extreme: p is at least 2/24, which is above 0.05."""
    (problem,) = problems_of(*_trend((", step8, step16", ", step8")))
    assert problem.message == (
        "must list at least 5 checkpoints for the p-value of a trend to reach 0.05; found 4"
    )


def test_several_trainings_need_fewer_checkpoints(problems_of):
    """Three trainings of three checkpoints each: p is at least 2 / 6 ** 3."""
    few = STEPS.replace("a/b", "'a/b{seed}', seed: [0, 1, 2]").replace(", step8, step16", "")
    assert problems_of(("conditions:", few), (CONTRAST, TREND), (MARGIN, "")) == []


def test_trends_have_no_margin_and_are_never_equivalent(problems_of):
    (problem,) = problems_of(("conditions:", STEPS), (CONTRAST, TREND))
    assert problem.key == "predictions.coordination.margin"
    (problem,) = problems_of(*_trend(("distributed: less", "distributed: equivalent")))
    assert "a trend is never shown to be absent" in problem.message


def test_a_verdict_is_on_one_question(problems_of):
    other = "seed: 1"
    single = (
        "  - {id: single, measure: modularity, contrast: {null: size_matched}, margin: {null_sd: 2}, "
        "modular: greater, distributed: less}\nseed: 1"
    )
    (problem,) = problems_of(*_trend((other, single)))
    assert problem.key == "predictions.single.role"
    assert "must be descriptive where trends decide" in problem.message


def test_fewest_checkpoints_is_the_first_whose_smallest_p_reaches_the_level():
    for level, tests in itertools.product((0.05, 0.01, 0.001), (1, 3, 8)):
        n = fewest_checkpoints(level / tests)
        assert 2 / math.factorial(n) <= level / tests < 2 / math.factorial(n - 1)


@pytest.mark.parametrize(
    ("name", "step"),
    [("step0", 0), ("step143000", 143000), ("global_step1000", 1000), ("checkpoint-500", 500),
     ("stage1-step1000-tokens5B", 1000), ("iter_0500", 500), ("1000", 1000), ("main", None), ("v1.2", None),
     ("step", None), ("step99999999999999999999", None)],
)  # fmt: skip
def test_steps_in_names(name, step):
    assert checkpoint_step(name) == step


def test_a_member_is_a_plan_of_its_own(problems_of, small, tmp_path):
    text = small
    for old, new in _trend():
        text = text.replace(old, new)
    path = tmp_path / "series.yaml"
    path.write_text(text, encoding="utf-8")
    series = load_protocol(path)
    assert series.is_series
    member = series.member(revision="step4")
    assert not member.is_series and member.subject.revision == "step4"
    (described,) = member.predictions
    assert described.role == "descriptive" and described.contrast.trajectory is None
    assert Protocol.model_validate(member.model_dump(mode="python")) == member


def test_words_of_a_series(small, tmp_path):
    from hypotest.registration.explained.explain import explain_protocol

    text = small
    for old, new in _trend():
        text = text.replace(old, new)
    path = tmp_path / "series.yaml"
    path.write_text(text, encoding="utf-8")
    said = str(explain_protocol(load_protocol(path)))
    assert "5 checkpoints from step1 to step16" in said
    assert "Kendall's tau" in said
    assert "with all of its members" in said
