"""Document intervals: by hand, against scipy, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hypotest.inference.bootstrap import (
    contrast_interval,
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


class TestContrastInterval:
    def test_by_hand(self) -> None:
        # r = R = 3. Controls (2 x 3): means per resample m = (2, 4, 6), so var(m) = 4.
        controls = np.array([[1.0, 4.0, 7.0], [3.0, 4.0, 5.0]])
        # Residuals after the group means 4 and 4 and the resample means: -1, 0, 1 and 1, 0, -1;
        # MS = 4 / (1 * 2) = 2, MS / C = 1.
        # Group (4, 8, 6): var 4, cov with m: (-2 * -2 + 2 * 0 + 0 * 2) / 2 = 2; b = 2 / 4.
        # rho^2 = 4 / 16, so V = (1/2)^2 * 4 + [0.75 * 4 - 1] = 3.
        group = np.array([4.0, 8.0, 6.0])
        originals = np.array([3.0, 4.0])
        found = contrast_interval(
            5.0, 2.0, group, np.full(20, 5.0), originals, controls, 0.90, null_mean_variance=0.5
        )
        # Bias of T(G): 6 - 5 = 1; of the controls: 4 - 3 = 1 and 4 - 4 = 0, mean 0.5, variance 0.5.
        # Centre 5 - 2 - (1 - 0.5) = 2.5; variance 3 + 0.5 + 0.5 / 2 = 3.75.
        assert (found.low + found.high) / 2 == pytest.approx(2.5)
        assert found.standard_error == pytest.approx(np.sqrt(3.75))
        assert found.high - 2.5 == pytest.approx(1.7291 * np.sqrt(3.75), abs=1e-3)
        assert found.degrees_of_freedom == 19
        # The jackknife has variance 19/20 * 20 * 0.64 = 12.16, 3.04 times the bootstrap's 4.
        wider = contrast_interval(
            5.0, 2.0, group, np.tile([4.2, 5.8], 10), originals, controls, 0.90,
            null_mean_variance=0.5,
        )  # fmt: skip
        assert wider.standard_error == pytest.approx(np.sqrt(3 * 3.04 + 0.75))

    def test_controls_that_do_not_move_leave_the_document_interval(self) -> None:
        rng = np.random.default_rng(0)
        group, jackknife = rng.normal(5, 1, 200), rng.normal(5, 0.1, 30)
        still = contrast_interval(
            5.0, 2.0, group, jackknife, np.array([2.0, 3.0]),
            np.array([[2.0] * 50, [3.0] * 50]), 0.90, null_mean_variance=0.04,
        )  # fmt: skip
        plain = document_interval(3.0, group - 2.0, jackknife, 30, 0.90, extra_variance=0.04)
        assert still.standard_error == pytest.approx(plain.standard_error)
        assert (still.low, still.high) == pytest.approx((plain.low, plain.high))

    def test_a_group_that_only_follows_the_null_has_no_variance_of_its_own(self) -> None:
        common = np.random.default_rng(0).normal(size=100)
        controls = np.array([[1.0], [2.0], [3.0]]) + common
        found = contrast_interval(
            4.0, 2.0, 4 + common, np.full(20, 4.0), np.array([1.0, 2.0, 3.0]), controls, 0.90,
            null_mean_variance=0.0,
        )  # fmt: skip
        assert found.standard_error == pytest.approx(0.0, abs=1e-6)
        assert found.low == pytest.approx(2.0, abs=1e-6)

    def test_a_group_that_does_not_move(self) -> None:
        # Only mu moves; the slope on a constant is 0, the jackknife of a constant too.
        common = np.random.default_rng(0).normal(size=400)
        controls = np.array([[1.0], [2.0]]) + common
        found = contrast_interval(
            4.0, 1.5, np.full(400, 4.0), np.full(20, 4.0), np.array([1.0, 2.0]), controls, 0.90,
            null_mean_variance=0.0,
        )  # fmt: skip
        assert found.standard_error == pytest.approx(common.std(ddof=1))

    @pytest.mark.parametrize("n_controls", [3, 20])
    def test_variance_and_coverage_in_simulation(self, n_controls: int) -> None:
        """T_g = mean over documents of a_g + l_g u_d + e_gd, with l_g ~ N(0.7, 0.5^2) over groups.

        mu = mean a + 0.7 mean(u), and var(T(G) - mu) = ((l_G - 0.7)^2 var(u) + var(e)) / D.
        Controls have interaction variance (0.25 + 1) / D: with 3 of them the mean of the controls
        is far noisier than mu, and an uncorrected variance would be larger by 1.25 / 3 of var(e) /
        D.
        """
        rng = np.random.default_rng(n_controls)
        n_simulations, n_documents, level, loading = 250, 50, 0.90, 1.5
        true_variance = ((loading - 0.7) ** 2 + 1) / n_documents
        variances, covered = [], 0
        for _ in range(n_simulations):
            shared = rng.normal(size=n_documents)
            loadings = rng.normal(0.7, 0.5, n_controls)
            offsets = rng.normal(size=n_controls)
            group = 2.0 + loading * shared + rng.normal(size=n_documents)
            controls = offsets[:, None] + loadings[:, None] * shared
            controls = controls + rng.normal(size=(n_controls, n_documents))
            weights = document_weights(n_documents, 600, rng) / n_documents
            found = contrast_interval(
                float(group.mean()),
                0.7 * float(shared.mean()),  # the null's mean over infinitely many draws
                weights @ group,
                jackknife_weights(n_documents) @ group / (n_documents - 1),
                controls.mean(axis=1),
                controls @ weights[:200].T,
                level,
                null_mean_variance=0.0,
            )
            variances.append(found.standard_error**2)
            covered += found.low <= 2.0 <= found.high
        # A chi-square with 49 degrees of freedom has relative SD 0.2, the mean of 250 of them
        # 0.013; the noise of three controls' covariances adds as much.
        assert np.mean(variances) == pytest.approx(true_variance, rel=0.08)
        assert stats.binom.ppf(0.0005, n_simulations, level - 0.03) <= covered
        assert covered <= stats.binom.ppf(0.9995, n_simulations, level + 0.03)

    def test_a_bias_that_all_groups_share_cancels(self) -> None:
        # The plug-in variance is too small by a factor (1 - 1/D) in every group.
        rng = np.random.default_rng(4)
        n_documents = 40
        data = rng.normal(size=(6, n_documents))
        weights = document_weights(n_documents, 4000, rng) / n_documents
        estimates = data.var(axis=1)
        replicates = data**2 @ weights.T - (data @ weights.T) ** 2
        found = contrast_interval(
            float(estimates[0]), 1.0, replicates[0], np.full(40, 1.0), estimates[1:],
            replicates[1:, :500], 0.90, null_mean_variance=0.0,
        )  # fmt: skip
        alone = document_interval(float(estimates[0]) - 1, replicates[0] - 1, np.full(40, 1.0), 40, 0.9)
        shift = (alone.low + alone.high) / 2 - (estimates[0] - 1)
        assert shift == pytest.approx(estimates[0] / n_documents, rel=0.25)
        assert abs((found.low + found.high) / 2 - (estimates[0] - 1)) < shift / 2

    def test_refuses(self) -> None:
        group, jackknife = np.arange(10.0), np.arange(20.0)

        def interval(originals: np.ndarray, controls: np.ndarray, group: np.ndarray = group) -> None:
            contrast_interval(1.0, 0.0, group, jackknife, originals, controls, 0.90, null_mean_variance=0.0)

        with pytest.raises(ValueError, match="C >= 2"):
            interval(np.ones(1), np.ones((1, 5)))
        with pytest.raises(ValueError, match="found"):
            interval(np.ones(3), np.ones((2, 5)))
        with pytest.raises(ValueError, match="3 to 10 resamples"):
            interval(np.ones(2), np.ones((2, 11)))
        with pytest.raises(ValueError, match="3 to 10 resamples"):
            interval(np.ones(2), np.ones((2, 2)))
        with pytest.raises(ValueError, match="controls' values"):
            interval(np.ones(2), np.full((2, 5), np.nan))
        with pytest.raises(ValueError, match="replicates are not"):
            interval(np.ones(2), np.ones((2, 5)), np.array([np.nan, 1.0, 2.0, 3.0, 4.0]))
