"""The section on placebos, and the sentence on hidden causes."""

from __future__ import annotations

import dataclasses

from hypotest.pages.document import blocks
from hypotest.pages.markdown import markdown
from hypotest.records.results.hidden_bias import HiddenBias
from hypotest.records.results.placebos import PlaceboResult, Placebos
from hypotest.records.results.results import Results
from hypotest.report.sections.placebos import CAVEAT, placebo_section
from hypotest.report.sections.predictions import hidden_bias_text


def with_placebos(results: Results, *predictions: PlaceboResult, ratio: float | None = 2.0) -> Results:
    placebos = Placebos(
        n_splits=20,
        level=0.05,
        draws=79,
        draws_of_labels=39,
        positions=(3571, 4621),
        real_positions=(8192, 8192),
        unit="token types to be predicted",
        n_units=1839,
        loss_ratio=ratio,
        loss_ratio_reached=None if ratio is None else 2.76,
        predictions=predictions,
    )
    return dataclasses.replace(results, placebos=placebos)


def text_of(results: Results) -> str:
    return markdown(*blocks(placebo_section(results)))


def test_effects_counts_and_marks_stand_beside_the_real_effect(results: Results) -> None:
    effects = (-0.5, 0.5, *[0.0] * 17, None)
    calm = PlaceboResult("coordination", "local_matched", effects, (0.01, *[0.5] * 18, None), -1.0, 0.03)
    faulty = PlaceboResult("clustering", "size_matched", effects, (0.01,) * 5 + (0.5,) * 15, None, None)
    text = text_of(with_placebos(results, calm, faulty))
    assert "0.0 [-0.5, 0.5] | 1 of 19 | -1.0 | 0.0300 |" in text  # mean of 19 effects
    assert "**5 of 20 (!)** | undefined | no conclusion |" in text
    assert "the test of clustering finds differences" in text
    assert "at p <= 0.05, 1 expected" in text
    assert "Where fewer are counted" in text
    assert CAVEAT in text
    assert "3,571 to 4,621 positions against 8,192 and 8,192" in text
    assert "a ratio of 2.76, those of the real conditions 2.00" in text


def test_the_tautology_is_named_where_labels_decide(results: Results) -> None:
    tautology = PlaceboResult("specialization", "label_shuffled", (0.1,) * 20, (0.5,) * 20, 0.1, 0.5)
    assert "nearly a tautology" in text_of(with_placebos(results, tautology))
    others = dataclasses.replace(tautology, null="size_matched")
    assert "tautology" not in text_of(with_placebos(results, others))


def test_what_has_none_is_named_with_its_reason(results: Results) -> None:
    text = text_of(with_placebos(results, PlaceboResult("single-head", reason="it is a number"), ratio=None))
    assert "single-head: it is a number." in text
    assert "no division by loss" in text
    assert "| prediction" not in text


def test_without_placebos_there_is_no_section(results: Results) -> None:
    assert list(placebo_section(dataclasses.replace(results, placebos=None))) == []


def test_hidden_causes_in_words() -> None:
    plain = hidden_bias_text(HiddenBias(1.8342, False, 0.91))
    assert "1.83 times the odds" in plain and "would be enough" in plain and "91 %" in plain
    assert "a smaller one may do" not in plain
    assert "a smaller one may do" in hidden_bias_text(HiddenBias(3.0, False, 0.3))
    assert "none that gives one neuron up to 100 times" in hidden_bias_text(HiddenBias(100.0, True, 0.9))
