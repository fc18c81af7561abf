"""Groups lesioned at once: in whole forward passes, and from the stream for groups that could have been."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tests.reference.by_hooks.evidence import Array, Rows
from tests.reference.by_hooks.forward import Place, batches, outcome, read
from tests.reference.by_hooks.network import Network, edited


@torch.no_grad()
def in_whole_passes(
    net: Network, tokens: Array, at: Rows, groups: Sequence[Array], mean: Array, blocks: Array | None = None
) -> Array:
    """Change of the outcome at every position with each group at its means, shape (n_groups, n_positions).

    The network runs from the embedding on; from the last down-projection on it carries one row more for each
    group. Positions of other blocks than `blocks` are NaN.
    """
    last, changes = net.blocks[-1], np.full((len(groups), len(at.block)), np.nan)
    for ids, rows, place in batches(tokens, at, blocks, 1024 // (1 + len(groups) // 8)):

        def lesion(x: torch.Tensor) -> torch.Tensor:
            every = x.repeat(1 + len(groups), 1, 1, 1)
            for row, group in enumerate(groups):
                every[1 + row, :, :, group] = torch.from_numpy(mean[group]).to(x.dtype)
            return every

        def cut(x: torch.Tensor, place: Place = place) -> torch.Tensor:
            return x[:, place[0], place[1]]

        with edited(last.down, lesion), edited(net.norm, cut):
            after = read(net(ids), at, rows)
        changes[:, rows] = after[1:] - after[0]
    return changes


class FromStream:
    """The same from the stream behind the last block, for many groups."""

    def __init__(self, net: Network, at: Rows, mean: Array) -> None:
        self.net, self.at = net, at
        self.away = mean - at.activations.astype(np.float64)
        self.write = net.blocks[-1].down.weight.T.double().numpy()
        self.before = outcome(net, at)

    def __call__(self, group: Array) -> Array:
        changed = Rows()
        vars(changed).update(vars(self.at))
        changed.residual = self.at.residual + self.away[:, group] @ self.write[group]
        return outcome(self.net, changed) - self.before


def index(change: Array, first: Array) -> float:
    """(a - b) / (a + b) of mean sizes of change."""
    a, b = np.abs(change[first]).mean(), np.abs(change[~first]).mean()
    return float((a - b) / (a + b))
