import numpy as np
import pytest

from hypotest.estimators.dissociation import dissociation_index
from hypotest.inference.crossed_functions import function_of_means
from hypotest.inference.crossed_means import mean_contrast


def rows(seed=0, n_documents=30, per=6):
    rng = np.random.default_rng(seed)
    documents = np.repeat(np.arange(n_documents), 2 * per)
    first = np.tile(np.arange(2 * per) < per, n_documents)
    types = np.where(first, rng.integers(0, 40, documents.size), 100 + rng.integers(0, 40, documents.size))
    return 1 + rng.normal(size=documents.size) + first, first, documents, types


def test_of_a_difference_it_is_the_contrast_of_means():
    values, first, documents, types = rows()
    contrast = function_of_means(values, first, documents, types, np.subtract)
    expected = mean_contrast(values, first, documents, types)
    assert contrast.estimate == pytest.approx(expected.estimate)
    assert contrast.variances.total == pytest.approx(expected.variances.total)
    assert contrast.variances.degrees_of_freedom == expected.variances.degrees_of_freedom


def test_the_index_without_each_document_and_type():
    values, first, documents, types = rows(1)
    estimated = function_of_means(values, first, documents, types, dissociation_index)

    def index(keep):
        one, two = values[keep & first].mean(), values[keep & ~first].mean()
        return (one - two) / (one + two)

    def spread(units, side=True):
        left = np.array(
            [index((units != unit) | ~(first == side)) for unit in np.unique(units[first == side])]
        )
        return (left.size - 1) * left.var()

    of_documents = np.array([index(documents != unit) for unit in np.unique(documents)])
    cells = documents * 1000 + types
    assert estimated.estimate == pytest.approx(index(np.ones_like(first)))
    assert estimated.variances.documents.variance == pytest.approx(29 * of_documents.var())
    assert [item.variance for item in estimated.variances.types] == pytest.approx(
        [spread(types, True), spread(types, False)]
    )
    assert estimated.variances.cells == pytest.approx(spread(cells, True) + spread(cells, False))


def test_without_types_documents_are_the_only_units():
    values, first, documents, _ = rows()
    assert function_of_means(values, first, documents, None, np.subtract).variances.types == ()


@pytest.mark.parametrize("change", ["one label", "one document", "not finite"])
def test_what_has_no_mean_without_a_unit_is_refused(change):
    values, first, documents, types = rows()
    if change == "one label":
        first = np.ones_like(first)
    elif change == "one document":
        documents = np.where(first, 0, documents)
    else:
        values[3] = np.nan
    with pytest.raises(ValueError, match=r"rows of both labels|holds all rows|not finite"):
        function_of_means(values, first, documents, types, np.subtract)


def test_coverage_of_the_index():
    """90 % intervals over new documents and types, with effects of both: 0.91 with 600 layers a setting."""
    from scipy import stats

    covered, n = 0, 300
    rng = np.random.default_rng(4)
    _, first, documents, types = rows(2, n_documents=40)
    for _ in range(n):
        noise = rng.normal(size=first.size) + 0.5 * rng.normal(size=200)[types]
        noise += 0.3 * rng.normal(size=(2, 40))[first.astype(int), documents]
        values = np.where(first, 1.0, 0.3) + noise
        estimated = function_of_means(values, first, documents, types, dissociation_index)
        half = stats.t.ppf(0.95, estimated.variances.degrees_of_freedom) * np.sqrt(estimated.variances.total)
        covered += abs(estimated.estimate - 0.7 / 1.3) <= half
    assert 0.86 <= covered / n <= 0.98  # a binomial of 0.91 lies within 0.05 in 99.7 %
