"""Generated songs: what is latent in them, how it shows, and their labels.

Theme shows in lyrics alone, genre in sound alone, motif in the cover alone; mood shows in all three, each
time with noise of its own. So of the six labels three are private to a modality and three are shared:

======== ========== =========================
romantic text       theme is love or home
electronic audio    genre is techno or house
portrait image      motif is a face or a figure
happy    all        mood
danceable audio, all  electronic and happy
tearful  text, all  romantic and not happy
======== ========== =========================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.subjects.controls.jtav.covers import painted
from hypotest.subjects.controls.jtav.lyrics import written
from hypotest.subjects.controls.jtav.spectrograms import sounded

LABELS = ("romantic", "electronic", "portrait", "happy", "danceable", "tearful")
PRIVATE: Mapping[str, str] = {"text": "romantic", "audio": "electronic", "image": "portrait"}
"""Modality -> the label that it alone carries."""
MOOD_NOISE = 1.2
"""SD of what a modality shows of the mood, which is -1 or 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Songs:
    """Songs with their labels, one a row."""

    lyrics: Tensor
    """Words, shape (n, 24)."""
    captions: Tensor
    """Words, shape (n, 4)."""
    spectrograms: Tensor
    """Log energies, shape (n, 64, 80)."""
    covers: Tensor
    """Colours, shape (n, 3, 24, 24)."""
    labels: Tensor
    """Of `LABELS`, 0 or 1, shape (n, 6)."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the network is given."""
        return self.lyrics, self.captions, self.spectrograms, self.covers

    def __getitem__(self, rows: Tensor) -> Songs:
        """Some of them."""
        return Songs(*(getattr(self, item.name)[rows] for item in fields(self)))


def songs(n: int, rng: np.random.Generator) -> Songs:
    """Write n songs."""
    theme, genre, motif = (rng.integers(4, size=n) for _ in range(3))
    happy = rng.integers(2, size=n)

    def shown(sharpness: float) -> NDArray[np.float64]:
        return sharpness * (2.0 * happy - 1 + MOOD_NOISE * rng.normal(size=n))

    lyrics, captions = written(theme, shown(2.0), rng)
    spectrograms = sounded(genre, shown(1.0), rng)
    covers = painted(motif, shown(1.0), rng)
    romantic, electronic, portrait = theme < 2, genre < 2, motif < 2
    labels = np.stack(
        [romantic, electronic, portrait, happy, electronic & (happy == 1), romantic & (happy == 0)], axis=1
    )
    return Songs(
        torch.from_numpy(lyrics),
        torch.from_numpy(captions),
        torch.from_numpy(spectrograms),
        torch.from_numpy(covers),
        torch.from_numpy(labels.astype(np.float32)),
    )
