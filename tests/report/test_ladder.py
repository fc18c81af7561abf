from __future__ import annotations

import dataclasses
import re

import pytest
from matplotlib.patches import Rectangle

from hypotest.pages.document import blocks
from hypotest.pages.markdown import markdown
from hypotest.records.results.prediction_result import NullComparison, PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.figures.ladder import draw_ladder_grid
from hypotest.report.figures.style import house_style
from hypotest.report.ladder import (
    OTHER_CONDITION,
    claims_of,
    ladder_of,
    ladder_section,
    ladder_table,
)
from hypotest.report.numbers import DECLARED_VALUE
from hypotest.report.picture import Picture


def prediction(results: Results, id: str) -> PredictionResult:
    return next(item for item in results.predictions if item.id == id)


def with_rung(results: Results, id: str, null: str, **changes: object) -> Results:
    """The run with one rung of one prediction changed."""
    item = prediction(results, id)
    assert null in [rung.id for rung in item.ladder]
    rungs: list[NullComparison] = [
        dataclasses.replace(rung, **changes) if rung.id == null else rung  # type: ignore[arg-type]  # names tell
        for rung in item.ladder
    ]
    changed = dataclasses.replace(item, ladder=tuple(rungs))
    return dataclasses.replace(
        results, predictions=tuple(changed if one.id == id else one for one in results.predictions)
    )


def cells(results: Results) -> dict[str, list[str]]:
    rows = [
        [cell.strip() for cell in line[1:-1].split("|")]
        for line in markdown(ladder_table(results)).splitlines()[2:]
    ]
    return {row[0].split()[0]: row[1:] for row in rows}


def test_opponents_stand_in_the_order_of_their_question_and_descriptive_ones_last(results: Results) -> None:
    ladder = ladder_of(results)
    assert ladder.opponents == (
        "size_matched",
        "covariate_matched",
        "local_matched",
        "label_shuffled (type)",
        OTHER_CONDITION,
        DECLARED_VALUE,
        "label_shuffled (document_type)",
        "label_shuffled (position)",
        "rewired",
        "untrained",
        "types permuted",
    )
    # Shuffled labels can decide selectivity; their other units describe here, as rewired, untrained and the
    # permutation beside a test by t do.
    assert ladder.n_descriptive == 5


def test_each_prediction_has_one_opponent_that_decides_and_it_shows_the_outcome(results: Results) -> None:
    ladder = ladder_of(results)
    for item in results.predictions:
        deciding = [rung for rung in ladder.rungs[item.id].values() if rung.decides]
        if item.role == "descriptive":
            assert not deciding
            continue
        (decisive,) = deciding
        assert decisive.outcome == item.outcome
        by_t = {"value": DECLARED_VALUE, "condition": OTHER_CONDITION}
        assert decisive.opponent == (by_t.get(item.reference) or item.ladder[0].id)


@pytest.mark.parametrize(
    ("p_value", "percentile", "outcome"),
    [
        (0.05, 0.0, "less"),
        (0.05, 100.0, "greater"),
        (0.0501, 0.0, "inconclusive"),
        (0.01, 50.0, "inconclusive"),
    ],
)
def test_a_direction_needs_the_level_and_is_relative_to_the_median(
    results: Results, p_value: float, percentile: float, outcome: str
) -> None:
    changed = with_rung(results, "coordination", "covariate_matched", p_value=p_value, percentile=percentile)
    assert ladder_of(changed).rungs["coordination"]["covariate_matched"].outcome == outcome


def test_the_level_is_that_of_the_protocol(results: Results) -> None:
    changed = with_rung(results, "coordination", "covariate_matched", p_value=0.03, percentile=1.0)
    strict = dataclasses.replace(changed, protocol={**changed.protocol, "decision": {"level": 0.01}})
    assert ladder_of(changed).rungs["coordination"]["covariate_matched"].outcome == "less"
    assert ladder_of(strict).rungs["coordination"]["covariate_matched"].outcome == "inconclusive"


