"""Random numbers: one independent stream per purpose, all from the protocol's seed."""

from __future__ import annotations

import hashlib

import numpy as np


class Streams:
    """Generators that depend on the seed and a purpose, not on what was drawn before.

    Adding a prediction therefore never changes the draws of another. One purpose always gives the same
    numbers: what is drawn twice needs two, such as the prediction's id and the number of the piece.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, *purpose: str) -> np.random.Generator:
        """A fresh generator for a purpose, such as ``streams("definedness", "41")``."""
        digest = hashlib.sha256("\0".join(purpose).encode()).digest()
        words = np.frombuffer(digest, dtype=np.uint32).tolist()
        return np.random.default_rng([self.seed, *words])
