"""How a network comes to be: data, fresh weights, training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

LogRow = Mapping[str, float]
"""Numbers of one moment of a training, such as step, loss and accuracy."""
Log = Callable[[LogRow], None]
"""Told of some moments of a training; the last row that it is told holds the task score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Data, fresh weights and training, each from a seed alone.

    Trained weights are kept under the name, the seed, and the code of the files that hold these functions,
    and of those that they import from this folder, so that a change of the code trains anew. Several
    controls may share one recipe, and with it the weights.
    """

    name: str
    """Lower-case letters, digits and hyphens."""
    data: Callable[[int], Any]
    """Seed -> what the network is trained and tested on, anything."""
    module: Callable[[int], nn.Module]
    """Seed -> fresh weights; torch's own generator is seeded before it is called."""
    train: Callable[[nn.Module, Any, int, Log], None]
    """Trains the module in place, given module, data, seed and log; torch's generator is seeded before."""
    settings: Mapping[str, float | str] = field(default_factory=dict)
    """What the functions close over, where one file makes several recipes: part of the key, too."""


def fresh_module(recipe: Recipe, seed: int) -> nn.Module:
    """A recipe's module before training; torch's generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return recipe.module(seed)
