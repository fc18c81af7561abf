"""One glossary: of what reports say, with the words of every measure and null from their own files."""

from __future__ import annotations

import re

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.results import Results
from hypotest.report.glossary import WORDS, glossary
from hypotest.report.run_page import run_page


def test_every_measure_and_null_is_explained() -> None:
    words = glossary(Conditions("rare", "common"))
    assert set(MEASURES) <= set(words)
    assert {name for null in NULLS.values() for name, _ in null.ids()} <= set(words)
    assert len(WORDS) > 50 and "rare" in words["selectivity"] and "{" not in "".join(words.values())


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