def test_claims_are_signs_and_silence_is_left_out(results: Results) -> None:
    assert claims_of(prediction(results, "clustering")) == {"modular": "▲", "distributed": "▼≈"}
    assert claims_of(prediction(results, "coordination")) == {"distributed": "▼"}
    assert claims_of(prediction(results, "regimes")) == {}


def test_the_table_names_who_survives_where(results: Results) -> None:
    rows = cells(results)
    opponents = ladder_of(results).opponents
    coordination = dict(zip(opponents, rows["coordination"][1:], strict=True))
    assert re.fullmatch(r"\*\*▼ z -\d\.\d\d, p 0\.0010\*\*<br>distributed", coordination["local_matched"])
    assert re.fullmatch(r"▼ z -\d\.\d\d, p 0\.0002<br>distributed", coordination["size_matched"])
    assert re.fullmatch(r"\*▼ z .*\*<br>distributed", coordination["label_shuffled (type)"])
    assert coordination["rewired"] == ""
    clustering = dict(zip(opponents, rows["clustering"][1:], strict=True))
    assert clustering["size_matched"].endswith("p 0.0003‡**<br>distributed")
    assert re.fullmatch(r"○ z -?\d\.\d\d, p \d\.\d+", clustering["covariate_matched"])
    assert clustering["rewired"].startswith("*▲") and clustering["rewired"].endswith("*<br>modular")
    assert rows["single-head"][1:].count("") == len(opponents) - 1


def test_too_few_draws_for_any_p_carry_no_sign(results: Results) -> None:
    rung = ladder_of(results).rungs["coordination"]["untrained"]
    assert (rung.sign, rung.p_text) == ("", "mean of 3")
    assert re.fullmatch(r"\*\d+\.\d+, mean of 3\*", cells(results)["coordination"][-2])
    # 137 of 4,999 draws: stopped early, not too few
    stopped = ladder_of(results).rungs["clustering"]["covariate_matched"]
    assert stopped.too_few is None
    # 2 / (39 + 1) is the level itself, 2 / (38 + 1) is above it
    for n_draws, too_few in ((39, None), (38, 38)):
        changed = with_rung(results, "coordination", "covariate_matched", n_draws=n_draws)
        assert ladder_of(changed).rungs["coordination"]["covariate_matched"].too_few == too_few


@pytest.mark.parametrize("null", ["size_matched", "covariate_matched"])
def test_a_blocked_comparison_allows_no_conclusion(results: Results, null: str) -> None:
    assert ladder_of(results).rungs["coordination"][null].outcome == "less"
    assert "allows no conclusion" not in markdown(*blocks(ladder_section(results, ())))
    apart = with_rung(results, "coordination", null, blocked="matching leaves it 0.26 SD away in output_norm")
    outcomes = {name: rung.outcome for name, rung in ladder_of(apart).rungs["coordination"].items()}
    assert [name for name in outcomes if outcomes[name] == "inconclusive"] == [
        null,
        "untrained",
    ]  # of 3 draws
    assert "⊘ that the comparison allows no conclusion" in markdown(*blocks(ladder_section(apart, ())))
    assert cells(apart)["coordination"][1 + ladder_of(apart).opponents.index(null)].startswith("⊘ z -")
    with house_style():
        drawn, clean = (draw_ladder_grid(run).axes[0].texts for run in (apart, results))
    assert "no conclusion" in [text.get_text() for text in drawn]
    assert sum(text.get_text().startswith("⊘ −") for text in drawn) == 1
    assert not [text for text in clean if "⊘" in text.get_text() or text.get_text() == "no conclusion"]


