"""Words that the project makes up: a stem that means something, and an ending that rhymes.

Every stem takes every ending, as in a language with many cases: what a word is about says nothing of how it
ends, so that meaning and prosody are two features. A stem is two phonemes, an ending three; its vowel and
coda are its rime, by which words rhyme.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "r", "s", "t", "z")
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("ck", "ll", "sh", "nt")
PHONEMES = (*ONSETS, *VOWELS, *CODAS)
RIMES = tuple((vowel, coda) for vowel in VOWELS for coda in CODAS)[::2]
"""Ten of twenty."""
TOPICS, STEMS_EACH, PARTICLES = 8, 6, 10
"""Topics; stems of each; stems that belong to none."""
N_STEMS = TOPICS * STEMS_EACH + PARTICLES
ENDINGS_EACH = 3
"""Of each rime, with onsets of their own."""
N_ENDINGS = len(RIMES) * ENDINGS_EACH


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Pronunciations; word w has the stem w // N_ENDINGS and the ending w % N_ENDINGS.

    Stems are ordered by topic, those of none last; endings by rime.
    """

    stems: NDArray[np.int64]
    """Places in `PHONEMES`, shape (N_STEMS, 2)."""
    endings: NDArray[np.int64]
    """Places in `PHONEMES`, shape (N_ENDINGS, 3)."""

    def spelling(self, word: int) -> str:
        """As it is written, which is as it is spoken."""
        sounds = (*self.stems[word // N_ENDINGS], *self.endings[word % N_ENDINGS])
        return "".join(PHONEMES[sound] for sound in sounds)


def lexicon(rng: np.random.Generator) -> Lexicon:
    """Make up stems and endings, all of them different."""
    place = {phoneme: number for number, phoneme in enumerate(PHONEMES)}
    syllables = [(place[onset], place[vowel]) for onset in ONSETS for vowel in VOWELS]
    stems = rng.permutation(syllables)[:N_STEMS]
    endings = [
        (onset, place[vowel], place[coda])
        for vowel, coda in RIMES
        for onset in rng.permutation(len(ONSETS))[:ENDINGS_EACH]
    ]
    return Lexicon(stems, np.array(endings))
