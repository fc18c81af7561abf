"""Means over documents and types: against loops and statsmodels, and the rates that they promise."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from hypotest.inference.crossed import crossed_interval
from hypotest.inference.crossed_means import MeanContrast, mean_contrast, permuted_contrasts, sum_ratio
from hypotest.inference.relabelling import permute_types
from hypotest.records.evidence.rows import effective_number

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def rows(
    rng: np.random.Generator,
    *,
    type_sd: float = 0.5,
    document_sd: float = 0.3,
    n_documents: int = 60,
    n_types: int = 40,
    per_document: int = 8,
    zipf: float = 0.6,
) -> Rows:
    """Values, labels, documents and types; half the rows of each document are of each condition."""
    documents = np.repeat(np.arange(n_documents), per_document)
    first = np.arange(documents.size) % 2 == 0
    share = np.arange(1, n_types + 1) ** -zipf
    types = rng.choice(n_types, size=documents.size, p=share / share.sum()) + n_types * ~first
    values = (
        type_sd * rng.normal(size=2 * n_types)[types]
        + document_sd * rng.normal(size=n_documents)[documents]
        + rng.normal(size=documents.size)
    )
    return values, first, documents, types


def difference(values: np.ndarray, first: np.ndarray) -> float:
    return float(values[first].mean() - values[~first].mean())


def looped(values: np.ndarray, first: np.ndarray, units: np.ndarray, side: np.ndarray) -> float:
    """Delete-one jackknife, one unit after the other."""
    left_out = []
    for unit in np.unique(units[side]):
        kept = ~((units == unit) & side)
        left_out.append(difference(values[kept], first[kept]))
    return float(np.sum((left_out - np.mean(left_out)) ** 2) * (len(left_out) - 1) / len(left_out))


class TestMeanContrast:
    def test_against_a_loop(self) -> None:
        values, first, documents, types = rows(np.random.default_rng(0), n_documents=25)
        contrast = mean_contrast(values, first, documents, types)
        every = np.ones(values.size, dtype=bool)
        cells = documents * 1000 + types
        assert contrast.estimate == pytest.approx(difference(values, first))
        assert contrast.variances.documents.variance == pytest.approx(looped(values, first, documents, every))
        for component, side in zip(contrast.variances.types, (first, ~first), strict=True):
            assert component.variance == pytest.approx(looped(values, first, types, side))
            assert component.units == pytest.approx(effective_number(types[side]))
        by_cell = looped(values, first, cells, first) + looped(values, first, cells, ~first)
        assert contrast.variances.cells == pytest.approx(by_cell)

    def test_against_two_way_clusters_of_statsmodels(self) -> None:
        values, first, documents, types = rows(np.random.default_rng(1), n_documents=400, n_types=300)
        fit = sm.OLS(values, sm.add_constant(first.astype(float))).fit()
        both, by_document, by_type = cov_cluster_2groups(fit, documents, types, use_correction=False)
        variances = mean_contrast(values, first, documents, types).variances
        # They do not correct for the number of clusters or their leverage: 1 to 3 % here.
        assert variances.documents.variance == pytest.approx(by_document[1, 1], rel=0.02)
        assert variances.over_types == pytest.approx(by_type[1, 1], rel=0.05)
        assert variances.total == pytest.approx(both[1, 1], rel=0.05)

    def test_one_mean(self) -> None:
        values, first, documents, types = rows(np.random.default_rng(2))
        contrast = mean_contrast(values[first], first[first], documents[first], types[first])
        assert contrast.estimate == pytest.approx(values[first].mean())
        assert len(contrast.variances.types) == 1

    def test_documents_alone(self) -> None:
        values, first, documents, types = rows(np.random.default_rng(2))
        alone = mean_contrast(values, first, documents, None)
        crossed = mean_contrast(values, first, documents, types)
        assert alone.variances.types == ()
        assert alone.variances.total == crossed.variances.documents.variance

    def test_without_type_effects_it_is_close_to_the_document_error(self) -> None:
        ratios = []
        for seed in range(20):
            data = rows(np.random.default_rng(seed), type_sd=0.0, n_documents=200, n_types=300)
            variances = mean_contrast(*data).variances
            ratios.append(variances.total / variances.documents.variance)
        assert 1.0 <= np.mean(ratios) < 1.35  # of variances: the floor takes the larger of noisy ones

    def test_one_type_that_dominates_is_refused(self) -> None:
        values, first, documents, types = rows(np.random.default_rng(4), zipf=3.0)
        reason = mean_contrast(values, first, documents, types).variances.too_few()
        assert "first types" in reason
        assert "second types" in reason

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda v, f, d, t: (v[:-1], f, d, t), "vectors of one length"),
            (lambda v, f, d, t: (v, f & False, d, t), "a row of the first condition"),
            (lambda v, f, d, t: (np.where(f, np.nan, v), f, d, t), "not finite"),
            (lambda v, f, d, t: (v, f, d, np.where(f, 0, t + 1)), "one type holds all rows"),
        ],
    )
    def test_refuses(self, change, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            mean_contrast(*change(*rows(np.random.default_rng(0))))


class TestPermutedContrasts:
    def test_each_draw_is_the_contrast_under_its_labels(self) -> None:
        values, first, documents, types = rows(np.random.default_rng(5), n_documents=30)
        drawn = permuted_contrasts(values, first, documents, types, 70, np.random.default_rng(7))
        relabelled = permute_types(first, types, 70, np.random.default_rng(7))
        for draw in (0, 1, 69):
            labels = relabelled.of_positions(draw)
            assert not np.array_equal(labels, first)
            expected = mean_contrast(values, labels, documents, types).statistic
            assert drawn[draw] == pytest.approx(expected)

    def test_equal_generators_give_equal_draws(self) -> None:
        data = rows(np.random.default_rng(5))
        one, other = (permuted_contrasts(*data, 20, np.random.default_rng(1)) for _ in range(2))
        assert np.array_equal(one, other)
        assert not np.array_equal(one, permuted_contrasts(*data, 20, np.random.default_rng(2)))

    def test_an_effect_is_found(self) -> None:
        values, first, documents, types = rows(np.random.default_rng(6), type_sd=0.2)
        moved = values + 1.0 * first
        t = mean_contrast(moved, first, documents, types).statistic
        drawn = permuted_contrasts(moved, first, documents, types, 99, np.random.default_rng(0))
        assert np.abs(drawn).max() < t


class TestRates:
    """With types that differ, documents alone reject several times too often; both factors do not."""

    N = 400

    def test_level_and_coverage_over_new_types(self) -> None:
        rejected = {"documents": 0, "crossed": 0}
        covered, permuted = 0, 0
        for seed in range(self.N):
            values, first, documents, types = rows(np.random.default_rng((11, seed)))
            contrast: MeanContrast = mean_contrast(values, first, documents, types)
            spread = contrast.variances
            alone = contrast.estimate / np.sqrt(spread.documents.variance)
            rejected["documents"] += bool(2 * stats.t.sf(abs(alone), 59) <= 0.05)
            p = 2 * stats.t.sf(abs(contrast.statistic), spread.degrees_of_freedom)
            rejected["crossed"] += bool(p <= 0.05)
            covered += bool(p > 0.10)
            if seed < 100:
                rng = np.random.default_rng((12, seed))
                drawn = permuted_contrasts(values, first, documents, types, 39, rng)
                permuted += bool(np.sum(np.abs(drawn) >= abs(contrast.statistic)) <= 1)
        # 99.9 % binomial bounds around 0.05 and 0.90 of 400 are 7 to 36 and 338 to 379.
        assert rejected["documents"] > 80
        assert 3 <= rejected["crossed"] <= 36
        assert 338 <= covered <= 388  # the floor errs on the side of covering
        assert permuted <= 14  # 99.9 % of 100 at 0.05


class TestSumRatio:
    def test_against_a_loop(self) -> None:
        values, _, documents, types = rows(np.random.default_rng(3), n_documents=25)
        part, whole = np.exp(values), 1 + np.exp(0.5 * values)
        ratio = sum_ratio(part, whole, documents, types)
        assert ratio.estimate == pytest.approx(part.sum() / whole.sum())
        assert ratio.variances.documents.units == pytest.approx(effective_number(documents))
        for units, variance in (
            (documents, ratio.variances.documents.variance),
            (types, ratio.variances.types[0].variance),
            (documents * 1000 + types, ratio.variances.cells),
        ):
            left = [part[units != unit].sum() / whole[units != unit].sum() for unit in np.unique(units)]
            looped = np.sum((left - np.mean(left)) ** 2) * (len(left) - 1) / len(left)
            assert variance == pytest.approx(looped)

    def test_intervals_hold_the_ratio_over_new_documents_and_types(self) -> None:
        rng, covered = np.random.default_rng(4), 0
        for _ in range(200):
            logit, _, documents, types = rows(rng, type_sd=1.5)
            whole = np.exp(0.5 * rng.normal(size=logit.size))
            ratio = sum_ratio(whole / (1 + np.exp(-logit)), whole, documents, types)
            interval = crossed_interval(ratio.estimate - 0.5, ratio.variances, 0.9)
            covered += interval.low <= 0 <= interval.high
        assert 0.82 < covered / 200 < 0.97  # five standard errors around 0.9; over documents alone: 0.5

    def test_refusals(self) -> None:
        ones, units = np.ones(4), np.arange(4)
        with pytest.raises(ValueError, match="vectors of one length"):
            sum_ratio(ones, ones[:3], units, units)
        with pytest.raises(ValueError, match="not finite"):
            sum_ratio(ones * np.nan, ones, units, units)
        with pytest.raises(ValueError, match="one document holds all"):
            sum_ratio(ones, np.array([0.0, 0, 0, 1]), units, units)


def test_labels_swapped_within_pairs_are_signs_of_their_differences():
    rng = np.random.default_rng(3)
    pairs, first = np.repeat(np.arange(5), 2), np.tile([True, False], 5)
    values = rng.normal(size=10)
    draws = permuted_contrasts(values, first, pairs, None, 400, rng, (np.arange(10), pairs))
    flipped = (2.0 * np.array(list(np.ndindex(*(2,) * 5))) - 1) * (values[first] - values[~first])
    # every pair is a document of its own: the t of one sample of differences
    expected = flipped.mean(axis=1) / (flipped.std(axis=1, ddof=1) / np.sqrt(5))
    assert np.abs(draws[:, None] - expected).min(axis=1).max() < 1e-9
    assert np.unique(np.round(draws, 6)).size == 32
    with pytest.raises(ValueError, match="there are none"):
        permuted_contrasts(values, first, pairs, None, 4, rng)


def test_without_types_a_ratio_is_over_documents_alone():
    rng = np.random.default_rng(4)
    part, whole, documents = rng.uniform(size=30), rng.uniform(1, 2, size=30), np.repeat(np.arange(10), 3)
    alone, crossed = (sum_ratio(part, whole, documents, kinds) for kinds in (None, np.arange(30) % 7))
    assert alone.estimate == crossed.estimate
    assert alone.variances.types == () and alone.variances.documents == crossed.variances.documents
