"""Caps per document and per type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypotest.corpora.caps import capped_rows
from hypotest.inference.crossed import effective_number


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=80),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 99),
)
def test_no_unit_exceeds_its_cap_and_no_row_could_be_added(
    pairs: list[tuple[int, int]], of_documents: int, of_types: int, seed: int
) -> None:
    documents, types = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    limits = [of_documents, of_types]
    kept = capped_rows([documents, types], limits, np.random.default_rng(seed))
    assert np.array_equal(kept, np.unique(kept))
    counts = [np.bincount(units[kept], minlength=8) for units in (documents, types)]
    assert all(count.max(initial=0) <= limit for count, limit in zip(counts, limits, strict=True))
    for row in np.setdiff1d(np.arange(len(pairs)), kept):
        assert counts[0][documents[row]] == of_documents or counts[1][types[row]] == of_types


def test_the_rows_are_drawn_with_the_seed() -> None:
    types = np.repeat(np.arange(10), 50)
    one, same, other = (capped_rows([types], [3], np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert len(one) == 30


def test_every_row_of_a_unit_is_as_likely() -> None:
    types = np.zeros(4, dtype=int)
    kept = [int(capped_rows([types], [1], np.random.default_rng(seed))[0]) for seed in range(400)]
    assert np.bincount(kept, minlength=4).min() > 70  # 100 expected, SD 8.7


def test_a_cap_raises_the_effective_number_of_types() -> None:
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, 1001)
    types = rng.choice(1000, size=8000, p=share / share.sum())
    kept = capped_rows([types], [8], rng)
    assert effective_number(types[kept]) > 5 * effective_number(types)


@pytest.mark.parametrize(
    ("units", "limits", "message"),
    [
        ([], [], "needs a limit"),
        ([np.arange(3)], [0], "needs a limit"),
        ([np.arange(3), np.arange(4)], [1, 1], "one length"),
    ],
)
def test_refuses(units: list[np.ndarray], limits: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        capped_rows(units, limits, np.random.default_rng(0))
