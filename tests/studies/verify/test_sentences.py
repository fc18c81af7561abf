import pytest

from hypotest.studies.verify.sentences import same_sentence


@pytest.mark.parametrize(
    ("stored", "fresh", "same"),
    [
        ("a came out less (p = 0.012)", "a came out less (p = 0.013)", True),
        ("a came out less (p = 0.012)", "a came out less (p = 0.014)", False),
        ("p = 1.2e-05", "p = 1.3e-05", True),
        ("p = 1.2e-05", "p = 1.2e-04", False),
        ("1,024 positions", "1,025 positions", False),
        ("1,024 positions", "1,024 documents", False),
        ("33.50 of 41", "33.51 of 41", True),
        ("33.50 of 41", "33.50 of 42", False),
        ("no number", "no number", True),
        ("no number", "number 1", False),
    ],
)
def test_words_and_counts_exactly_decimals_to_their_last_digit(stored, fresh, same):
    assert same_sentence(stored, fresh, 1e-5) is same
    assert same_sentence(fresh, stored, 1e-5) is same


def test_what_the_number_itself_may_differ_by_comes_on_top():
    assert not same_sentence("p = 0.012", "p = 0.020", 1e-5)
    assert same_sentence("p = 0.012", "p = 0.020", 1e-5, absolute=0.007)
    assert same_sentence("100 of 200", "101 of 200", 1e-3, counts=0.05)
