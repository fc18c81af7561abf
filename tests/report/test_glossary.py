"""One glossary: of what reports say, with the words of every measure and null from their own files."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.pages.console import shown
from hypotest.pages.document import Block, Document
from hypotest.pages.html import PAGE as HTML
from hypotest.pages.markdown import PAGE
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.results import Results
from hypotest.report.glossary import ORDINARY, WORDS, beside, explained_in, glossary, ordinary, spoken
from hypotest.report.run_page import run_page
from hypotest.report.run_summary import verdict_table
from hypotest.report.verdict_words import stances_in_words
from tests.texts import ROOT

REPORTS = ROOT / "reports"
FILES = sorted(REPORTS.rglob("results.json"))


def plain_text(block: Block) -> str:
    console = Console(file=io.StringIO(), width=200, _environ={})
    console.print(shown(Document((block,))))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_measure_and_null_is_explained() -> None:
    words = glossary(Conditions("rare", "common"))
    assert set(MEASURES) <= set(words)
    assert {name for null in NULLS.values() for name, _ in null.ids()} <= set(words)
    assert len(WORDS) > 50 and "rare" in words["selectivity"] and "{" not in "".join(words.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.relative_to(REPORTS).as_posix())
def test_every_number_beside_a_test_is_explained(file: Path) -> None:
    """Those of declared parts, such as ``members in expert 3``, say what they are."""
    results = json.loads(file.read_text(encoding="utf-8"))
    words = glossary(Conditions(*results["corpus"]["conditions"]))
    shown = {spoken(name) for item in results["predictions"] for name in item["secondary"]}
    assert {name for name in shown if not name.startswith("members in ")} <= set(words)


def test_names_of_numbers_mean_one_thing_each() -> None:
    names = Conditions("rare", "common")
    all_of_them = [
        (name, text) for item in MEASURES.values() for name, text in item.words.of(names).beside.items()
    ]
    assert len(dict(all_of_them)) == len(set(all_of_them))
    assert all(text[0].isupper() and text.endswith(".") for text in beside(names).values())


def test_meanings_are_sentences_of_two_lines_at_most() -> None:
    for name, meaning in WORDS.items():
        assert meaning[0].isupper() and meaning[-1] == ".", name
        assert meaning.count(".") <= 2 + meaning.count("0."), name
        assert len(meaning) < 200, name
        assert not re.search(rf"\b{re.escape(name)} (is|are)\b", meaning), name  # no circles


def test_a_report_explains_the_words_of_its_stances_and_outcomes(results: Results) -> None:
    terms = run_page(results, {}, ()).terms
    for item in results.predictions:
        assert {item.outcome, *item.stances.values()} <= set(terms)
    assert {verdict.status for verdict in results.verdicts} <= set(terms)


def test_no_measure_s_unit_holds_a_word_of_the_trade_that_is_not_explained() -> None:
    units = {measure.words.of(Conditions("rare", "common")).unit for measure in MEASURES.values()}
    for trade in ("kappa", "noise ceiling", "split-half ceiling", "Q"):
        holders = [unit for unit in units if trade in unit]
        assert holders and all(list(explained_in(unit)) == [trade] for unit in holders)
    assert explained_in("share of the squared change") == {}


def test_silent_and_open_are_explained_where_they_stand(results: Results) -> None:
    """In the report as on the console, and only where they occur."""
    first, *others = results.predictions
    unsettled = dataclasses.replace(first, stances=dict.fromkeys(first.stances, "open"))
    results = dataclasses.replace(results, predictions=(unsettled, *others))
    for text in (PAGE.render(run_page(results, {}, ())), plain_text(verdict_table(results))):
        assert "silent: the hypothesis expects nothing of it" in text.replace("Silent", "silent")
        assert "open: it expects something" in text
    spoken = {"modular": "supports", "distributed": "contradicts"}
    known = tuple(dataclasses.replace(item, stances=spoken) for item in results.predictions)
    assert stances_in_words(dataclasses.replace(results, predictions=known)) == ""


def test_words_of_any_two_conditions_are_sentences() -> None:
    text = " ".join(glossary().values())
    assert "influential on second-condition targets" in text
    assert "when the first condition is dealt out" in text
    wrong = r"the first condition (targets|rather)|the second (targets|ones)|first-condition is"
    assert not re.search(wrong, text)


def test_ordinary_words_are_words_of_the_glossary(results: Results) -> None:
    assert set(WORDS) >= ORDINARY
    page = run_page(results, {}, ())
    everyday = ordinary(Conditions(*results.corpus.conditions))
    assert page.ordinary == everyday > ORDINARY and set(page.terms) >= everyday


def test_no_sentence_of_a_report_explains_an_ordinary_word(results: Results) -> None:
    """A link stands for the whole of a cell or of a marked span, as `HtmlText` is told."""
    page = HTML.render(run_page(results, {}, ()))
    around = re.findall(r'(\w* ?)<a class="term" href="#term-(\w+)">\w+</a>( ?\w*)', page)
    everyday = [item for item in around if item[1] in ORDINARY]
    beside = {name for before, name, after in everyday if before.strip() and after.strip()}
    assert beside <= {"group"}  # marked: "the group's z"
    assert not re.search(r"unit</a>|of the <a[^>]*>prediction</a>'s entropy|Each <a[^>]*>row", page)


@pytest.mark.parametrize(
    "word",
    [
        *("modular", "distributed", "module", "not applicable", "corrected", "Bonferroni", "gamma"),
        *("propensity", "bin", "bundle", "trial", "series", "deviation", "evidence", "protocol", "power"),
        *("observed", "reference", "split", "block", "MLP", "unembedding", "Spearman", "tau", "off-target"),
        "reselection",
    ],
)
def test_words_that_readers_missed_are_explained(word: str) -> None:
    assert word in WORDS


def test_a_report_names_no_statistic_by_a_symbol(results: Results) -> None:
    assert not re.search(r"T\(\w+\)", PAGE.render(run_page(results, {}, ())))
