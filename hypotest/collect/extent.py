"""How far a forward pass has to go: to the last position that is read, and no further.

A causal model's values at a position follow from the tokens up to it. A block of text is therefore cut behind
the last position that is looked at, blocks that end alike are run together, and an MLP whose output is read
at some positions only runs at these alone. With sums of one order (`hypotest.subjects`) every value keeps its
bits.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.passes import hidden_of, with_hidden

_SHORTEST = 16
"""Tokens: products over fewer have kernels of their own, which round otherwise."""
_BY_LENGTH = frozenset({"dynamic", "longrope"})
"""Rotary positions that turn otherwise in a longer text: what comes behind a position counts there."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Blocks that are run together, cut behind the last position that is read in any of them."""

    blocks: NDArray[np.int64]
    """Rows of the tokens."""
    places: NDArray[np.int64]
    """Which of the positions lie in these blocks, ascending."""
    rows: Tensor
    """Row of the batch of each of these positions; on the CPU, since layers may lie on several devices and
    each can be indexed from there."""
    columns: Tensor
    """Place of each within its block."""
    length: int
    """Tokens of each block that are run."""

    @property
    def shape(self) -> tuple[int, int]:
        """Blocks and tokens."""
        return self.blocks.size, self.length

    def ids(self, tokens: NDArray[np.int32]) -> Tensor:
        """The tokens to run, shape (n_blocks, length)."""
        return torch.from_numpy(tokens[self.blocks, : self.length].astype(np.int64))


def batches(
    subject: LanguageModel, block: NDArray[np.int64], index: NDArray[np.int64], context: int, size: int
) -> Iterator[Batch]:
    """Batches of blocks that end alike; blocks of which no position is read are left out.

    Args:
        subject: The network.
        block: Row of the tokens of each position, shape (n_positions,).
        index: Place within the block, shape (n_positions,).
        context: Tokens of a whole block.
        size: Blocks of a batch, at most.
    """
    used, owner = np.unique(block, return_inverse=True)
    last = np.zeros(used.size, dtype=np.int64)
    np.maximum.at(last, owner, index)
    order = np.argsort(last, kind="stable")
    for start in range(0, used.size, size):
        chosen = np.sort(order[start : start + size])
        places = np.flatnonzero(np.isin(owner, chosen))
        yield Batch(
            blocks=used[chosen],
            places=places,
            rows=torch.from_numpy(np.searchsorted(chosen, owner[places])),
            columns=torch.from_numpy(index[places]),
            length=length_of_pass(subject, int(last[chosen].max()), context),
        )


def length_of_pass(subject: LanguageModel, last: int, context: int) -> int:
    """Tokens of a block that have to be run for the values at a position, the last that is read.

    All of them where the family's rotary positions depend on how long the text is.
    """
    if _BY_LENGTH & _rope_types(getattr(subject.config, "rope_parameters", None)):
        return context
    return min(context, max(last + 1, _SHORTEST))


@contextmanager
def mlp_only_at(
    subject: LanguageModel, layer: int, rows: Tensor, columns: Tensor, shape: tuple[int, int]
) -> Iterator[Callable[[Tensor], Tensor]]:
    """Within it a block's MLP runs at some positions alone, and adds nothing elsewhere.

    MLPs that want more than their input (BLOOM's adds the residual stream), and families in which the MLP is
    no module (OPT), run as they are.

    Args:
        subject: The network.
        layer: The block.
        rows: Row of the batch of each position, shape (n_positions,).
        columns: Place of each within its block, shape (n_positions,).
        shape: Blocks and tokens of the pass.

    Yields:
        From what a module inside the MLP saw to the same at the positions, shape (n_positions, ...).
    """
    mlp = subject.module("mlp", layer)
    takes = inspect.signature(type(mlp).forward).parameters  # of which the first is the module itself
    if subject.anatomy.mlp == subject.anatomy.down_projection or len(takes) != 2:
        yield lambda values: values.reshape(*shape, values.shape[-1])[rows, columns]  # some flatten positions
        return

    def narrow(_module: Any, arguments: tuple[Tensor, ...]) -> tuple[Tensor]:
        (hidden,) = arguments
        return (hidden[rows, columns][None],)

    def widen(_module: Any, _arguments: Any, output: Any) -> Any:
        narrowed = hidden_of(output)
        whole = narrowed.new_zeros(*shape, narrowed.shape[-1])
        whole[rows, columns] = narrowed[0]
        return with_hidden(output, whole)

    hooks = [mlp.register_forward_pre_hook(narrow), mlp.register_forward_hook(widen)]
    try:
        yield lambda values: values.reshape(-1, values.shape[-1])
    finally:
        for hook in hooks:
            hook.remove()


def seen_at(
    subject: LanguageModel, batch: Batch, seen: Tensor, at_positions: Callable[[Tensor], Tensor]
) -> Tensor:
    """What units are read from, at a batch's positions.

    Args:
        subject: The network.
        batch: The blocks.
        seen: From `hypotest.subjects.units.kind.Kind.seen`.
        at_positions: From `mlp_only_at`.

    Returns:
        Shape (n_positions, ...).
    """
    return at_positions(seen) if subject.kind.site == "mlp" else seen[batch.rows, batch.columns]


def _rope_types(parameters: Any) -> set[str]:
    """All kinds of rotary positions; some families have one for each kind of layer."""
    if not isinstance(parameters, Mapping):
        return set()
    kind = parameters.get("rope_type")
    return ({str(kind)} if kind else set()).union(*map(_rope_types, parameters.values()))
