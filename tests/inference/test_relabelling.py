"""Shuffled labels: what moves together, how often, and how many distinct ways there are."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hypotest.inference.randomization import compare_with_null
from hypotest.inference.relabelling import (
    Relabellings,
    permute_labels,
    permute_types,
)


def equally_frequent(relabellings: Relabellings) -> bool:
    """Whether all distinct relabellings occur, about equally often."""
    counts = Counter(map(bytes, relabellings.labels))
    assert len(counts) == round(10**relabellings.log10_distinct)
    return bool(stats.chisquare(list(counts.values())).pvalue > 0.001)


def within_documents(
    labels: np.ndarray, documents: np.ndarray, n_draws: int, rng: np.random.Generator
) -> Relabellings:
    return permute_labels(labels, np.arange(len(labels)), documents, n_draws, rng)


class TestPermuteWithinDocuments:
    def test_uniform_over_all_relabellings(self) -> None:
        # Documents 5 (positions 0, 2, 4), 7 (1, 3, 6, 7), 9 (5, labelled): C(3,1) * C(4,2) = 18.
        labels = np.array([1, 1, 0, 1, 0, 1, 0, 0], dtype=bool)
        documents = np.array([5, 7, 5, 7, 5, 9, 7, 7])
        relabellings = within_documents(labels, documents, 3000, np.random.default_rng(0))
        assert relabellings.log10_distinct == pytest.approx(math.log10(18))
        assert relabellings.n_informative == 2
        assert relabellings.labels.shape == (3000, 8)
        assert equally_frequent(relabellings)
        for document in (5, 7, 9):
            members = documents == document
            assert (relabellings.labels[:, members].sum(axis=1) == labels[members].sum()).all()
        assert np.array_equal(relabellings.of_positions(slice(None)), relabellings.labels)
        assert np.array_equal(relabellings.of_positions(3), relabellings.labels[3])

    def test_agrees_with_scipys_exact_test_in_one_document(self) -> None:
        rng = np.random.default_rng(5)
        values = rng.normal(size=10)
        labels = np.arange(10) < 4
        values[labels] += 1.0
        relabellings = within_documents(labels, np.zeros(10, dtype=int), 10_000, rng)
        draws = relabellings.labels @ values / 4 - ~relabellings.labels @ values / 6
        observed = float(values[labels].mean() - values[~labels].mean())
        ours = compare_with_null(observed, draws)
        exact = stats.permutation_test(
            (values[labels], values[~labels]),
            lambda x, y: np.mean(x) - np.mean(y),
            permutation_type="independent",
            n_resamples=np.inf,
        )
        assert len(exact.null_distribution) == 210
        assert abs(ours.p_value - exact.pvalue) < 4 * ours.p_error + 2 / 10_000

    def test_nothing_to_permute(self) -> None:
        labels = np.array([True, True, False])
        relabellings = within_documents(labels, np.array([0, 0, 1]), 4, np.random.default_rng(0))
        assert (relabellings.log10_distinct, relabellings.n_informative) == (0.0, 0)
        assert (relabellings.labels == labels).all()

    @given(
        data=st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=40),
        seed=st.integers(0, 99),
    )
    @settings(deadline=None, max_examples=30)
    def test_counts_stay_and_the_order_of_positions_is_kept(
        self, data: list[tuple[bool, int]], seed: int
    ) -> None:
        labels = np.array([label for label, _ in data])
        documents = np.array([document for _, document in data])
        before = labels.copy()
        relabellings = within_documents(labels, documents, 5, np.random.default_rng(seed))
        assert np.array_equal(labels, before)
        expected = 0.0
        for document in set(documents.tolist()):
            members = documents == document
            n, m = int(members.sum()), int(labels[members].sum())
            assert (relabellings.labels[:, members].sum(axis=1) == m).all()
            expected += math.log10(math.comb(n, m))
        assert relabellings.log10_distinct == pytest.approx(expected, abs=1e-9)

    def test_refuses(self) -> None:
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match="boolean"):
            within_documents(np.array([0, 1]), np.array([0, 0]), 2, rng)
        with pytest.raises(ValueError, match="one length"):
            within_documents(np.array([True]), np.array([0, 0]), 2, rng)
        with pytest.raises(ValueError, match="non-empty"):
            within_documents(np.array([], dtype=bool), np.array([]), 2, rng)


class TestPermuteTypes:
    # Type: positions -> stratum floor(log2). 30: 1 -> 0; 10: 1 -> 0; 20: 2 -> 1; 40: 3 -> 1; 50: 3
    # -> 1.
    TYPES = np.array([30, 20, 40, 10, 40, 20, 50, 40, 50, 50])
    RARE = np.isin(TYPES, [30, 50])

    def test_uniform_over_all_relabellings(self) -> None:
        relabellings = permute_types(self.RARE, self.TYPES, 3000, np.random.default_rng(0))
        # C(2,1) in stratum 0 and C(3,1) in stratum 1.
        assert relabellings.log10_distinct == pytest.approx(math.log10(6))
        assert relabellings.n_informative == 2
        assert relabellings.labels.shape == (3000, 5)  # types 10, 20, 30, 40, 50
        assert equally_frequent(relabellings)
        assert (relabellings.labels[:, [0, 2]].sum(axis=1) == 1).all()
        assert (relabellings.labels[:, [1, 3, 4]].sum(axis=1) == 1).all()

    def test_positions_of_a_type_move_together(self) -> None:
        relabellings = permute_types(self.RARE, self.TYPES, 50, np.random.default_rng(1))
        positions = relabellings.of_positions(slice(None))
        assert positions.shape == (50, 10)
        for column, token in enumerate((10, 20, 30, 40, 50)):
            assert (positions[:, token == self.TYPES] == relabellings.labels[:, [column]]).all()
        assert np.array_equal(relabellings.of_positions(4), positions[4])

    def test_strata_at_powers_of_two(self) -> None:
        # Counts 3 and 4 lie on two sides of a border, 4 and 7 do not.
        def distinct(first: int, second: int) -> float:
            types = np.repeat([0, 1], [first, second])
            return permute_types(types == 0, types, 2, np.random.default_rng(0)).log10_distinct

        assert distinct(3, 4) == 0.0
        assert distinct(4, 7) == pytest.approx(math.log10(2))
        assert distinct(7, 8) == 0.0

    def test_agrees_with_scipys_exact_test_over_types(self) -> None:
        rng = np.random.default_rng(8)
        types = np.arange(9)  # one position each: one stratum
        values = rng.normal(size=9) + (types < 4)
        relabellings = permute_types(types < 4, types, 10_000, rng)
        ours = compare_with_null(float(values[:4].sum()), relabellings.labels @ values, "greater")
        exact = stats.permutation_test(
            (values[:4], values[4:]),
            lambda x, y: np.sum(x),
            permutation_type="independent",
            alternative="greater",
            n_resamples=np.inf,
        )
        assert len(exact.null_distribution) == 126
        assert abs(ours.p_value - exact.pvalue) < 4 * ours.p_error + 1 / 10_000

    def test_refuses_a_type_with_both_labels(self) -> None:
        with pytest.raises(ValueError, match=r"1 of 1 units have both labels \(such as 5\)"):
            permute_types(np.array([True, False]), np.array([5, 5]), 2, np.random.default_rng(0))


def test_units_move_together_within_strata():
    documents = np.array([0, 0, 0, 0, 1, 1, 1])
    types = np.array([5, 5, 7, 8, 5, 9, 9])
    labels = np.array([True, True, False, False, True, False, False])
    shuffled = permute_labels(labels, documents * 10 + types, documents, 500, np.random.default_rng(0))
    positions = shuffled.of_positions(slice(None))
    assert (positions[:, 0] == positions[:, 1]).all()
    assert (positions[:, 5] == positions[:, 6]).all()
    # three types with one label in document 0, two with one in document 1: 3 * 2 relabellings
    assert 10**shuffled.log10_distinct == pytest.approx(6)
    assert np.unique(positions, axis=0).shape[0] == 6
    assert (positions[:, 0] != positions[:, 4]).any()  # the same type, another document


def test_labels_of_pairs_change_places_as_signs_flip():
    rng = np.random.default_rng(3)
    differences = rng.normal(0.5, 1, 8)
    values = np.r_[differences, np.zeros(8)]  # a pair is a row and the one eight behind it
    pairs, labels = np.tile(np.arange(8), 2), np.arange(16) < 8
    relabellings = permute_labels(labels, np.arange(16), pairs, 10_000, rng)
    assert 10**relabellings.log10_distinct == pytest.approx(2**8)
    draws = (relabellings.labels @ values - ~relabellings.labels @ values) / 8
    ours = compare_with_null(float(differences.mean()), draws)
    exact = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert abs(ours.p_value - exact.pvalue) < 4 * ours.p_error + 2 / 10_000


def test_a_unit_must_lie_in_one_stratum():
    with pytest.raises(ValueError, match="must lie in one stratum"):
        permute_labels(
            np.ones(2, dtype=bool), np.array([5, 5]), np.array([0, 1]), 3, np.random.default_rng(0)
        )
