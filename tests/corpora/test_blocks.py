import numpy as np
import pytest

from hypotest.corpora.blocks import PADDING, cut_blocks
from hypotest.errors import CorpusError


def test_blocks_never_cross_documents_and_drop_the_remainder():
    blocks = cut_blocks([list(range(7)), [9, 9], list(range(20, 24))], context=3)
    # 7 tokens give two blocks and leave one out; 2 give none; 4 give one
    assert blocks.tokens.tolist() == [[0, 1, 2], [3, 4, 5], [20, 21, 22]]
    assert blocks.document.tolist() == [0, 0, 2]
    assert blocks.n_documents == 2


def test_too_short_documents_are_an_error_that_names_the_longest():
    with pytest.raises(CorpusError, match=r"longest has 2.*corpus\.context"):
        cut_blocks([[1, 2], []], context=3)


def test_tokens_are_those_of_the_documents():
    rng = np.random.default_rng(0)
    documents = [rng.integers(0, 50, size=n).tolist() for n in (10, 31, 8, 64)]
    blocks = cut_blocks(documents, context=8)
    for number, ids in enumerate(documents):
        mine = blocks.tokens[blocks.document == number].ravel().tolist()
        assert mine == ids[: len(mine)]
        assert len(ids) - len(mine) < 8


def test_blocks_may_begin_with_a_token_of_their_own():
    blocks = cut_blocks([list(range(1, 8)), [9, 9]], context=3, first=0)
    # of each block two tokens are the document's: 7 give three blocks and leave one out
    assert blocks.tokens.tolist() == [[0, 1, 2], [0, 3, 4], [0, 5, 6], [0, 9, 9]]
    assert blocks.document.tolist() == [0, 0, 0, 1]
    with pytest.raises(CorpusError, match=r"a block of 2 tokens \(the longest has 1\)"):
        cut_blocks([[1]], context=3, first=0)


def test_short_documents_are_padded_where_that_is_asked_for():
    documents = [list(range(1, 8)), [9, 9], [], [5, 6], list(range(20, 24))]
    blocks = cut_blocks(documents, context=4, padded=True)
    # two tokens are no block: the first query is left out, and needs a target
    assert blocks.tokens.tolist() == [[1, 2, 3, 4], [20, 21, 22, 23]]
    assert blocks.text_tokens == 15
    blocks = cut_blocks([*documents, [7, 8, 9]], context=4, padded=True)
    assert blocks.tokens.tolist()[-1] == [7, 8, 9, PADDING]
    assert blocks.lengths.tolist() == [4, 4, 3]
    assert (blocks.n_padded, blocks.padded_tokens) == (1, 3)
    assert blocks.is_text.sum(axis=1).tolist() == [4, 4, 3]
    assert cut_blocks([*documents, [7, 8, 9]], context=4).n_padded == 0


def test_padding_behind_a_first_token():
    blocks = cut_blocks([[7, 8], [1, 2, 3]], context=4, first=5, padded=True)
    assert blocks.tokens.tolist() == [[5, 7, 8, PADDING], [5, 1, 2, 3]]
    assert blocks.lengths.tolist() == [3, 4]


def test_a_text_of_short_documents_only():
    assert len(cut_blocks([[1, 2, 3]] * 5, context=64, padded=True).tokens) == 5
    with pytest.raises(CorpusError, match=r"no document has 3 tokens.*longest has 2"):
        cut_blocks([[1, 2]] * 5, context=64, padded=True)
