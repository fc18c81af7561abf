"""Words of generated songs: four lines of lyrics and a caption, by a grammar.

Nouns tell the theme, adjectives the mood; all else is the same in every song. A noun is of the song's own
theme, and an adjective bright, with a probability only, so that each word is weak evidence and a song is
good evidence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

THEMES = ("love", "home", "road", "city")
NOUNS = (
    ("kiss", "heart", "lover", "rose", "ring", "touch"),
    ("mother", "kitchen", "garden", "cradle", "porch", "hearth"),
    ("engine", "highway", "mile", "border", "wheel", "dust"),
    ("tower", "neon", "subway", "crowd", "corner", "concrete"),
)
"""Of each theme."""
BRIGHT = ("golden", "sweet", "shining", "gentle", "laughing", "sunny")
DARK = ("hollow", "bitter", "broken", "frozen", "weeping", "pale")
VERBS = ("finds", "keeps", "calls", "leaves", "follows", "knows", "turns", "waits")
FRAME = ("the", "and", "a", "song", "of", "oh")
"""Words that tell nothing."""
VOCABULARY = (*FRAME, *VERBS, *BRIGHT, *DARK, *(noun for theme in NOUNS for noun in theme))
LINES, LINE, CAPTION = 4, 6, 4
"""Lines of lyrics; words in a line; words of a caption."""
OWN = 0.65
"""Probability that a noun is of the theme, beyond those that are drawn from all."""

_PLACE = {word: number for number, word in enumerate(VOCABULARY)}


def written(
    theme: NDArray[np.int64], mood: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lyrics and captions, as numbers of words.

    Args:
        theme: Of each song, a place in `THEMES`.
        mood: How bright it reads, in log odds that an adjective is bright.
        rng: Of the words.

    Returns:
        Lyrics of shape (n, 24), lines of "the ADJECTIVE NOUN VERB the NOUN"; captions of shape (n, 4), "a
        ADJECTIVE NOUN song".
    """
    n = theme.size
    lyrics = np.empty((n, LINES, LINE), dtype=np.int64)
    lyrics[..., [0, 4]] = _PLACE["the"]
    lyrics[..., 1] = _adjectives(mood, LINES, rng)
    lyrics[..., 2] = _nouns(theme, LINES, rng)
    lyrics[..., 3] = _PLACE[VERBS[0]] + rng.integers(len(VERBS), size=(n, LINES))
    lyrics[..., 5] = _nouns(theme, LINES, rng)
    captions = np.empty((n, CAPTION), dtype=np.int64)
    captions[:, 0], captions[:, 3] = _PLACE["a"], _PLACE["song"]
    captions[:, 1] = _adjectives(mood, 1, rng)[:, 0]
    captions[:, 2] = _nouns(theme, 1, rng)[:, 0]
    return lyrics.reshape(n, LINES * LINE), captions


def text_of(words: NDArray[np.int64]) -> str:
    """Words as they are read.

    Examples:
        >>> text_of(np.array([0, 14]))
        'the golden'
    """
    return " ".join(VOCABULARY[word] for word in words.tolist())


def _adjectives(mood: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    bright = rng.random((mood.size, count)) < 1 / (1 + np.exp(-mood[:, None]))
    which = rng.integers(len(BRIGHT), size=bright.shape)
    return np.where(bright, _PLACE[BRIGHT[0]], _PLACE[DARK[0]]) + which


def _nouns(theme: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    shape = (theme.size, count)
    any_theme = rng.integers(len(THEMES), size=shape)
    of_theme = np.where(rng.random(shape) < OWN, theme[:, None], any_theme)
    return _PLACE[NOUNS[0][0]] + of_theme * len(NOUNS[0]) + rng.integers(len(NOUNS[0]), size=shape)
