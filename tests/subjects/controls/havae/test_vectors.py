"""Document vectors: counts by hand, the decomposition against numpy's, documents against lines."""

from __future__ import annotations

import itertools

import numpy as np

from hypotest.subjects.controls.havae.lexicon import N_ENDINGS, PHONEMES, lexicon
from hypotest.subjects.controls.havae.vectors import (
    WIDTH,
    DocumentVectors,
    log_counts,
    meaning_of,
    prosody_of,
)
from hypotest.subjects.controls.havae.verse import queries


def test_counts_of_terms() -> None:
    table = log_counts(np.array([[0, 2, 2], [1, 1, 1]]), 4)
    assert np.allclose(table, np.log([[2, 1, 3, 1], [1, 4, 1, 1]]))


def test_vectors_keep_the_distances_of_the_leading_components() -> None:
    rng = np.random.default_rng(0)
    documents = rng.integers(100, size=(300, 12))
    fitted = DocumentVectors.fitted(documents, 100, rng)
    vectors = fitted.of(documents)
    assert np.allclose(vectors.mean(axis=0), 0, atol=1e-5)
    assert np.isclose(np.square(vectors).mean(), 1, rtol=0.01)  # divided by n, not n - 1
    table = log_counts(documents, 100)
    left, values, _ = np.linalg.svd(table - table.mean(axis=0), full_matrices=False)
    leading = left[:, :WIDTH] * values[:WIDTH]
    scale = np.linalg.norm(vectors[0] - vectors[1]) / np.linalg.norm(leading[0] - leading[1])
    for one, other in ((3, 4), (10, 200)):
        expected = scale * np.linalg.norm(leading[one] - leading[other])
        assert np.isclose(np.linalg.norm(vectors[one] - vectors[other]), expected, rtol=1e-4)
    shares = np.square(vectors).mean(axis=0)  # no axis holds most of it
    assert shares.max() < 3


def test_documents_are_lines_and_their_ends() -> None:
    words, verses = lexicon(np.random.default_rng(1)), queries(3, np.random.default_rng(2))
    which = np.array([[0, 5], [1, 2], [3, 29]])
    meaning = meaning_of(verses, which)
    lines = (verses.previous[2], verses.current[2], verses.candidates[2, 29])
    assert meaning[2, 1].tolist() == [word // N_ENDINGS for line in lines for word in line.tolist()]
    prosody = prosody_of(verses, which, words)
    assert prosody.shape == (3, 2, 2, 10)
    for place, line in enumerate((verses.current[1], verses.previous[1])):
        terms = []
        for word in (line[-1], verses.candidates[1, 2, -1]):
            sounds = words.endings[word % N_ENDINGS].tolist()
            terms += sounds + [len(PHONEMES) * (1 + one) + other for one, other in itertools.pairwise(sounds)]
        assert prosody[1, 1, place].tolist() == terms
