"""What a control is: a network, and how its organisation is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from torch import nn

from hypotest.subjects.controls.recipe import LogRow, Recipe, fresh_module
from hypotest.subjects.controls.store import trained_weights, weights_place
from hypotest.subjects.network.network import Network

Organisation = Literal["modular", "distributed", "lesions", "open"]
"""What is known: that it is modular, or distributed; or only what lesions of every single unit say; or
nothing, and the question is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A network whose organisation is known, and the protocol that must find it."""

    name: str
    """Lower-case letters, digits and hyphens; with underscores it is the function in `hypotest.controls`."""
    title: str
    """The question that the protocol answers of it."""
    known: str
    """What is known of it, in a few words, for a table."""
    how: str
    """How that is known, in a few words: wiring, one function, lesions."""
    source: str
    """Where network and task come from: a paper, or "hypotest"."""
    recipe: Recipe
    subject: Callable[[nn.Module, Any], Network]
    """From module (in evaluation mode) and data to the network under test. Its rows have the column of
    `sides`, and as many rows as the protocol samples."""
    protocol: str
    """Name of the file in ``protocols/controls``, without ending."""
    organisation: Organisation
    sides: tuple[str, str, str] = ("task", "one", "two")
    """Column of the rows, and its values that are the protocol's first and second condition."""
    replacement: Literal["zero", "mean"] = "zero"
    """What an ablated unit is set to, in the protocol and in the lesions that tell the truth."""
    seeds: int = 20
    """Of the shipped results."""
    score: str = ""
    """What the score of its versions is, where versions are trained beside it: their names, and each with a
    colon and a part of the score, are in the last row of the log."""
    untrained: bool = True
    """Whether the same without training belongs to the table: nothing was learned, nothing applies."""

    def trained(self, seed: int = 0) -> Trained:
        """The network after training, from the cache where it is there.

        Args:
            seed: Of data, weights and training.

        Raises:
            OutputError: If the cache cannot be written.
        """
        data = self.recipe.data(seed)
        module = fresh_module(self.recipe, seed)
        log = trained_weights(self.recipe, seed, module, data)
        return Trained(self, seed, module.eval(), data, tuple(log))

    def is_kept(self, seed: int = 0) -> bool:
        """Whether the cache holds its trained weights."""
        return weights_place(self.recipe, seed).exists()

    def without_training(self, seed: int = 0) -> Trained:
        """The same network with the weights that training starts from, and an empty log."""
        return Trained(self, seed, fresh_module(self.recipe, seed).eval(), self.recipe.data(seed), ())


@dataclass(frozen=True, eq=False)
class Trained:
    """A control at one seed."""

    control: Control
    seed: int
    module: nn.Module
    data: Any
    """What the recipe gives for the seed."""
    log: tuple[LogRow, ...]
    """Of the training, in the order of its steps; empty if it was not trained."""

    @cached_property
    def network(self) -> Network:
        """The network under test, with its rows."""
        return self.control.subject(self.module, self.data)
