"""Document intervals: by hand, against scipy, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hypotest.inference.bootstrap import (
    document_interval,
    document_weights,
    jackknife_weights,
)
from hypotest.records.design import MINIMUM_DOCUMENTS


def test_document_weights_are_multinomial_counts() -> None:
    weights = document_weights(30, 5000, np.random.default_rng(0))
    assert weights.shape == (5000, 30)
    assert weights.dtype == np.int32
    assert (weights.sum(axis=1) == 30).all()
    # Mean 1, variance 1 - 1/D per document; covariance -1/D.
    assert weights.mean(axis=0) == pytest.approx(1.0, abs=0.06)
    assert weights.var(axis=0).mean() == pytest.approx(1 - 1 / 30, rel=0.02)
    again = document_weights(30, 5000, np.random.default_rng(0))
    assert np.array_equal(weights, again)


def test_jackknife_weights_leave_one_out() -> None:
    weights = jackknife_weights(4)
    assert np.diag(weights).tolist() == [0, 0, 0, 0]
    assert weights.sum() == 12


class TestDocumentInterval:
    def test_by_hand(self) -> None:
        # Bootstrap: mean 11, variance 2; jackknife: values +-0.1, so 19/20 * 20 * 0.01 = 0.19 < 2.
        replicates = np.array([10.0, 12.0])
        jackknife = np.tile([9.9, 10.1], 10)
        found = document_interval(10.0, replicates, jackknife, 20, 0.90, extra_variance=0.25)
        assert found.standard_error == pytest.approx(np.sqrt(2.25))
        # Centre 2 * 10 - 11 = 9; t(0.95; 19) = 1.7291.
        assert found.low == pytest.approx(9 - 1.7291 * 1.5, abs=1e-4)
        assert found.high == pytest.approx(9 + 1.7291 * 1.5, abs=1e-4)
        assert (found.level, found.degrees_of_freedom) == (0.90, 19)

    def test_the_jackknife_counts_when_it_is_larger(self) -> None:
        jackknife = np.tile([9.0, 11.0], 10)  # 19/20 * 20 * 1 = 19
        found = document_interval(10.0, np.array([10.0, 12.0]), jackknife, 20, 0.90)
        assert found.standard_error == pytest.approx(np.sqrt(19))

    def test_jackknife_of_a_mean_is_its_standard_error(self) -> None:
        x = np.random.default_rng(0).exponential(size=50)
        jackknife = jackknife_weights(50) @ x / 49
        found = document_interval(x.mean(), np.full(3, x.mean()), jackknife, 50, 0.95)
        reference = stats.ttest_1samp(x, 0.0).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((reference.low, reference.high))

    def test_bootstrap_sd_agrees_with_scipy(self) -> None:
        # One position per document; the statistic is not linear. SDs of 4,000 resamples: +-1.1 %
        # each.
        rng = np.random.default_rng(1)
        x = rng.gamma(2.0, size=60)
        weights = document_weights(60, 4000, rng)
        mean = weights @ x / 60
        replicates = np.sqrt(weights @ x**2 / 60 - mean**2) / mean
        ours = document_interval(float(x.std() / x.mean()), replicates, np.full(60, 1.0), 60, 0.90)
        theirs = stats.bootstrap(
            (x,),
            lambda s, axis: np.std(s, axis=axis) / np.mean(s, axis=axis),
            n_resamples=4000,
            rng=rng,
        )
        assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.06)

    @pytest.mark.slow
    def test_coverage_with_unequal_documents(self) -> None:
        # A ratio of sums over 40 documents of 1 to 60 positions whose means differ; the truth is 1.
        rng = np.random.default_rng(2)
        n_simulations, n_documents, level, truth = 600, 40, 0.90, 1.0
        covered = 0
        for _ in range(n_simulations):
            sizes = np.minimum(60, 1 + rng.geometric(0.08, n_documents)).astype(float)
            sums = sizes * (truth + rng.normal(0, 0.5, n_documents))
            sums += np.sqrt(sizes) * rng.normal(size=n_documents)
            weights = document_weights(n_documents, 400, rng)
            without = jackknife_weights(n_documents)
            found = document_interval(
                float(sums.sum() / sizes.sum()),
                (weights @ sums) / (weights @ sizes),
                (without @ sums) / (without @ sizes),
                n_documents,
                level,
            )
            covered += found.low <= truth <= found.high
        # Within 3 points of the nominal level, and 99.9 % for the number of simulations.
        assert stats.binom.ppf(0.0005, n_simulations, level - 0.03) <= covered
        assert covered <= stats.binom.ppf(0.9995, n_simulations, level + 0.03)

    def test_no_spread_gives_a_point(self) -> None:
        found = document_interval(2.0, np.full(5, 2.0), np.full(20, 2.0), 20, 0.90)
        assert (found.low, found.high, found.standard_error) == (2.0, 2.0, 0.0)

    def test_refuses(self) -> None:
        good = np.arange(20.0)
        with pytest.raises(ValueError, match="at least 20 documents, found 19"):
            document_interval(1.0, good, good[:19], 19, 0.90)
        assert MINIMUM_DOCUMENTS == 20
        with pytest.raises(ValueError, match="one value per document"):
            document_interval(1.0, good, good[:19], 20, 0.90)
        with pytest.raises(ValueError, match="vector of 2 or more"):
            document_interval(1.0, good[:1], good, 20, 0.90)
        with pytest.raises(ValueError, match="1 replicates are not"):
            document_interval(1.0, np.array([1.0, np.nan]), good, 20, 0.90)
        with pytest.raises(ValueError, match="the estimate is nan"):
            document_interval(np.nan, good, good, 20, 0.90)
        with pytest.raises(ValueError, match="not negative"):
            document_interval(1.0, good, good, 20, 0.90, extra_variance=-1.0)
        with pytest.raises(ValueError, match="level"):
            document_interval(1.0, good, good, 20, 90.0)
