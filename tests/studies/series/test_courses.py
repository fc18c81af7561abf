"""Members together: correction over members, courses on one scale, where a trend leaves the null."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hypotest.records.registration import Registration
from hypotest.registration import load_protocol
from hypotest.report.export import read_results
from hypotest.report.numbers import significant
from hypotest.studies.series.courses import _leaving, _trends, combine
from hypotest.studies.series.figure import courses_in_words, draw_courses, draw_series
from hypotest.studies.series.names import MemberName
from hypotest.studies.series.record import Course, Point
from hypotest.verdict import decide

ROOT = Path(__file__).parents[3]

EXAMPLE = ROOT / "reports" / "rare-tokens" / "example"


UNREGISTERED = Registration("exploratory", ("not registered",))


def combined(plan, results, names, *others, **further):
    return combine(plan, results, names, UNREGISTERED, *others, **further)


@pytest.fixture(scope="module")
def example():
    return read_results(EXAMPLE / "results.json")


@pytest.fixture(scope="module")
def plan():
    protocol = load_protocol(ROOT / "protocols" / "rare-tokens.yaml")
    return protocol.model_copy(update={"subject": protocol.subject.model_copy(update={"layer": "all"})})


def _steps(n):
    return [MemberName(f"step{i}", i, f"step{i}") for i in range(n)]


def _names(n):
    return [MemberName(f"layer {i}", i, f"layer-{i:03d}") for i in range(n)]


def test_one_member_has_the_verdict_of_its_run(plan, example):
    series = combined(plan, [example], _names(1))
    (member,) = series.members
    assert member.corrected == member.alone == {item.hypothesis: item.status for item in example.verdicts}


def test_more_members_make_refuting_harder(plan, example):
    """With adjusted p-values of at least 0.01, five members keep a refutation at 0.05 and six do not."""
    names = ("p_adjusted", "p_equivalence_adjusted", "p_beyond_adjusted")
    floored = [
        replace(
            item,
            **{
                name: None if getattr(item, name) is None else max(0.01, getattr(item, name))
                for name in names
            },
        )
        for item in example.predictions
    ]
    verdicts = decide(floored, plan.hypotheses, plan.decision.level)
    run = replace(example, predictions=tuple(floored), verdicts=verdicts)
    assert "refuted" in {item.status for item in verdicts}
    five = combined(plan, [run] * 5, _names(5)).members[0]
    six = combined(plan, [run] * 6, _names(6)).members[0]
    assert five.corrected == five.alone == six.alone
    assert "refuted" not in six.corrected.values()


def test_members_that_failed_count_where_refutations_are_corrected(plan, example):
    alone = combined(plan, [example], _names(1), failed={"layer 1: a disk is full": 1})
    (member,) = alone.members
    (other, _) = combined(plan, [example] * 2, _names(2)).members
    assert alone.n_begun == 2 and member.corrected == other.corrected


def test_a_model_that_failed_counts_as_all_members_that_it_stands_for(plan, example):
    torn = combined(plan, [example] * 2, _names(2), failed={"b all layers: its weights are torn": 2})
    whole = combined(plan, [example] * 4, _names(4))
    assert torn.n_begun == whole.n_begun == 4
    assert torn.members[0].corrected == whole.members[0].corrected


def test_no_trend_is_told_before_all_members_are_there():
    """Effects that rise over six checkpoints: tau 1 among all, nothing where a seventh failed."""
    plan = load_protocol(ROOT / "protocols" / "training" / "reference.yaml", subject=False)
    rising = [_point(float(place), None, None, "greater") for place in range(6)]
    courses = [Course(item.id, item.measure, item.id, True, tuple(rising)) for item in plan.predictions]
    names = _steps(6)
    complete, told = _trends(plan, courses, names, complete=True)
    assert [item.observed for item in complete] == pytest.approx([1.0] * len(plan.trends))
    assert [item.line for item in told] == [""] * len(plan.trends)
    without, _ = _trends(plan, courses, names, complete=False)
    assert {item.outcome for item in without} == {"undefined"}
    assert {item.observed for item in without} == {None}


def test_courses_are_in_sds_of_the_null_where_all_members_have_one(plan, example):
    series = combined(plan, [example, example], _names(2))
    by_id = {item.id: item for item in example.predictions}
    for course in series.courses:
        result = by_id[course.prediction]
        assert course.in_null_sd == (result.reference not in ("value", "condition"))
        if course.in_null_sd and result.standardized is not None:
            assert course.points[0].effect == pytest.approx(result.standardized)


def _point(effect, low, high, outcome):
    return Point(effect, (low, high) if low is not None else None, None, 0.5, outcome)


@pytest.mark.parametrize(
    ("points", "leaves", "stays"),
    [
        ([(0, -1, 1, "inconclusive"), (2, 1, 3, "greater"), (3, 2, 4, "greater")], 10, 10),
        ([(2, 1, 3, "greater"), (0, -1, 1, "inconclusive"), (3, 2, 4, "greater")], 1, 100),
        ([(2, 1, 3, "greater"), (-2, -3, -1, "less"), (-3, -4, -2, "less")], 1, 10),
        ([(2, 1, 3, "greater"), (3, 2, 4, "greater"), (0, -1, 1, "equivalent")], 1, None),
        # an interval without zero is not enough against random groups, nor is a p with a wide interval
        ([(2, 1, 3, "inconclusive"), (2, -1, 5, "greater"), (0, -1, 1, "equivalent")], None, None),
        # the side is the outcome's, whose centre is corrected for bias as the interval's is
        ([(-0.1, 1, 3, "greater"), (2, 1, 3, "greater"), (0, -1, 1, "equivalent")], 1, None),
        # weights have no interval
        ([(0, None, None, "inconclusive"), (-2, None, None, "less"), (-2, None, None, "less")], 10, 10),
    ],
)
def test_where_the_null_is_left(plan, example, points, leaves, stays):
    names = [MemberName(f"step{step}", step, f"step{step}") for step in (1, 10, 100)]
    assert _leaving([_point(*point) for point in points], names) == (leaves, stays)


def test_lines_of_one_training_are_one_witness():
    """Layers that rise alike: two of one training say what one of them does, two trainings say more."""
    plan = load_protocol(ROOT / "protocols" / "training" / "reference.yaml", subject=False)
    rising = [_point(float(place), None, None, "greater") for place in range(5)] * 2
    courses = [Course(item.id, item.measure, item.id, True, tuple(rising)) for item in plan.predictions]
    lines = [
        [MemberName("", step, "", line, training) for line, training in lines for step in range(5)]
        for lines in ((("layer 1", "a"), ("layer 2", "a")), (("a", "a"), ("b", "b")))
    ]
    (layers, told), (trainings, _) = (_trends(plan, courses, names, complete=True) for names in lines)
    assert [item.observed for item in (*layers, *trainings)] == pytest.approx([1.0] * 2 * len(plan.trends))
    assert layers[0].p_value == pytest.approx(2 / 120, abs=0.004)  # as of one, by drawing
    assert trainings[0].p_value < 0.002  # 2 / 120 ** 2
    assert [item.line for item in told[:3]] == ["", "layer 1", "layer 2"]
    assert told[0].leaves_at is None and told[1].tolerates is not None


def test_the_figure_of_courses_is_told_by_ends_and_outcomes(plan, example):
    series = combined(plan, [example, example], _names(2))
    words = courses_in_words(series, series.courses)
    item = next(item for item in example.predictions if item.id == "coordination")
    assert words.startswith("Effects over 2 members. ")
    effect = f"{significant(item.standardized)} SDs"
    assert (
        f"coordination: {effect} at {series.members[0].name} to {effect} at {series.members[1].name}; "
        f"2 {item.outcome}." in words
    )


def test_figures_of_many_courses_fit_into_a_column(plan, example, tmp_path):
    """Five panels each; all courses are in one of them."""
    series = combined(plan, [example, example], _names(2))
    pictures = draw_series(series, tmp_path)
    assert [item.name for item in pictures] == ["courses", "courses-2", "courses-3"][: len(pictures)]
    assert len(pictures) == -(-len(series.courses) // 5) > 1
    for item in series.courses:
        assert sum(f" {item.prediction}: " in picture.alternative for picture in pictures) == 1
    millimetres = draw_courses(series, series.courses[:5]).get_figheight() * 25.4
    assert millimetres <= 215
