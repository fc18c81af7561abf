"""Words that the project makes up, each with a topic and a pronunciation.

A content word has two syllables; its last vowel and what follows is its rime, by which it rhymes. Every topic
has as many words of every rime, so that what a line is about says nothing of how it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "r", "s", "t", "z")
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("ck", "ll", "sh", "nt")
RIMES = tuple(vowel + coda for vowel in VOWELS for coda in CODAS)[::2]
"""By which words rhyme: ten of twenty."""
PHONEMES = (*ONSETS, *VOWELS, *CODAS)
TOPICS, WORDS_EACH, PARTICLES = 8, 3, 20
"""Topics; words of a topic and a rime; words without a topic."""
N_CONTENT = TOPICS * len(RIMES) * WORDS_EACH
N_WORDS = N_CONTENT + PARTICLES

_NUMBER = {phoneme: number for number, phoneme in enumerate(PHONEMES)}
SYLLABLES = 5
"""Phonemes of a word: onset, vowel, onset, vowel, coda."""


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Words by number: content words first, ordered by topic, then rime; particles behind them."""

    spellings: tuple[str, ...]
    phonemes: NDArray[np.int64]
    """Places in `PHONEMES`, shape (N_WORDS, 5)."""

    @staticmethod
    def number(
        topic: NDArray[np.int64], rime: NDArray[np.int64], which: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Of the content word of a topic and a rime."""
        return np.asarray((topic * len(RIMES) + rime) * WORDS_EACH + which)


def lexicon(rng: np.random.Generator) -> Lexicon:
    """Make up the words; no two are spelled alike."""
    spellings: list[str] = []
    phonemes = []
    for number in range(N_WORDS):
        rime = RIMES[number // WORDS_EACH % len(RIMES)] if number < N_CONTENT else None
        while True:
            first, vowel, second = rng.choice(ONSETS), rng.choice(VOWELS), rng.choice(ONSETS)
            end = rime or rng.choice(RIMES)
            spelling = f"{first}{vowel}{second}{end}"
            if spelling not in spellings:
                break
        spellings.append(spelling)
        phonemes.append([_NUMBER[item] for item in (first, vowel, second, end[0], end[1:])])
    return Lexicon(tuple(spellings), np.array(phonemes))
