from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.pages.text import printable, terminal_text

NAMES = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\\`*_[]<>|#~!$&-+=1.) \n")))


@settings(deadline=None, max_examples=100)
@given(NAMES)
def test_printable_is_one_line_without_control_codes(name: str) -> None:
    shown = printable(name)
    assert not any(unicodedata.category(character).startswith("C") for character in shown)
    assert shown == printable(shown)
    shown.encode("utf-8")  # no lone surrogates


def test_what_is_not_visible_is_written_out_and_nothing_is_lost() -> None:
    assert terminal_text("a\x1b[31m\u202e b\n") == "a\\x1b[31m\\u202e b\n"
