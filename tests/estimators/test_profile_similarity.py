import numpy as np
import pytest

from hypotest.estimators import profile_similarity as module
from hypotest.estimators.profile_similarity import profile_similarity


def rows(seed=0, n=60, units=5):
    rng = np.random.default_rng(seed)
    first = np.arange(n) % 2 == 0
    types = np.where(first, rng.integers(0, 7, n), 10 + rng.integers(0, 7, n))
    return rng.exponential(size=(n, units)), first, np.arange(n) // 6, types


def by_pairs(influence, first, documents, types, keep):
    """Every pair of rows that shares neither document nor type, one after the other."""
    products = []
    for one, two in ((True, True), (True, False), (False, False)):
        of_pairs = [
            influence[i] @ influence[j]
            for i in np.flatnonzero(keep & (first == one))
            for j in np.flatnonzero(keep & (first == two))
            if documents[i] != documents[j] and (types is None or types[i] != types[j])
        ]
        products.append(np.mean(of_pairs))
    return products[1] / np.sqrt(products[0] * products[2])


@pytest.mark.parametrize("with_types", [True, False])
@pytest.mark.parametrize("at_once", [3, 1024])
def test_it_is_the_mean_over_pairs_that_share_neither_document_nor_type(monkeypatch, with_types, at_once):
    monkeypatch.setattr(module, "_CODES_AT_ONCE", at_once)
    influence, first, documents, types = rows()
    types = types if with_types else None
    groups = np.random.default_rng(1).integers(0, 4, first.size)  # the last of them always stays
    similarity = profile_similarity(influence, first, documents, types, [(groups, 3), (documents, 10)])
    expected = by_pairs(influence, first, documents, types, np.ones_like(first))
    assert similarity.similarity == pytest.approx(expected)
    for without, units in zip(similarity.without, (groups, documents), strict=True):
        left = [
            by_pairs(influence, first, documents, types, units != unit) for unit in range(without.size - 1)
        ]
        np.testing.assert_allclose(without, [expected, *left])


def test_units_apart_give_zero_and_one_profile_gives_one():
    rng = np.random.default_rng(3)
    _, first, documents, types = rows(n=2000)
    apart = rng.exponential(size=(2000, 6)) * np.where(first[:, None], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1])
    assert profile_similarity(apart, first, documents, types).similarity == 0
    profile = rng.exponential(size=6)
    noisy = np.abs(profile + 3 * rng.normal(size=(2000, 6)))
    similarity = profile_similarity(noisy, first, documents, types)
    assert similarity.similarity == pytest.approx(1, abs=0.01)
    twice = profile_similarity(noisy * np.where(first, 2, 1)[:, None], first, documents, types)
    assert twice.similarity == pytest.approx(
        similarity.similarity
    )  # the scale of a condition does not matter


def test_what_types_bring_of_their_own_does_not_lower_it():
    """Each type moves each unit, and the two conditions have no type in common."""
    rng = np.random.default_rng(4)
    n, units = 6000, 20
    first = np.arange(n) % 2 == 0
    types = np.where(first, rng.integers(0, 40, n), 40 + rng.integers(0, 40, n))
    influence = np.exp(rng.normal(size=units) + rng.normal(size=(80, units))[types])
    similarity = profile_similarity(influence, first, np.arange(n) // 10, types)
    assert similarity.cosine < 0.97
    assert abs(similarity.similarity - 1) < abs(similarity.cosine - 1)


def test_nothing_to_compare_has_no_value():
    _, first, documents, types = rows()
    similarity = profile_similarity(np.zeros((60, 5)), first, documents, types)
    assert np.isnan(similarity.similarity) and np.isnan(similarity.cosine)
    with pytest.raises(ValueError, match="both conditions need a row"):
        profile_similarity(np.ones((60, 5)), np.ones_like(first), documents, types)
    with pytest.raises(ValueError, match="not finite"):
        profile_similarity(np.full((60, 5), np.nan), first, documents, types)
