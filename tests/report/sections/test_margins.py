import dataclasses

import pytest

from hypotest.pages.inline import plain
from hypotest.records.protocol.margins import MarginFlip, MarginSensitivity
from hypotest.report.sections.margins import sensitivity_lines, sensitivity_sentences
from hypotest.studies.power.page import margin_lines
from hypotest.studies.power.reach import MarginReach
from tests.studies.power.test_page import prediction

FOUND = MarginSensitivity(
    "null_sd",
    2.0,
    1.01,
    2.53,
    (
        MarginFlip(0.6, 1.5, "less", "less", {"distributed": ("refuted", "undecided")}),
        MarginFlip(1.01, 2.53, "less", "equivalent", {"distributed": ("undecided", "supported")}),
    ),
)


@pytest.fixture
def item(results):
    return dataclasses.replace(results.predictions[0], sensitivity=FOUND)


def test_the_smallest_margin_and_where_the_verdict_turns_are_said(item):
    first, *turns = map(plain, sensitivity_sentences(item))
    assert first == (
        "It is equivalent with margins from ±1.01 on (2.53 SDs of random groups), and less with narrower "
        "ones; declared are 2 SDs of random groups"
    )
    assert [text.partition(":")[0] for text in turns] == [
        "The verdict turns at 1.50 SDs of random groups", "The verdict turns at 2.53 SDs of random groups",
    ]  # fmt: skip
    assert "distributed is refuted with a narrower margin and undecided with a wider one" in turns[0]


def test_nothing_is_said_without_a_margin_and_never_where_nothing_helps(item):
    assert list(sensitivity_sentences(dataclasses.replace(item, sensitivity=None))) == []
    never = MarginSensitivity("raw", 2.0, None, None)
    (said,) = sensitivity_sentences(dataclasses.replace(item, sensitivity=never))
    assert plain(said) == "No margin would make it equivalent"


def test_the_console_says_it_in_two_lines(results, item):
    others = [dataclasses.replace(other, sensitivity=None) for other in results.predictions[1:]]
    changed = dataclasses.replace(results, predictions=(item, *others))
    smallest, turns = sensitivity_lines(changed)
    assert f"{item.id} 2.5 (2) SDs; SDs: of random groups" in smallest
    assert "1.5 SDs (distributed refuted below it, undecided above)" in turns
    assert list(sensitivity_lines(dataclasses.replace(changed, predictions=tuple(others)))) == []


def test_power_says_what_each_margin_can_tell():
    wide = MarginReach("null_sd", 4.1, 0.05, 2.2, 2.7, True)
    (line,) = margin_lines([prediction(margins=wide), prediction(margins=None)])
    assert "4.1 SDs of random groups TOO WIDE" in line
    assert "equivalent: 2.20 SDs of random groups or more; too wide above 2.70 SDs of random groups" in line
    (line,) = margin_lines([prediction(margins=MarginReach("raw", 0.05, 1.0, None, None, False))])
    assert line.endswith("equivalent: no margin") and "TOO WIDE" not in line
