from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.records.results.sentences import sentence_list
from hypotest.report.text import file_slug, token_text

NAMES = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\\`*_[]<>|#~!$&-+=1.) \n")))


@settings(deadline=None, max_examples=100)
@given(NAMES)
def test_a_slug_is_a_file_name(name: str) -> None:
    slug = file_slug(name)
    assert slug and set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


def test_white_space_of_tokens_is_visible() -> None:
    assert token_text("\n\n x") == "\\n\\n␣x"
    assert token_text("\x00") == "(not printable)"


def test_sentence_list() -> None:
    assert sentence_list([]) == ""
    assert sentence_list(("a", "b")) == "a and b"
