from __future__ import annotations

import dataclasses
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from hypotest.pages.console import shown
from hypotest.pages.document import Block, Document
from hypotest.records.results.reselection import Reselection
from hypotest.records.results.results import Results
from hypotest.report.numbers import prediction_text
from hypotest.report.run_summary import run_summary, verdict_table

FOLDER = Path("reports/rare-tokens/20261121T035210Z-ab12cd34")


def printed(what: Document | Block, width: int, terminal: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal, no_color=terminal, _environ={}
    )
    console.print(shown(what if isinstance(what, Document) else Document((what,))))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_piped_output_is_plain_and_fits(results: Results, width: int) -> None:
    text = printed(run_summary(results, FOLDER), width)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= width
    assert results.verdict_line in text
    assert str(FOLDER / "report.html") in text


@pytest.mark.parametrize("width", [80, 120])
def test_every_number_is_whole(results: Results, width: int) -> None:
    text = printed(verdict_table(results), width)
    words = set(text.split())
    for item in results.predictions:
        numbers = prediction_text(item)
        assert item.id in words and item.outcome in words
        assert {numbers.observed, numbers.effect, numbers.p} <= words
        assert numbers.reference in text
        if item.interval is not None:
            assert numbers.interval in text


def test_stances_are_words_where_they_fit_and_signs_elsewhere(results: Results) -> None:
    wide, narrow = printed(verdict_table(results), 120), printed(verdict_table(results), 80)
    assert "contradicts" in wide and "mod = modular" not in wide
    assert "mod = modular, dis = distributed: + supports, - contradicts" in narrow
    clustering = next(line for line in narrow.splitlines() if line.startswith("clustering"))
    assert clustering.split()[-2:] == ["-", "+"]


def test_meaning_does_not_rest_on_colour(results: Results) -> None:
    styled = printed(run_summary(results, FOLDER), 80, terminal=True)
    assert "\x1b" in styled  # bold and dim remain
    assert re.sub(r"\x1b\[[0-9;]*m", "", styled) == printed(run_summary(results, FOLDER), 80)


def test_a_narrow_terminal_loses_no_column(results: Results) -> None:
    text = printed(verdict_table(results), 60)
    assert "dis" in text.partition("─")[0]
    assert "…" not in text


def test_undecided_reads_as_it_is(results: Results, make_undecided: Callable[[Results], Results]) -> None:
    text = printed(run_summary(make_undecided(results)), 80)
    assert "modular: undecided; distributed: undecided" in text
    assert "inconclusive" in text


def test_the_smallest_visible_effect_stands_below_the_table(
    results: Results, make_undecided: Callable[[Results], Results]
) -> None:
    said = "inconclusive; the smallest effect that would have been seen: coordination 1.92, clustering 1.9200"
    text = printed(verdict_table(make_undecided(results)), 80)
    assert said in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    assert "smallest effect" not in printed(verdict_table(results), 80)


def test_long_names_of_nulls_keep_to_their_line(results: Results) -> None:
    changed = tuple(
        dataclasses.replace(item, reference="covariate_matched" if number % 2 else "label_shuffled (type)")
        for number, item in enumerate(results.predictions)
    )
    matched = dataclasses.replace(results, predictions=changed)
    narrow = printed(verdict_table(matched), 80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert narrow.count("  covar._matched ") == 4 and narrow.count("  label_shuffled ") == 5
    assert "covariate_matched" in printed(verdict_table(matched), 120)


def test_a_missing_interval_is_said_to_be_missing(results: Results) -> None:
    text = printed(verdict_table(results), 80)
    assert text.count("no interval") == sum(item.interval is None for item in results.predictions) == 2


def test_plain_text_marks_what_is_apart_without_bold(results: Results) -> None:
    """And each sign in it is one that a keyboard has."""
    text = printed(run_summary(results), 80)
    (loss,) = (line for line in text.splitlines() if line.startswith("loss in nats"))
    apart = [row for row in results.corpus.balance if row.is_apart]
    assert apart and "* +" in loss and "*: apart by more than 0.25" in " ".join(text.split())
    assert len(re.findall(r"\* [-+\d<>]", text)) == len(apart)
    assert "Bold" not in text and "\u2212" not in text


def test_records_names_are_said_in_words(results: Results) -> None:
    """How the group was found, a number as opponent, and what a margin is counted in."""
    text = printed(run_summary(results), 80)
    declared = sum(item.reference == "value" for item in results.predictions)
    assert declared and text.count("  declared value ") == declared
    assert not re.search(r"^  value ", text, flags=re.M)
    assert results.group.rule == "plateau" and "(the plateau of the influence curve)" in text
    assert "null SD" not in text


def test_other_splits_take_one_sentence(results: Results) -> None:
    text = printed(run_summary(results), 80)
    assert "10 splits: modular refuted in 9, undecided in 1; distributed supported" in text
    assert "splits:" not in printed(run_summary(dataclasses.replace(results, split_verdicts={})), 80)


def test_names_are_shown_as_they_are(results: Results) -> None:
    named = dataclasses.replace(results, title="[red]x[/red] \x1b[31mred :smile:?")
    text = printed(run_summary(named), 80)
    assert text.startswith("[red]x[/red] [31mred :smile:?\n")
    assert "\x1b" not in text


def test_many_hypotheses_get_letters(results: Results) -> None:
    predictions = tuple(
        dataclasses.replace(item, stances=dict.fromkeys(("alpha", "alpine", "beta"), "open"))
        for item in results.predictions
    )
    text = printed(verdict_table(dataclasses.replace(results, predictions=predictions)), 80)
    assert "A = alpha, B = alpine, C = beta" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_console_needs_no_matplotlib() -> None:
    code = (
        "import sys, hypotest.report.run_summary, hypotest.report.run; "
        "sys.exit(int(any(name in sys.modules for name in ('matplotlib', 'torch'))))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_errors_of_another_study_stand_below_the_table(results: Results) -> None:
    again = Reselection(0.75, 31, (-7.5, -4.5), 0.3, 0.4, 0.2, 310, 0.871, (39, 44))
    changed = tuple(dataclasses.replace(one, reselection=again) for one in results.predictions)
    text = printed(verdict_table(dataclasses.replace(results, predictions=changed)), 80)
    assert "another study, which selects its own group" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
