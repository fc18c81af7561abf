"""Routing similarity with halves that share neither documents nor types."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators.profiles import attention_profiles
from hypotest.estimators.routing import halvings, routing_similarity_resamples
from hypotest.estimators.routing_crossed import crossed_halvings, crossed_similarity
from hypotest.inference.left_out import leave_out

HEADS, CONTEXT = 3, 12


def rows(
    rng: np.random.Generator, *, type_sd: float = 0.0, n: int = 600, n_documents: int = 60, n_types: int = 30
) -> tuple[np.ndarray, ...]:
    """Attention of rows, labels, documents, types; both conditions attend alike on average."""
    documents = np.repeat(np.arange(n_documents), n // n_documents)
    first = np.arange(n) % 2 == 0
    types = rng.integers(n_types, size=n) + n_types * ~first
    logits = (
        rng.normal(size=(HEADS, CONTEXT))
        + type_sd * rng.normal(size=(2 * n_types, HEADS, CONTEXT))[types]
        + 0.5 * rng.normal(size=(n, HEADS, CONTEXT))
    )
    weights = np.exp(logits)
    return weights / weights.sum(axis=2, keepdims=True), first, documents, types


def test_halves_split_documents_and_types_evenly() -> None:
    _, _, documents, types = rows(np.random.default_rng(0))
    for halves, units in zip(
        crossed_halvings(documents, types, 4, np.random.default_rng(1)), (documents, types), strict=True
    ):
        assert halves.shape == (4, 600)
        for half in halves:
            of_units = [np.unique(half[units == unit]) for unit in np.unique(units)]
            assert all(found.size == 1 for found in of_units)
            assert sum(bool(found[0]) for found in of_units) == len(of_units) // 2


def test_leaving_out_is_having_no_such_rows() -> None:
    rng = np.random.default_rng(2)
    attention, first, documents, types = rows(rng, type_sd=0.5)
    indices = np.full(600, CONTEXT - 1)
    halves = crossed_halvings(documents, types, 2, rng)
    item = leave_out(types, 5, rng, first)
    found = crossed_similarity(attention, indices, first, item.units, item.weights, halves)
    for number in range(5):
        kept = item.units != number
        alone = crossed_similarity(
            attention[kept],
            indices[kept],
            first[kept],
            np.zeros(kept.sum(), dtype=int),
            np.ones((1, 1)),
            (halves[0][:, kept], halves[1][:, kept]),
        )
        assert found[number] == pytest.approx(alone[0])


def test_types_that_differ_do_not_lower_it() -> None:
    """Halves of documents alone say that routing differs; nothing but the sample of types does."""
    crossed, by_document = [], []
    for seed in range(12):
        rng = np.random.default_rng((3, seed))
        attention, first, documents, types = rows(rng, type_sd=1.0)
        indices = np.full(600, CONTEXT - 1)
        one = np.zeros(600, dtype=int), np.ones((1, 1))
        halves = crossed_halvings(documents, types, 5, rng)
        crossed.append(float(crossed_similarity(attention, indices, first, *one, halves)[0]))
        profiles = [
            attention_profiles(attention[side], indices[side], documents[side], np.arange(60))
            for side in (first, ~first)
        ]
        split = halvings(60, 5, rng)
        by_document.append(float(routing_similarity_resamples(*profiles, np.ones((1, 60)), split)[0]))
    error = np.std(crossed, ddof=1) / np.sqrt(12)
    assert abs(np.mean(crossed) - 1) < 4 * error
    assert np.mean(by_document) < 1 - 4 * np.std(by_document, ddof=1) / np.sqrt(12)
    assert np.mean(by_document) < np.mean(crossed) - 0.02


def test_refuses_units_beyond_the_weights() -> None:
    attention, first, documents, types = rows(np.random.default_rng(0))
    halves = crossed_halvings(documents, types, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="from 0 to 1"):
        crossed_similarity(attention, np.full(600, 11), first, documents, np.ones((1, 2)), halves)
