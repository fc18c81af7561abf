"""The model that ships with hypotest, and how it was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REFERENCE = Path(__file__).parent
"""Folder of the model that ships with hypotest, in Hugging Face format."""


def reference_card(folder: Path = REFERENCE) -> dict[str, Any]:
    """What the reference model was trained on and how well it predicts, from its ``card.json``."""
    card: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return card


def reference_token_counts() -> NDArray[np.int64]:
    """Occurrences of each token id in the reference model's training text, shape (8192,)."""
    return np.asarray(np.load(REFERENCE / "token_counts.npy", allow_pickle=False), dtype=np.int64)
