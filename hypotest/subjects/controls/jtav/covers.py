"""How covers of generated songs look: a motif in the colours of a mood.

The motif is a shape: a face or a figure (portraits), hills or stripes. Mood is the palette, from cold to
warm. Place, size, brightness and noise tell nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOTIFS = ("face", "figure", "hills", "stripes")
SIZE = 24
"""Pixels along each side."""
WARMTH = 0.06
"""Red gained and blue lost, for each unit of mood; colours reach from 0 to 1."""
NOISE = 0.2
"""SD of a pixel."""

_ROW, _COLUMN = np.mgrid[0:SIZE, 0:SIZE] / SIZE
_WARM = np.array([1.0, 0.0, -1.0])


def painted(
    motif: NDArray[np.int64], mood: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Colours, shape (n, 3, SIZE, SIZE), red, green, blue.

    Args:
        motif: Of each cover, a place in `MOTIFS`.
        mood: How warm it looks.
        rng: Of place, size and noise.
    """
    shapes = (_face, _figure, _hills, _stripes)
    covers = np.empty((motif.size, 3, SIZE, SIZE), dtype=np.float32)
    for cover, (kind, warmth) in enumerate(zip(motif.tolist(), mood.tolist(), strict=True)):
        ground, ink = rng.uniform(0.3, 0.6), rng.choice((-0.3, 0.3))
        grey = ground + ink * shapes[kind](rng)
        tint = WARMTH * warmth * _WARM + rng.normal(scale=0.05)
        covers[cover] = grey + tint[:, None, None]
    return covers + rng.normal(scale=NOISE, size=covers.shape).astype(np.float32)


def _oval(row: float, column: float, height: float, width: float) -> NDArray[np.bool_]:
    inside = ((_ROW - row) / height) ** 2 + ((_COLUMN - column) / width) ** 2 < 1
    return np.asarray(inside)


def _face(rng: np.random.Generator) -> NDArray[np.bool_]:
    """A head above shoulders."""
    column, size = rng.uniform(0.35, 0.65), rng.uniform(0.17, 0.25)
    return _oval(0.4, column, size * 1.2, size) | _oval(1.0, column, 0.35, 0.4)


def _figure(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Someone who stands there."""
    column, size = rng.uniform(0.25, 0.75), rng.uniform(0.08, 0.12)
    return _oval(0.25, column, size, size) | _oval(0.65, column, 0.32, size)


def _hills(rng: np.random.Generator) -> NDArray[np.bool_]:
    """A horizon with a hill."""
    horizon = rng.uniform(0.45, 0.65)
    return np.asarray(horizon < _ROW) | _oval(horizon, rng.uniform(0.2, 0.8), 0.2, 0.35)


def _stripes(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Diagonal stripes."""
    return np.asarray(np.sin(2 * np.pi * (rng.integers(3, 5) * (_ROW + _COLUMN) + rng.random())) > 0)
