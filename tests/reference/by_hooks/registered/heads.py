"""Does one attention head carry what its layer brings to the group?"""

from __future__ import annotations

import numpy as np
import torch

from tests.reference.by_hooks.errors import one_way, p_of_t
from tests.reference.by_hooks.evidence import Array, Rows
from tests.reference.by_hooks.interventions import ablated_heads
from tests.reference.by_hooks.network import Network
from tests.reference.by_hooks.registered.claims import Ledger
from tests.reference.by_hooks.registered.judging import Test
from tests.reference.by_hooks.table import SEED


def top_head(
    out: Ledger, net: Network, tokens: Array, splits: tuple[Rows, Rows], group: Array, n: int
) -> Test:
    """Share of the top head in its layer's effect, at n positions of the first condition of each split.

    Heads of all layers before the last are tried (in this family the last block's attention never reaches its
    MLP); the run ablated those of two layers, at positions of its own choice.
    """
    rng = np.random.default_rng(SEED)
    layers = range(len(net.blocks) - 1)
    sides: list[Array] = []
    rows_of: list[Array] = []
    for at in splits:
        rows = np.sort(rng.choice(np.flatnonzero(at.rare), n, replace=False))
        rows_of.append(rows)
        changes = []
        for row in rows:
            ids = torch.from_numpy(tokens[at.block[row], : at.index[row] + 1].astype(np.int64))[None]
            each = [ablated_heads(net, layer, ids, int(at.index[row])) for layer in layers]
            changes.append([change[:, group].sum(1) for change in each])
        sides.append(np.array(changes))  # (n, layers, heads and the whole layer)
    sums = sides[0].sum(0)
    layer, head = np.unravel_index(np.argmax(sums[:, :-1]), sums[:, :-1].shape)
    out.claim("predictions/single-head/secondary/top_head_layer", int(layer))
    out.claim("predictions/single-head/secondary/top_head", int(head))
    e, rows = splits[1], rows_of[1]
    values = np.stack([sides[1][:, layer, head], sides[1][:, layer, -1]], -1)
    total = values.sum(0)
    share = float(total[0] / total[1])
    error = one_way(values, e.document[rows], e.target[rows], lambda m: m[:, 0] / m[:, 1])
    out.claim(
        "predictions/single-head/observed", share, 3 * 2**0.5 * error.floored, "own positions", error.said()
    )
    out.claim(
        "predictions/single-head/interval/standard_error", error.floored, 0.6 * error.floored, "own positions"
    )
    every = sides[1].sum(0)
    out.fact(
        "largest share of one head in its layer, of all layers", float((every[:, :-1] / every[:, -1:]).max())
    )
    return Test(share - 0.5, error.floored, error.freedom, p_of_t(share - 0.5, error.floored, error.freedom))
