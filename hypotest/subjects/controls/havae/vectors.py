"""Document vectors: over words' stems for meaning, over phonemes for rhyme (rhyme2vec).

The paper trains paragraph vectors [1]. Here a document's vector comes from a singular value decomposition
of the logarithms of counts of its terms, which needs no training and gives unseen documents their vectors
at once: paragraph vectors factorise such a table implicitly [2]. As theirs, the axes have no order: a
random rotation takes away that the first components hold most. Vectors have mean 0 and mean square 1.

References:
    [1] Le & Mikolov (2014), arXiv:1405.4053.
    [2] Levy & Goldberg (2014), "Neural word embedding as implicit matrix factorization".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ortho_group

from hypotest.subjects.controls.havae.lexicon import N_ENDINGS, N_STEMS, PHONEMES, Lexicon
from hypotest.subjects.controls.havae.verse import Queries

WIDTH = 64
"""Numbers of a vector."""
N_TERMS = len(PHONEMES) * (1 + len(PHONEMES))
"""Phonemes, and pairs of neighbours."""


@dataclass(frozen=True, slots=True, eq=False)
class DocumentVectors:
    """From counts of terms to vectors."""

    mean: NDArray[np.float64]
    """Of the logarithms of counts, shape (n_terms,)."""
    axes: NDArray[np.float64]
    """Shape (n_terms, WIDTH)."""

    @classmethod
    def fitted(cls, documents: NDArray[np.int64], n_terms: int, rng: np.random.Generator) -> DocumentVectors:
        """From documents, as numbers of terms, shape (n, length)."""
        table = log_counts(documents, n_terms)
        mean = table.mean(axis=0)
        covariance = np.cov(table, rowvar=False)
        values, axes = np.linalg.eigh(covariance)
        rank = min(WIDTH, n_terms)
        rotation = ortho_group.rvs(WIDTH, random_state=rng)[:rank]
        return cls(mean, axes[:, -rank:] @ rotation * np.sqrt(WIDTH / values[-rank:].sum()))

    def of(self, documents: NDArray[np.int64]) -> NDArray[np.float32]:
        """Shape (n, length) to (n, WIDTH)."""
        table = log_counts(documents, self.mean.size)
        return np.asarray((table - self.mean) @ self.axes, dtype=np.float32)


def log_counts(documents: NDArray[np.int64], n_terms: int) -> NDArray[np.float64]:
    """log(1 + count) of every term, shape (n, n_terms)."""
    row = np.repeat(np.arange(len(documents)), documents.shape[1])
    counts = np.bincount(row * n_terms + documents.ravel(), minlength=len(documents) * n_terms)
    return np.log1p(counts.reshape(len(documents), n_terms))


def meaning_of(queries: Queries, which: NDArray[np.int64]) -> NDArray[np.int64]:
    """Stems of both lines and a candidate: documents of what is said.

    Args:
        queries: With their candidates.
        which: Candidates of each query, shape (n, c).

    Returns:
        Shape (n, c, 15).
    """
    shape = (*which.shape, queries.current.shape[1])
    before = [np.broadcast_to(line[:, None], shape) for line in (queries.previous, queries.current)]
    return np.concatenate([*before, _chosen(queries, which)], axis=2) // N_ENDINGS


def prosody_of(queries: Queries, which: NDArray[np.int64], lexicon: Lexicon) -> NDArray[np.int64]:
    """How two lines end: documents of the phonemes of their last endings, and of pairs of neighbours.

    Args:
        queries: With their candidates.
        which: Candidates of each query, shape (n, c).
        lexicon: With the pronunciations.

    Returns:
        Of (current line, candidate) and of (previous line, candidate), shape (n, c, 2, 10).
    """
    terms = _terms(lexicon)
    candidate = terms[_chosen(queries, which)[..., -1] % N_ENDINGS]
    documents = [
        np.concatenate(
            [np.broadcast_to(terms[line[:, -1] % N_ENDINGS][:, None], candidate.shape), candidate], axis=2
        )
        for line in (queries.current, queries.previous)
    ]
    return np.stack(documents, axis=2)


def _terms(lexicon: Lexicon) -> NDArray[np.int64]:
    """Of each ending: its phonemes, and pairs of neighbours, shape (N_ENDINGS, 5)."""
    sounds = lexicon.endings
    pairs = len(PHONEMES) + sounds[:, :-1] * len(PHONEMES) + sounds[:, 1:]
    return np.concatenate([sounds, pairs], axis=1)


def _chosen(queries: Queries, which: NDArray[np.int64]) -> NDArray[np.int64]:
    return queries.candidates[np.arange(len(which))[:, None], which]


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """What the networks are given."""

    lexicon: Lexicon
    words: DocumentVectors
    phonemes: DocumentVectors

    @classmethod
    def fitted(cls, queries: Queries, lexicon: Lexicon, rng: np.random.Generator) -> Vectors:
        """From verses with their true next lines and one foil each."""
        which = np.column_stack(
            [np.zeros(len(queries.current), dtype=np.int64), rng.integers(1, 30, len(queries.current))]
        )
        words = meaning_of(queries, which)
        sounds = prosody_of(queries, which, lexicon)
        return cls(
            lexicon,
            DocumentVectors.fitted(words.reshape(-1, words.shape[-1]), N_STEMS, rng),
            DocumentVectors.fitted(sounds.reshape(-1, sounds.shape[-1]), N_TERMS, rng),
        )

    def of(
        self, queries: Queries, which: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Meaning (n, c, WIDTH) and prosody (n, c, 2, WIDTH) of some candidates of each query, (n, c)."""
        meaning, prosody = (
            np.empty((*which.shape, WIDTH), np.float32),
            np.empty((*which.shape, 2, WIDTH), np.float32),
        )
        for start in range(0, len(which), 250):  # tables of counts are wide
            here = slice(start, start + 250)
            part = Queries(
                *(getattr(queries, name)[here] for name in ("scheme", "previous", "current", "candidates"))
            )
            words, sounds = meaning_of(part, which[here]), prosody_of(part, which[here], self.lexicon)
            meaning[here] = self.words.of(words.reshape(-1, words.shape[-1])).reshape(meaning[here].shape)
            prosody[here] = self.phonemes.of(sounds.reshape(-1, sounds.shape[-1])).reshape(
                prosody[here].shape
            )
        return meaning, prosody