def test_a_prediction_that_its_own_null_cannot_decide_has_the_sign_of_no_conclusion(
    results: Results,
) -> None:
    changed = with_rung(results, "coordination", "local_matched", blocked="matching leaves it apart")
    item = dataclasses.replace(prediction(changed, "coordination"), outcome="inconclusive")
    changed = dataclasses.replace(changed, predictions=(item,))
    assert cells(changed)["coordination"][1 + ladder_of(changed).opponents.index("local_matched")][2] == "⊘"


def test_the_arms_of_shuffled_labels_are_no_opponents(results: Results) -> None:
    assert any(item.arms for item in results.predictions)
    shown = {rung.opponent for rung in ladder_of(results).every_rung}
    assert shown.isdisjoint(arm.key for item in results.predictions for arm in item.arms)


def test_the_questions_say_what_labels_decide_and_what_neighbours_cannot_tell(results: Results) -> None:
    text = markdown(*blocks(ladder_section(results, ())))
    local, shuffled = (
        next(line for line in text.splitlines() if line.startswith(f"- {name}: "))
        for name in ("local_matched", "label_shuffled (type)")
    )
    assert "neurons as loud and as influential on common targets" in local
    assert "Two conditions cannot tell" in local and "a third could" in local
    assert "That decides selectivity. For anything else it describes" in shuffled
    assert "follows rarity" not in text


def test_the_section_says_what_each_opponent_asks(results: Results) -> None:
    text = markdown(*blocks(ladder_section(results, (Picture("ladder", "ladder of nulls", "All."),))))
    assert text.startswith("## The ladder of nulls")
    assert "(figures/ladder.svg)" in text
    questions = [line for line in text.splitlines() if line.startswith("- ")]
    assert [line[2:].partition(":")[0] for line in questions] == list(ladder_of(results).opponents)


def test_without_draws_there_is_no_section(results: Results) -> None:
    bare = tuple(dataclasses.replace(item, ladder=()) for item in results.predictions)
    assert list(ladder_section(dataclasses.replace(results, predictions=bare), ())) == []


def test_the_figure_frames_what_decides_and_hatches_what_describes(results: Results) -> None:
    with house_style():
        (axes,) = draw_ladder_grid(results).axes
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_height() > 0.2]
    rungs = ladder_of(results).every_rung
    assert sum(not patch.get_fill() for patch in patches) == sum(
        item.role != "descriptive" for item in results.predictions
    )
    assert sum(patch.get_fill() for patch in patches) == len(rungs)
    hatched = sum(patch.get_hatch() is not None for patch in patches)
    assert hatched == sum(rung.descriptive for rung in rungs) == 10


def test_every_text_of_the_figure_lies_inside_it(results: Results) -> None:
    long = tuple(
        dataclasses.replace(item, id=item.id + "-with-a-very-long-name", expects={"x" * 60: ("less",)})
        for item in results.predictions
    )
    for run in (results, dataclasses.replace(results, predictions=long)):
        with house_style():
            figure = draw_ladder_grid(run)
            figure.draw_without_rendering()
        edge = figure.bbox
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert edge.x0 <= box.x0 and box.x1 <= edge.x1, text.get_text()
            assert edge.y0 <= box.y0 and box.y1 <= edge.y1, text.get_text()


def test_the_numbers_of_a_cell_fit_it(results: Results) -> None:
    with house_style():
        figure = draw_ladder_grid(with_rung(results, "coordination", "covariate_matched", z=-1234.5))
        figure.draw_without_rendering()
    axes = figure.axes[0]
    tints = [
        patch.get_window_extent()
        for patch in axes.patches
        if isinstance(patch, Rectangle) and patch.get_height() > 0.2
    ]
    numbers = [text for text in axes.texts if re.match(r"p [<\d]|[▲▼≈○] ?−?\d", text.get_text())]
    assert len(numbers) > len(results.predictions)
    for text in numbers:
        box = text.get_window_extent()
        assert any(tint.x0 <= box.x0 and box.x1 <= tint.x1 for tint in tints), text.get_text()
