"""Whether a token occurred before in its block."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.predicates.seen import PREDICATE, seen_before
from tests.predicates.held import EVERY, TOKENS, require_refused, taken
from tests.predicates.made import rows


@pytest.mark.parametrize("about", ["target", "token"])
def test_by_looking_back_over_the_block(about):
    ahead = 1 if about == "target" else 0
    expected = [
        (block, index)
        for block, index in EVERY
        if TOKENS[block][index + ahead] in TOKENS[block][: index + ahead]
    ]
    assert taken({about: {"seen": True}}) == expected
    assert taken({about: {"seen": False}}) == [row for row in EVERY if row not in expected]


def test_the_first_token_of_a_block_counts_as_seen_and_other_blocks_do_not():
    # 4 stands first in block 1 and is its last target; 5 stands in block 1 alone before it is one of block 2
    assert (1, 4) in taken({"target": {"seen": True}})
    assert (2, 4) not in taken({"target": {"seen": True}})


def test_many_random_blocks_by_hand():
    tokens = np.random.default_rng(0).integers(0, 6, size=(40, 12))
    made = rows(np.minimum(tokens, 7))
    expected = [
        tokens[block, index] in tokens[block, :index]
        for block, index in zip(made.block, made.index, strict=True)
    ]
    assert seen_before(made, 0).tolist() == expected


@pytest.mark.parametrize("wrong", ["true", 1, 0, [True]])
def test_what_is_no_truth_value_is_refused_with_its_place(wrong):
    require_refused({"target": {"seen": wrong}}, "target", "seen")


def test_words_and_unit():
    assert PREDICATE.words.clause(True, "it") == "it occurred before in the block"
    assert PREDICATE.words.clause(False, "it") == "it did not occur before in the block"
    assert PREDICATE.unit("target") == PREDICATE.unit("token") == "within_type"
