"""Pairs that agree in what they are matched on; what cannot be matched is refused with the reason."""

import numpy as np
import pytest

from hypotest.corpora.blocks import whole_blocks
from hypotest.corpora.pairing import Pairing, require_overlap
from hypotest.errors import CorpusError
from hypotest.records.protocol.conditions import Conditions

NAMES = Conditions("one", "two")


@pytest.fixture
def blocks():
    rng = np.random.default_rng(0)
    document = np.repeat(np.arange(10), 4).astype(np.int32)
    return whole_blocks(rng.integers(0, 40, size=(40, 32)).astype(np.int32), document, 10, 40 * 32)


def halves(blocks, seed=1):
    """Positions of each condition, a random half each; the first of a block is in none."""
    first = np.random.default_rng(seed).random((40, 31)) < 0.3
    second = ~first
    first[:, 0] = second[:, 0] = False
    return first, second


def paired(blocks, match, counts=None, limit=1000, of_type=None, seed=2):
    first, second = halves(blocks)
    rows = np.stack(np.nonzero(first), axis=1)
    return Pairing(blocks, second, match, counts, limit, of_type).paired(
        rows, np.random.default_rng(seed)
    ), second


@pytest.mark.parametrize(
    "match",
    [("block",), ("document",), ("token",), ("target_frequency",), ("token", "document"), ("length",), ()],
)
def test_pairs_agree_and_no_position_is_used_twice(blocks, match):
    counts = np.arange(1, 41)
    pairs, second = paired(blocks, match, counts)
    assert len(pairs) and second[pairs[:, 2], pairs[:, 3]].all()
    assert len(np.unique(pairs[:, 2:], axis=0)) == len(pairs)
    values = {
        "block": lambda block, index: block,
        "document": lambda block, index: blocks.document[block],
        "token": lambda block, index: blocks.tokens[block, index],
        "target_frequency": lambda block, index: np.floor(np.log2(counts[blocks.tokens[block, index + 1]])),
        "length": lambda block, index: np.zeros(block.size),  # all documents are equally long
    }
    for name in match:
        one, other = (values[name](pairs[:, place], pairs[:, place + 1]) for place in (0, 2))
        assert (one == other).all()


def test_matched_on_the_index_partners_are_near_wherever_they_stand(blocks):
    pairs, _ = paired(blocks, ("index",))
    assert np.abs(pairs[:, 1] - pairs[:, 3]).max() <= 16
    assert (pairs[:, 0] != pairs[:, 2]).any()


def test_documents_give_no_more_partners_than_positions_where_pairs_leave_them(blocks):
    pairs, _ = paired(blocks, ("token",), limit=5)
    owners = blocks.document[pairs[:, 2]]
    assert np.bincount(owners).max() == 5


def test_a_token_of_one_condition_only_cannot_be_matched(blocks):
    low = blocks.tokens[:, :-1] < 20
    low[:, 0], high = False, ~low
    high[:, 0] = False
    with pytest.raises(CorpusError, match=r"one and two have no current token in common.*take token out"):
        require_overlap(blocks, low, high, NAMES, ("token",), None)
    require_overlap(blocks, low, high, NAMES, ("block", "index"), None)


def test_targets_of_unlike_frequency_cannot_be_matched_on_it(blocks):
    counts = np.where(np.arange(40) < 20, 3, 900)
    rare = blocks.tokens[:, 1:] < 20
    with pytest.raises(CorpusError, match=r"no frequency of the target .* in common"):
        require_overlap(blocks, rare, ~rare, NAMES, ("target_frequency",), counts)


@pytest.mark.parametrize(("limit", "of_type"), [(3, None), (1000, 5), (12, 4), (1, 1)])
@pytest.mark.parametrize("match", [("block",), ("token",)])
def test_limits_hold_in_both_conditions_and_no_pair_could_be_added(blocks, match, limit, of_type):
    pairs, second = paired(blocks, match, limit=limit, of_type=of_type)
    first, _ = halves(blocks)
    targets, most = blocks.tokens[:, 1:], 10**6 if of_type is None else of_type
    of_documents, of_types = [], []
    for place in (0, 2):
        of_documents.append(np.bincount(blocks.document[pairs[:, place]], minlength=10))
        of_types.append(np.bincount(targets[pairs[:, place], pairs[:, place + 1]], minlength=40))
        assert of_documents[-1].max() <= limit
        assert of_types[-1].max() <= most
    taken = {(block, index) for row in pairs.tolist() for block, index in (row[:2], row[2:])}
    assert len(taken) == 2 * len(pairs)
    free = [place for place in zip(*np.nonzero(second), strict=True) if place not in taken]
    for block, index in zip(*np.nonzero(first), strict=True):
        full = of_documents[0][blocks.document[block]] == limit or of_types[0][targets[block, index]] == most
        if (block, index) in taken or full:
            continue
        agree = [
            (place, other)
            for place, other in free
            if (
                place == block
                if match == ("block",)
                else blocks.tokens[place, other] == blocks.tokens[block, index]
            )
            and of_documents[1][blocks.document[place]] < limit
        ]
        nearest = min((abs(other - index) for _, other in agree), default=0)
        reach = max(16, nearest) if match == ("block",) else 99
        assert not [
            (place, other)
            for place, other in agree
            if abs(other - index) <= reach and of_types[1][targets[place, other]] < most
        ]


def test_every_position_of_a_full_type_is_as_likely(blocks):
    """The pairs of a type come from anywhere in the text, not from its start."""
    where = np.concatenate([paired(blocks, ("block",), of_type=1, seed=seed)[0][:, 0] for seed in range(60)])
    assert abs(where.mean() - 19.5) < 1.5  # SD of a mean of 60 x 40 rows or so: 11.5 / 49 = 0.24
    same, again = (paired(blocks, ("block",), of_type=1)[0] for _ in range(2))
    assert np.array_equal(same, again)
