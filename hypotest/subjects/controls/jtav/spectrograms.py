"""How generated songs sound: mel spectrograms, synthesised in log energy.

Genre is rhythm and texture: beats on a grid (techno, house) or held tones (folk, jazz). Mood is the tilt of
the spectrum: bright songs have more of their energy in high bands. Loudness, key, offset of the beat and
noise differ from song to song and tell nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GENRES = ("techno", "house", "folk", "jazz")
FRAMES, BANDS = 64, 80
"""Steps in time; mel bands."""
TILT = 0.35
"""Change of log energy from the middle band to the highest, for each unit of mood."""
NOISE = 1.5
"""SD of log energy from one cell to the next."""

_TIME = np.arange(FRAMES)
_BAND = np.arange(BANDS)


def sounded(
    genre: NDArray[np.int64], mood: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Log energies, shape (n, FRAMES, BANDS).

    Args:
        genre: Of each song, a place in `GENRES`.
        mood: How bright it sounds.
        rng: Of key, offset and noise.
    """
    textures = (_techno, _house, _folk, _jazz)
    songs = np.empty((genre.size, FRAMES, BANDS), dtype=np.float32)
    slope = (_BAND - BANDS / 2) / (BANDS / 2)
    for song, (kind, brightness) in enumerate(zip(genre.tolist(), mood.tolist(), strict=True)):
        loudness = rng.normal(scale=0.3)
        songs[song] = textures[kind](rng) + loudness + TILT * brightness * slope
    return songs + rng.normal(scale=NOISE, size=songs.shape).astype(np.float32)


def _bump(centre: float, width: float) -> NDArray[np.float64]:
    """A band of energy around a frequency."""
    return np.asarray(np.exp(-0.5 * ((_BAND - centre) / width) ** 2))


def _beat(period: int, rng: np.random.Generator, length: int = 2) -> NDArray[np.float64]:
    """On for some frames of each period."""
    return ((_TIME + rng.integers(period)) % period < length).astype(np.float64)


def _techno(rng: np.random.Generator) -> NDArray[np.float64]:
    """A low drum on every beat, and a hiss on all of them."""
    drum, hiss = _beat(8, rng), _beat(4, rng, 1)
    return np.asarray(1.6 * np.outer(drum, _bump(10, 8)) + 1.0 * np.outer(hiss, _bump(66, 8)))


def _house(rng: np.random.Generator) -> NDArray[np.float64]:
    """A low drum, and a chord between its strokes."""
    start, key = int(rng.integers(12)), 30 + int(rng.integers(20))
    drum, chord = (
        ((_TIME + late) % 12 < length).astype(float) for late, length in ((start, 2), (start + 6, 3))
    )
    return np.asarray(1.6 * np.outer(drum, _bump(10, 8)) + 1.0 * np.outer(chord, _bump(key, 4)))


def _folk(rng: np.random.Generator) -> NDArray[np.float64]:
    """Tones with overtones, each held for a quarter of the song."""
    song = np.zeros((FRAMES, BANDS))
    for part in np.array_split(_TIME, 4):
        key = 12 + int(rng.integers(16))
        song[part] = 1.2 * (_bump(key, 1.5) + _bump(2 * key, 1.5) + 0.6 * _bump(3 * key, 1.5))
    return song


def _jazz(rng: np.random.Generator) -> NDArray[np.float64]:
    """A line that walks through the bands, and another an interval above."""
    walk = 25 + np.cumsum(rng.integers(-2, 3, size=FRAMES))
    walk = np.clip(walk, 5, BANDS - 20)
    return np.asarray([1.3 * (_bump(at, 1.5) + _bump(at + 12, 1.5)) for at in walk])
