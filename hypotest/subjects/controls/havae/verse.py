"""Generated verse, and the question which line comes next.

A line is five words, of which the first and third are particles; the last stem is of the verse's topic, the
two between them with a probability only. The last ending is of the line's rime, the others are any. The
schemes are the paper's: couplets, where the next line rhymes with the current one; alternate rhyme, where
it rhymes with the one before; monorhyme, where it rhymes with both.

Among the candidates for the next line, some rhyme and are about something else, some fit and do not rhyme,
and some do neither. Neither feature alone can tell the true one from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.subjects.controls.havae.lexicon import (
    ENDINGS_EACH,
    N_ENDINGS,
    PARTICLES,
    RIMES,
    STEMS_EACH,
    TOPICS,
    Lexicon,
)

WORDS = 5
"""Of a line."""
SCHEMES = ("couplets", "alternate rhyme", "monorhyme")
TRUE, RHYMES, FITS, NEITHER = range(4)
"""Kinds of candidates: the next line; foils that rhyme and do not fit; that fit and do not rhyme; others."""
KINDS = np.repeat((TRUE, RHYMES, FITS, NEITHER), (1, 8, 8, 13))
"""Of the thirty candidates."""
OF_TOPIC = 0.7
"""Probability that a stem within a line is of the topic, beyond those that are drawn from all."""


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """Two lines, and candidates for the next."""

    scheme: NDArray[np.int64]
    """Place in `SCHEMES`, shape (n,)."""
    previous: NDArray[np.int64]
    """Words, shape (n, 5)."""
    current: NDArray[np.int64]
    """Words, shape (n, 5)."""
    candidates: NDArray[np.int64]
    """Words, shape (n, 30, 5); their kinds are `KINDS`."""


def queries(n: int, rng: np.random.Generator) -> Queries:
    """Write n verses of three lines, each with 29 foils for its last."""
    scheme = rng.integers(len(SCHEMES), size=n)
    topic = rng.integers(TOPICS, size=n)
    rime = rng.integers(len(RIMES), size=n)
    other = _another(rime, len(RIMES), rng)
    current_rime = np.where(scheme == SCHEMES.index("alternate rhyme"), other, rime)
    previous_rime = np.where(scheme == SCHEMES.index("couplets"), other, rime)
    shape = (n, KINDS.size)
    fits, rhymes = np.isin(KINDS, (TRUE, FITS)), np.isin(KINDS, (TRUE, RHYMES))
    topics = np.where(fits, topic[:, None], _another(np.broadcast_to(topic[:, None], shape), TOPICS, rng))
    silent = _third(np.broadcast_to(rime[:, None], shape), np.broadcast_to(other[:, None], shape), rng)
    return Queries(
        scheme,
        _lines(topic, previous_rime, rng),
        _lines(topic, current_rime, rng),
        _lines(topics, np.where(rhymes, rime[:, None], silent), rng),
    )


def differing(
    verses: Queries, in_prosody: NDArray[np.bool_], foils: int, rng: np.random.Generator
) -> Queries:
    """The same verses with foils that differ from the true line in one feature and share the other exactly.

    Args:
        verses: With their true lines.
        in_prosody: Of each verse, whether its foils have the true line's stems and endings that do not rhyme;
            otherwise they have its endings, and stems that are about something else. Shape (n,).
        foils: Of each verse.
        rng: Of the foils.
    """
    true = np.repeat(verses.candidates[:, :1], foils, axis=1)
    stems, endings = true // N_ENDINGS, true % N_ENDINGS
    topic, rime = stems[..., -1] // STEMS_EACH, endings[..., -1] // ENDINGS_EACH
    others = [line[:, -1:] % N_ENDINGS // ENDINGS_EACH for line in (verses.previous, verses.current)]
    other = np.where(others[0] == rime, others[1], others[0])  # in monorhyme the same as the true line's
    silent = _third(rime, np.where(other == rime, (rime + 1) % len(RIMES), other), rng)
    elsewhere = _lines(_another(topic, TOPICS, rng), rime, rng) // N_ENDINGS
    elsewhere[..., [0, 2]] = stems[..., [0, 2]]
    other_endings = endings.copy()
    other_endings[..., -1] = silent * ENDINGS_EACH + rng.integers(ENDINGS_EACH, size=silent.shape)
    unrhymed, unfit = stems * N_ENDINGS + other_endings, elsewhere * N_ENDINGS + endings
    chosen = np.where(in_prosody[:, None, None], unrhymed, unfit)
    return replace(verses, candidates=np.concatenate([true[:, :1], chosen], axis=1))


def line_of(words: NDArray[np.int64], lexicon: Lexicon) -> str:
    """A line as it is read."""
    return " ".join(lexicon.spelling(word) for word in words.tolist())


def _lines(topic: NDArray[np.int64], rime: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Lines about topics that end in rimes, shape (..., 5)."""
    stems = np.empty((*topic.shape, WORDS), dtype=np.int64)
    for place in (0, 2):
        stems[..., place] = TOPICS * STEMS_EACH + rng.integers(PARTICLES, size=topic.shape)
    for place in (1, 3):
        any_topic = rng.integers(TOPICS, size=topic.shape)
        stems[..., place] = _stems(np.where(rng.random(topic.shape) < OF_TOPIC, topic, any_topic), rng)
    stems[..., 4] = _stems(topic, rng)
    endings = np.asarray(rng.integers(N_ENDINGS, size=stems.shape))
    endings[..., 4] = rime * ENDINGS_EACH + rng.integers(ENDINGS_EACH, size=rime.shape)
    return stems * N_ENDINGS + endings


def _stems(topic: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return np.asarray(topic * STEMS_EACH + rng.integers(STEMS_EACH, size=topic.shape))


def _another(value: NDArray[np.int64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A number below n that is not this one."""
    return np.asarray((value + rng.integers(1, n, size=value.shape)) % n)


def _third(one: NDArray[np.int64], other: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A rime that is neither of two."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    drawn = rng.integers(len(RIMES) - 2, size=one.shape)
    drawn = drawn + (drawn >= low)
    return np.asarray(drawn + (drawn >= high))
