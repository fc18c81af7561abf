"""Routing similarity with halves that share neither documents nor types."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hypotest.estimators.attention import routing
from hypotest.estimators.attention.routing import (
    crossed_correlations,
    crossed_halvings,
    crossed_routing,
    routing_correlations,
)
from hypotest.inference.left_out import leave_out

HEADS, CONTEXT = 3, 12
Rows = tuple[np.ndarray, ...]


def rows(
    rng: np.random.Generator,
    *,
    type_sd: float = 0.0,
    differ: bool = False,
    n: int = 600,
    n_documents: int = 60,
    n_types: int = 30,
    context: int = CONTEXT,
) -> Rows:
    """Attention of rows, place of their queries, labels, documents, types."""
    documents = np.repeat(np.arange(n_documents), n // n_documents)
    first = np.arange(n) % 2 == 0
    types = rng.integers(n_types, size=n) + n_types * ~first
    means = rng.normal(size=(2, HEADS, context))
    logits = (
        means[(first & differ).astype(int)]
        + type_sd * rng.normal(size=(2 * n_types, HEADS, context))[types]
        + 0.5 * rng.normal(size=(n, HEADS, context))
    )
    indices = rng.integers(context // 2, context, size=n)
    weights = np.exp(logits) * (np.arange(context) <= indices[:, None])[:, None]
    return weights / weights.sum(axis=2, keepdims=True), indices, first, documents, types


def everything(n: int) -> routing.Weighting:
    return np.zeros(n, dtype=int), np.ones((1, 1))


def similarity(some: Rows, halves: tuple[np.ndarray, np.ndarray]) -> float:
    attention, indices, first = some[:3]
    return float(
        crossed_routing(attention, indices, first, [everything(first.size)], halves)[0].similarity[0]
    )


def by_definition(
    some: Rows, halves: tuple[np.ndarray, np.ndarray], counts: np.ndarray
) -> tuple[float, float]:
    """The ratio and the plain correlation in loops, with scipy's Spearman; each row counts so often."""
    attention, indices, first = some[:3]

    def profile(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sums, seen = np.zeros((HEADS, CONTEXT)), np.zeros(CONTEXT)
        for row in np.flatnonzero(mask):
            for distance in range(indices[row] + 1):
                sums[:, distance] += counts[row] * attention[row, :, indices[row] - distance]
                seen[distance] += counts[row]
        return sums, seen

    def r(*both: tuple[np.ndarray, np.ndarray], head: int, common: np.ndarray) -> float:
        x, y = (sums[head, common] / seen[common] for sums, seen in both)
        return float(stats.spearmanr(x, y).statistic)

    parts = np.zeros((3, HEADS))
    for by_document, by_type in zip(*halves, strict=True):
        for agree in (True, False):
            inside = (by_document == by_type) == agree
            a, b, c, d = (
                profile(inside & side & half)
                for side in (first, ~first)
                for half in (by_document, ~by_document)
            )
            common = np.all([seen > 0 for _, seen in (a, b, c, d)], axis=0)
            for head in range(HEADS):
                of = {"head": head, "common": common}
                parts[:, head] += [(r(a, d, **of) + r(b, c, **of)) / 2, r(a, b, **of), r(c, d, **of)]
    parts /= 2 * len(halves[0])
    ceiling = np.sqrt(np.maximum(parts[1], 0) * np.maximum(parts[2], 0))
    one, two = profile(first), profile(~first)
    common = (one[1] > 0) & (two[1] > 0)
    plain = np.mean([r(one, two, head=head, common=common) for head in range(HEADS)])
    return float(parts[0].mean() / ceiling.mean()), float(plain)


@pytest.mark.parametrize("differ", [False, True])
def test_equals_the_definition(differ: bool) -> None:
    rng = np.random.default_rng(1)
    some = rows(rng, type_sd=0.5, differ=differ, n=240)
    attention, indices, first, documents, types = some
    halves = crossed_halvings(documents, types, 2, rng)
    weights = rng.integers(0, 3, size=(3, 60))
    (routing,) = crossed_routing(attention, indices, first, [(documents, weights)], halves)
    for row, value, plain in zip(weights, routing.similarity, routing.correlation, strict=True):
        assert (value, plain) == pytest.approx(by_definition(some, halves, row[documents]))


def test_correlations_without_a_unit_are_those_of_the_other_rows() -> None:
    rng = np.random.default_rng(7)
    attention, indices, first, documents, types = rows(rng, type_sd=0.5, differ=True, n=240)
    windows = np.array([12, 6, 4])
    for units in (documents, types):
        left = leave_out(units, 5, rng)
        (left_out,) = crossed_correlations(attention, indices, first, [(left.units, left.weights)], windows)
        assert left_out.shape == (5, HEADS)
        for group, values in enumerate(left_out):
            kept = left.units != group
            np.testing.assert_allclose(
                values, routing_correlations(attention[kept], indices[kept], first[kept], windows)
            )


def test_ties_have_mid_ranks() -> None:
    rng = np.random.default_rng(2)
    attention, _, first, documents, types = rows(rng, n=240)
    attention[..., 2:5] = 0.0
    halves = crossed_halvings(documents, types, 1, rng)
    some = (attention, np.full(240, CONTEXT - 1), first)
    assert similarity(some, halves) == pytest.approx(by_definition(some, halves, np.ones(240))[0])


def test_correlations_per_head_equal_scipy_on_distances_that_both_have_seen() -> None:
    attention, indices, first, *_ = rows(np.random.default_rng(3), differ=True)
    indices = np.where(first, indices, np.minimum(indices, 8))
    correlations = routing_correlations(attention, indices, first)
    for head in range(HEADS):
        means = [
            [
                np.mean(
                    [attention[row, head, indices[row] - d] for row in np.flatnonzero(side & (indices >= d))]
                )
                for d in range(9)
            ]
            for side in (first, ~first)
        ]
        assert correlations[head] == pytest.approx(stats.spearmanr(*means).statistic)


def test_halves_split_documents_and_types_evenly() -> None:
    *_, documents, types = rows(np.random.default_rng(0))
    both = crossed_halvings(documents, types, 4, np.random.default_rng(1))
    for halves, units in zip(both, (documents, types), strict=True):
        assert halves.shape == (4, 600)
        for half in halves:
            of_units = [np.unique(half[units == unit]) for unit in np.unique(units)]
            assert all(sides.size == 1 for sides in of_units)
            assert sum(bool(sides[0]) for sides in of_units) == len(of_units) // 2
    again = crossed_halvings(documents, types, 4, np.random.default_rng(1))
    assert all(np.array_equal(one, two) for one, two in zip(both, again, strict=True))


def test_leaving_out_is_having_no_such_rows() -> None:
    rng = np.random.default_rng(2)
    some = attention, indices, first, documents, types = rows(rng, type_sd=0.5)
    halves = crossed_halvings(documents, types, 2, rng)
    items = [leave_out(types, 5, rng, first), leave_out(documents, 7, rng)]
    of_all = crossed_routing(
        attention, indices, first, [(item.units, item.weights) for item in items], halves
    )
    for item, without in zip(items, of_all, strict=True):
        for number in range(len(item.weights)):
            kept = item.units != number
            alone = similarity(tuple(part[kept] for part in some), (halves[0][:, kept], halves[1][:, kept]))
            assert without.similarity[number] == pytest.approx(alone)


def test_types_that_differ_do_not_lower_it() -> None:
    """Of halves of documents alone the mean is 0.93: nothing but the sample of types differs."""
    similarities = []
    for seed in range(12):
        rng = np.random.default_rng((3, seed))
        some = rows(rng, type_sd=1.0)
        similarities.append(similarity(some, crossed_halvings(*some[3:], 5, rng)))
    assert abs(np.mean(similarities) - 1) < 4 * np.std(similarities, ddof=1) / np.sqrt(12)


def test_routing_that_differs_falls_far_below_the_ceiling() -> None:
    similarities = []
    for seed in range(6):
        rng = np.random.default_rng((4, seed))
        some = rows(rng, type_sd=0.3, differ=True)
        similarities.append(similarity(some, crossed_halvings(*some[3:], 5, rng)))
    assert np.mean(similarities) < 0.5


def test_the_ceiling_rises_with_text_and_stays_in_bounds() -> None:
    ceilings = []
    for n in (240, 6000):
        rng = np.random.default_rng(5)
        attention, indices, first, documents, types = rows(rng, type_sd=1.0, n=n)
        halves = crossed_halvings(documents, types, 4, rng)
        ceiling = crossed_routing(attention, indices, first, [everything(n)], halves)[0].ceiling
        assert 0 <= ceiling[0] <= 1
        ceilings.append(ceiling[0])
    assert ceilings[1] > ceilings[0] + 0.05


def test_conditions_may_change_places_and_heads_come_in_any_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    attention, indices, first, documents, types = rows(rng, differ=True)
    halves = crossed_halvings(documents, types, 2, rng)
    whole = similarity((attention, indices, first), halves)
    monkeypatch.setattr(routing, "HEADS_BYTES", 1)
    assert similarity((attention, indices, first), halves) == pytest.approx(whole)
    assert similarity((attention, indices, ~first), halves) == pytest.approx(whole)


def test_what_no_head_can_see_does_not_make_profiles_alike() -> None:
    rng = np.random.default_rng(11)
    windows, context, n = np.array([6, 6]), 24, 240
    attention = np.zeros((n, 2, context))
    first, documents, types = np.arange(n) % 2 == 0, np.repeat(np.arange(20), 12), np.arange(n) % 30
    within = rng.normal(size=(2, 2, 6))  # within the window the conditions have nothing in common
    attention[:, :, -6:] = np.exp(within[first.astype(int)] + 0.1 * rng.normal(size=(n, 2, 6)))
    indices, short = np.full(n, context - 1), np.full(n, 5)
    halves = crossed_halvings(documents, types, 3, rng)
    assert routing_correlations(attention, indices, first).min() > 0.8  # the zeros that they share
    np.testing.assert_allclose(
        routing_correlations(attention, indices, first, windows),
        routing_correlations(attention[..., -6:], short, first),
    )
    seeing, cut = (
        crossed_routing(*arguments, [everything(n)], halves, seen)[0].similarity
        for arguments, seen in (
            ((attention, indices, first), windows),
            ((attention[..., -6:], short, first), None),
        )
    )
    np.testing.assert_allclose(seeing, cut)


def test_undefined() -> None:
    n = 80
    documents, types, first = np.arange(n) // 4, np.arange(n) % 7, np.arange(n) % 2 == 0
    halves = crossed_halvings(documents, types, 2, np.random.default_rng(8))
    noise = np.random.default_rng(8).random((n, 2, 5))
    for attention, last in ((np.ones((n, 2, 5)), 4), (noise, 1)):  # constant profiles; two distances
        indices = np.full(n, last)
        assert np.isnan(routing_correlations(attention, indices, first)).all()
        assert np.isnan(similarity((attention, indices, first), halves))


def test_a_halving_that_leaves_a_half_nearly_empty_is_left_out() -> None:
    rng = np.random.default_rng(9)
    some = attention, indices, first, documents, types = rows(rng, n=240, n_documents=6)
    halves = (
        np.array([[True] * 120 + [False] * 120, np.arange(240) // 40 % 2 == 0]),
        crossed_halvings(documents, types, 2, rng)[1],
    )
    weights = np.array([[0, 0, 0, 1, 1, 1]])  # the first half of the first halving is empty

    def of(places: slice) -> float:
        chosen = halves[0][places], halves[1][places]
        return float(
            crossed_routing(attention, indices, first, [(documents, weights)], chosen)[0].similarity[0]
        )

    assert np.isnan(of(slice(0, 1)))
    assert of(slice(0, 2)) == pytest.approx(of(slice(1, 2)))
    assert np.isfinite(similarity(some[:3], halves))


def test_refusals() -> None:
    attention, indices, first, documents, types = rows(np.random.default_rng(0))
    halves = crossed_halvings(documents, types, 1, np.random.default_rng(0))

    def call(weighting: routing.Weighting, halves: tuple[np.ndarray, np.ndarray] = halves) -> None:
        crossed_routing(attention, indices, first, [weighting], halves)

    with pytest.raises(ValueError, match="from 0 to 1"):
        call((documents, np.ones((1, 2))))
    with pytest.raises(ValueError, match="not negative"):
        call((documents, -np.ones((1, 60))))
    with pytest.raises(ValueError, match="halves must have shape"):
        call(everything(600), (halves[0][:, :3], halves[1][:, :3]))
    with pytest.raises(ValueError, match="two documents"):
        crossed_halvings(np.zeros(4, dtype=int), np.arange(4), 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="one halving"):
        crossed_halvings(documents, types, 0, np.random.default_rng(0))


def test_attention_that_is_no_number_has_no_ranks() -> None:
    """NaN would be ranked by its place, alike in every profile, and so make all of them alike."""
    attention, indices, first = np.full((8, 1, 4), 0.25), np.full(8, 3), np.arange(8) < 4
    attention[2, 0, 1] = np.nan
    with pytest.raises(ValueError, match="finite and not negative"):
        routing_correlations(attention, indices, first)
