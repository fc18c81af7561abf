"""Units of any torch module, ablated one at a time, many in one pass; and groups of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.collect.last_block.tiles import GB
from hypotest.collect.network.linear_proof import linear_route
from hypotest.collect.network.routes import Route, Stepped, Whole
from hypotest.errors import EvidenceError
from hypotest.subjects.network.network import Network
from hypotest.subjects.precision import full_precision

_NUMBERS = 2**22
"""That a pass holds beside its inputs, at most: more are slower, since they leave the processor's cache."""
_BYTES = 8 * 4
"""Of a number, with the copies that are made of it on its way."""
_ROWS = 512
"""Of a pass, at most."""


def route_of(network: Network) -> Route:
    """The fastest way from a network's units to its outcome that is proved to be right."""
    with full_precision():
        if network.recurrence:
            return Stepped(network)
        return linear_route(network) or Whole(network)


def kept_route(network: Network) -> Route:
    """`route_of`, found once for a network."""
    if "route" not in network.derived:
        network.derived["route"] = route_of(network)
    route: Route = network.derived["route"]
    return route


def ablation_arrays(
    route: Route,
    network: Network,
    rows: NDArray[np.int64],
    replacement: NDArray[np.floating[Any]],
    memory: float,
    units: NDArray[np.int64] | None = None,
    on_part: Callable[[], None] = lambda: None,
) -> dict[str, NDArray[Any]]:
    """Ablate units one at a time, and measure the change of the outcome at some rows.

    Args:
        route: From `route_of`.
        network: The network.
        rows: Their numbers, shape (n_rows,).
        replacement: What a unit is set to, shape (n_units,) or (n_rows, n_units).
        memory: GB that a pass may take.
        units: Which ones; all by default.
        on_part: Called after each part of the rows, for progress.

    Returns:
        ``delta_loss`` (n_rows, n_units), positive where the ablation hurts; ``error_bound``, NaN, since
        nothing bounds the rounding of a pass; ``loss`` (n_rows,), the outcome without ablation; ``n_exact``,
        the units.

    Raises:
        EvidenceError: If a value is not finite.
    """
    chosen = np.arange(network.n_neurons) if units is None else np.asarray(units, dtype=np.int64)
    members = chosen[:, None]
    change = np.full((rows.size, chosen.size), np.nan, dtype=np.float32)
    loss = np.empty(rows.size, dtype=np.float32)
    for part, base_loss, changes in _changes(route, network, rows, replacement, members, memory):
        change[part], loss[part] = changes.T, base_loss
        on_part()
    if not np.isfinite(change).all():
        row, column = np.argwhere(~np.isfinite(change))[0]
        raise EvidenceError(
            f"{network.name}: the outcome with unit {chosen[column]} ablated is not finite at row {rows[row]}"
        )
    return {
        "delta_loss": change,
        "error_bound": np.full(change.shape, np.nan, dtype=np.float16),
        "loss": loss,
        "n_exact": np.full(rows.size, chosen.size, dtype=np.int32),
    }


def group_changes(
    route: Route,
    network: Network,
    rows: NDArray[np.int64],
    replacement: NDArray[np.floating[Any]],
    groups: Sequence[NDArray[np.int64]] | NDArray[np.int64],
    memory: float,
    on_group: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Change of the outcome when all units of a group are ablated together, shape (n_rows, n_groups).

    Args:
        route: From `route_of`.
        network: The network.
        rows: Their numbers, shape (n_rows,).
        replacement: As for `ablation_arrays`.
        groups: Units of each, in any numbers.
        memory: GB that a pass may take.
        on_group: Called after each, for progress.
    """
    change = np.empty((rows.size, len(groups)), dtype=np.float32)
    for column, group in enumerate(groups):
        members = np.asarray(group, dtype=np.int64)[None]
        for part, _, changes in _changes(route, network, rows, replacement, members, memory):
            change[part, column] = changes[0]
        on_group()
    return change


def part_starts(route: Route, n_rows: int, memory: float) -> range:
    """First row of each part that `ablation_arrays` goes through."""
    return range(0, n_rows, _part_size(route, n_rows, memory))


def _part_size(route: Route, n_rows: int, memory: float) -> int:
    return max(1, min(n_rows, _ROWS, int(_limit(memory) / max(route.numbers, 1.0))))


def _limit(memory: float) -> float:
    return min(_NUMBERS, memory * GB / _BYTES)


def _changes(
    route: Route,
    network: Network,
    rows: NDArray[np.int64],
    replacement: NDArray[np.floating[Any]],
    members: NDArray[np.int64],
    memory: float,
) -> Iterator[tuple[slice, NDArray[np.float32], NDArray[np.float32]]]:
    """For each part of the rows: where it lies, its outcomes, and their changes (n_variants, n_rows)."""
    size = _part_size(route, rows.size, memory)
    n_variants = max(1, int(_limit(memory) / (max(route.numbers, 1.0) * size)))
    with full_precision():
        for start in range(0, rows.size, size):
            here = slice(start, min(start + size, rows.size))
            base = route.base(rows[here])
            own = replacement[here] if replacement.ndim == 2 else replacement
            after = torch.from_numpy(np.ascontiguousarray(own)).to(base.activations)
            changes: list[Tensor] = []
            for some in torch.split(torch.from_numpy(members).to(after.device), n_variants):
                changes.append(route.outcomes(base, some, after) - base.loss)
            yield here, base.loss.float().cpu().numpy(), torch.cat(changes).float().cpu().numpy()
