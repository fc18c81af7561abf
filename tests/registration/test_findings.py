"""Names, suggestions and values in messages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.registration.findings import ids_of, key_name, nearest, shown, suggestion


def test_nearest_ignores_case_and_gives_up_on_strangers():
    assert nearest("MARGIN", ["margin", "measure"]) == "margin"
    assert nearest("zzz", ["margin", "measure"]) is None
    assert suggestion(3, ["margin"]) == ""


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.text(max_size=300))
def test_shown_text_is_short_and_printable(text):
    assert len(shown(text)) <= 60
    assert shown(text).isprintable()


def test_key_names_are_printable():
    assert key_name(("a\x1b[31m", "b"), {}) == "'a\\x1b[31m'.b"
    assert key_name(("predictions", 1, "expects"), {0: "x"}) == "predictions.#2.expects"


def test_only_presentable_ids_name_predictions():
    assert ids_of([{"id": "good"}, {"id": "bad id"}, {"id": 3}, 4, {}]) == {0: "good"}
    assert ids_of("no list") == {}
