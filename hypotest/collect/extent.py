"""What a forward pass is given, and how far it has to go: to the last position that is read, and no further.

A causal model's values at a position follow from the tokens up to it. A block of text is therefore cut behind
the last position that is looked at, blocks that end alike are run together, and an MLP whose output is read
at some positions only runs at these alone. With sums of one order (`hypotest.subjects`) every value keeps its
bits. An encoder reads whole blocks, one for each position, whose target is masked
(`hypotest.subjects.masking`); those of one length are run together, so that none is padded.
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

from hypotest.collect.scoring import Scoring
from hypotest.subjects.anatomy.passes import hidden_of, with_hidden
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.masking import PADDING, Masking

_SHORTEST = 16
"""Tokens: products over fewer have kernels of their own, which round otherwise."""
_BY_LENGTH = frozenset({"dynamic", "longrope"})
"""Rotary positions that turn otherwise in a longer text: what comes behind a position counts there."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Tokens that are run together, cut behind the last position that is read in any of the passes."""

    ids: Tensor
    """Shape (n_passes, length)."""
    places: NDArray[np.int64]
    """Which of the positions are read in these passes, ascending."""
    rows: Tensor
    """Row of the batch of each of these positions; on the CPU, since layers may lie on several devices and
    each can be indexed from there."""
    columns: Tensor
    """Place of each within its row."""

    @property
    def length(self) -> int:
        """Tokens of each pass."""
        return int(self.ids.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """Passes and tokens."""
        return len(self.ids), self.length


def batches(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    size: int,
) -> Iterator[Batch]:
    """Batches of passes that end alike; blocks of which no position is read are left out.

    Args:
        subject: The network.
        tokens: Blocks, shape (n_blocks, context).
        block: Row of the tokens of each position, shape (n_positions,).
        index: Place within the block, shape (n_positions,).
        size: Passes of a batch, at most.
    """
    if subject.masking is not None:
        yield from _masked(subject.masking, tokens, block, index, size)
        return
    used, owner = np.unique(block, return_inverse=True)
    last = np.zeros(used.size, dtype=np.int64)
    np.maximum.at(last, owner, index)
    order = np.argsort(last, kind="stable")
    for start in range(0, used.size, size):
        chosen = np.sort(order[start : start + size])
        places = np.flatnonzero(np.isin(owner, chosen))
        length = length_of_pass(subject, int(last[chosen].max()), tokens.shape[1])
        yield Batch(
            ids=torch.from_numpy(tokens[used[chosen], :length].astype(np.int64)),
            places=places,
            rows=torch.from_numpy(np.searchsorted(chosen, owner[places])),
            columns=torch.from_numpy(index[places]),
        )


def _masked(
    masking: Masking,
    tokens: NDArray[np.int32],
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    size: int,
) -> Iterator[Batch]:
    """A pass for each position, those of one length together."""
    length = (tokens[block] != PADDING).sum(axis=1)
    for same in np.unique(length):
        alike = np.flatnonzero(length == same)
        for start in range(0, alike.size, size):
            places = alike[start : start + size]
            passes = [masking.masked(tokens[block[place]], int(index[place])) for place in places]
            yield Batch(
                ids=torch.from_numpy(np.stack(passes)),
                places=places,
                rows=torch.arange(places.size),
                columns=torch.from_numpy(index[places] + 1),
            )


@dataclass(frozen=True, slots=True, eq=False)
class BlockPass:
    """Tokens of one block, and the places at which logits are read."""

    ids: Tensor
    """Shape (1, length), on the subject's device."""
    query: Tensor
    """Places within them; on the CPU, as in `Batch`."""
    target: Tensor
    """Token that is predicted at each."""
    rows: slice
    """Which of the block's rows are read."""


def passes_over(
    subject: LanguageModel,
    tokens: NDArray[np.int32],
    index: NDArray[np.int64],
    scoring: Scoring,
    *,
    whole: bool = False,
) -> Iterator[BlockPass]:
    """What is run to read some rows of one block: it once, or an encoder once for each row.

    Args:
        subject: The network.
        tokens: The block, shape (context,).
        index: Place of each row within it, shape (n_rows,).
        scoring: Of the rows.
        whole: Whether a block is run to its end, though nothing behind the last query can matter.
    """
    for rows in [slice(row, row + 1) for row in range(index.size)] if subject.masking else [slice(None)]:
        query = scoring.part(rows).queries(index[rows])
        target = torch.from_numpy(tokens[query + 1].astype(np.int64))
        if subject.masking:
            ids = subject.masking.masked(tokens, int(index[rows][0]))
            query = query + 1
        else:
            length = tokens.size if whole else length_of_pass(subject, int(query.max()), tokens.size)
            ids = tokens[:length].astype(np.int64)
        yield BlockPass(torch.from_numpy(ids)[None].to(subject.device), torch.from_numpy(query), target, rows)


@contextmanager
def logits_at(subject: LanguageModel, query: Tensor | None) -> Iterator[dict[str, Any]]:
    """Within it a pass gives logits at some places alone; None: at all that it has.

    Yields:
        Arguments for the model: a decoder knows how. An encoder's head is given these places alone.
    """
    if query is None or subject.masking is None:
        yield {} if query is None else {"logits_to_keep": query}
        return
    hook = subject.module("head").register_forward_pre_hook(
        lambda _module, arguments: (arguments[0][:, query], *arguments[1:])
    )
    try:
        yield {}
    finally:
        hook.remove()


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
