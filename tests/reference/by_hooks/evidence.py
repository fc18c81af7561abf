"""What the run left: arrays of its cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Rows:
    """Positions of one split, and what a network does there. `rare` marks those of the first condition."""

    block: Array
    document: Array
    index: Array
    target: Array
    rare: Array
    foil: Array | None = None
    activations: Array
    attention: Array
    residual: Array
    delta: Array
    """Change of the outcome with each neuron at its mean."""
    loss: Array

    def influence(self, rare: bool) -> Array:
        return np.abs(self.delta[self.rare == rare].astype(np.float64)).mean(0)


class Split(Rows):
    """One split's arrays as the run stored them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.block, self.document, self.index, self.target, self.rare = (
            np.load(folder / "positions" / f"{name}.npy")
            for name in ("block", "document", "index", "target", "first")
        )
        self.activations, self.attention, self.residual = (
            self.joined("forward", name) for name in ("activations", "attention", "residual")
        )
        width = self.activations.shape[1]
        self.delta = np.empty((len(self.rare), width), dtype=np.float32)
        self.bound = np.empty(self.delta.shape, dtype=np.float16)
        self.loss = np.empty(len(self.rare), dtype=np.float32)
        every = np.ones(len(self.rare), dtype=bool)
        for condition, rows in (("first", self.rare), ("second", ~self.rare), ("both", every)):
            if not (folder / "ablation" / condition).exists():
                continue  # forward passes ablate a block's positions together, whatever their condition
            self.delta[rows] = self.joined(f"ablation/{condition}", "delta_loss")
            self.bound[rows] = self.joined(f"ablation/{condition}", "error_bound")
            self.loss[rows] = self.joined(f"ablation/{condition}", "loss")
        names = ("document", "target", "base", "single", "layer")
        self.heads = {name: self.joined("heads", name) for name in names}

    def joined(self, kind: str, name: str) -> Array:
        shards = sorted(p for p in (self.folder / kind).iterdir() if p.is_dir())
        return np.concatenate([np.load(p / f"{name}.npy") for p in shards])


def head_numbers(selection: Split) -> Array:
    """Layer and head of each attention head whose output reaches the neurons, shape (n_heads, 2)."""
    return np.asarray(np.load(selection.folder / "weights" / "heads.npy"))


class Lesions:
    """Groups that the run lesioned at once, and the changes of loss that it stored."""

    def __init__(self, folder: Path) -> None:
        sizes, members = (np.load(folder / "asked" / f"{name}.npy") for name in ("sizes", "members"))
        self.groups = np.split(members, np.cumsum(sizes)[:-1])
        self.random = np.load(folder / "asked" / "random.npy")
        shards = sorted((folder / "lesions").iterdir())
        self.evaluation, self.neither = (
            np.concatenate([np.load(p / f"{name}.npy") for p in shards]) for name in ("evaluation", "neither")
        )

    def column(self, group: Array) -> int:
        (same,) = [i for i, g in enumerate(self.groups) if np.array_equal(np.sort(g), np.sort(group))]
        return same


def text_tokens(cache: Path, splits: list[Split]) -> Array:
    """The text in which the positions' next tokens are their targets."""
    for path in (cache / "prepared" / "blocks").glob("*/tokens.npy"):
        tokens = np.load(path)
        if all(
            s.block.max() < len(tokens) and np.array_equal(tokens[s.block, s.index + 1], s.target)
            for s in splits
        ):
            return np.asarray(tokens)
    raise SystemExit("no prepared text in the cache has these targets at these positions")
