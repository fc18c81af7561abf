"""Ablation of neurons, of whole groups and of attention heads, by hooks in whole forward passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.reference.by_hooks.errors import one_way, p_of_t, two_sided
from tests.reference.by_hooks.evidence import Array, Lesions, Split, head_numbers
from tests.reference.by_hooks.network import Network, edited
from tests.reference.by_hooks.table import SEED, Table


def check_ablations(
    out: Table,
    net: Network,
    splits: dict[str, Split],
    lesions: Lesions,
    tokens: Array,
    groups: list[Array],
    n: int,
) -> None:
    """Each position's forward pass goes on with several rows from the down-projection on, ablated at all
    positions up to the one that is looked at: later blocks mix them."""
    out.head(f"ablation at {n} positions: a random neuron, a member of the group, whole groups")
    mean = splits["selection"].activations.astype(np.float64).mean(0)
    stored = np.load(splits["selection"].folder / "mean" / "mean_activation.npy")
    out.row("mean activation: largest difference from the stored", 0, float(np.abs(mean - stored).max()))
    rng = np.random.default_rng(SEED)
    last = net.tested
    single: list[list[float]] = []
    at_once: list[list[float]] = []
    apart = {"activations": 0.0, "residual": 0.0, "loss": 0.0}
    for i in range(n):
        name = "selection" if i % 2 else "evaluation"
        s = splits[name]
        at = int(rng.integers(len(s.block)))
        place, block = int(s.index[at]), int(s.block[at])
        neurons = [int(rng.integers(len(mean))), int(rng.choice(groups[0]))]
        edits = [np.array([neurons[0]]), np.array([neurons[1]]), *groups]
        ids = torch.from_numpy(tokens[block, : place + 1].astype(np.int64))[None]
        seen: dict[str, Array] = {}

        def ablate(
            x: torch.Tensor, edits: list[Array] = edits, seen: dict[str, Array] = seen
        ) -> torch.Tensor:
            seen["activations"] = x[0, -1].numpy().copy()
            rows = x.expand(1 + len(edits), -1, -1).clone()
            for row, which in enumerate(edits):
                rows[1 + row][:, which] = torch.from_numpy(mean[which])
            return rows

        def keep(x: torch.Tensor, seen: dict[str, Array] = seen) -> None:
            seen["residual"] = x[0, -1].numpy().copy()

        with edited(last.down, ablate), edited(net.norm, keep):
            loss = -net(ids, last=True)[:, 0].log_softmax(-1)[:, int(tokens[block, place + 1])]
        if i < 3:  # the same by a pass of its own, from the embedding on

            def alone(x: torch.Tensor, group: Array = groups[0]) -> torch.Tensor:
                x = x.clone()
                x[0][:, group] = torch.from_numpy(mean[group])
                return x

            with edited(last.down, alone):
                plain = -net(ids, last=True)[0, 0].log_softmax(-1)[int(tokens[block, place + 1])]
            assert abs(plain - loss[3]) < 1e-9
        for key in ("activations", "residual"):
            if (held := getattr(s, key)[at]).size:  # the residual stream is not kept before the last layer
                apart[key] = max(apart[key], float(np.abs(seen[key] - held).max()))
        apart["loss"] = max(apart["loss"], abs(float(loss[0]) - float(s.loss[at])))
        change = (loss[1:] - loss[0]).numpy()
        single.append([*change[:2], *s.delta[at, neurons], *s.bound[at, neurons]])
        if name == "evaluation":
            columns = [lesions.column(group) for group in groups]
            at_once.append([*change[2:], *lesions.evaluation[columns, at]])
    table = np.array(single)
    for column, name in ((0, "random neuron"), (1, "member of the group")):
        mine, theirs, bound = table[:, column], table[:, column + 2], table[:, column + 4]
        gap = np.abs(mine - theirs)
        out.row(
            f"{name}: largest |delta_loss - stored|",
            0,
            float(gap.max()),
            f"median {np.median(gap):.1e}, largest |delta| {np.abs(mine).max():.3f}; beyond its stored bound "
            f"+ 2e-6: {np.sum(gap > bound + 2e-6)}",
        )
    for key, value in apart.items():
        out.row(f"{key}: largest difference from the stored", 0, value)
    changes = np.array(at_once)
    for column, name in enumerate(("rare", "common")):
        mine, theirs = changes[:, column], changes[:, column + len(groups)]
        out.row(
            f"group of {name} at once, {len(mine)} positions: largest gap",
            0,
            float(np.abs(mine - theirs).max()),
            f"largest |change| {np.abs(mine).max():.2f}",
        )


def head_row(s: Split, row: int) -> int | None:
    """The position of a row of the head ablations, by its document, target and squared activations."""
    document, target = s.heads["document"][row], s.heads["target"][row]
    for place in np.flatnonzero((s.document == document) & (s.target == target) & s.rare):
        squares = np.square(s.activations[place].astype(np.float64))
        if np.allclose(squares, s.heads["base"][row], rtol=1e-3, atol=1e-7):
            return int(place)
    return None


def ablated_heads(net: Network, layer: int, ids: torch.Tensor, place: int) -> Array:
    """Squared change of the last MLP's activations: each head of a layer at zero, then all of them."""
    heads, size = net.blocks[layer].attention.heads, net.blocks[layer].attention.size
    kept: list[torch.Tensor] = []

    def zeroed(x: torch.Tensor) -> torch.Tensor:
        rows = x.expand(2 + heads, -1, -1).clone()
        for head in range(heads):
            rows[1 + head, :, head * size : (head + 1) * size] = 0
        rows[-1] = 0
        return rows

    with edited(net.blocks[layer].o, zeroed), edited(net.tested.down, lambda x: kept.append(x[:, place])):
        net(ids[:, : place + 1], last=True)
    return (kept[0][1:] - kept[0][:1]).square().numpy()


def check_heads(
    out: Table, net: Network, result: Any, splits: dict[str, Split], tokens: Array, group: Array, n: int
) -> None:
    out.head("attention heads")
    by_name = {p["id"]: p for p in result["predictions"]}
    numbers = head_numbers(splits["selection"])
    layers, heads = np.unique(numbers[:, 0]).tolist(), int(numbers[:, 1].max()) + 1
    worst: list[float] = []
    missing = 0
    for s in splits.values():
        for row in range(0, len(s.heads["document"]), len(s.heads["document"]) // n):
            if (place := head_row(s, row)) is None:
                missing += 1
                continue
            ids = torch.from_numpy(tokens[s.block[place]].astype(np.int64))[None]
            for number, layer in enumerate(layers):
                change = ablated_heads(net, layer, ids, int(s.index[place]))
                single = s.heads["single"][row, number * heads : (number + 1) * heads]
                stored = np.concatenate([single, s.heads["layer"][row, number][None]])
                worst.append(float(np.max(np.abs(change - stored)) / stored.max()))
    out.row(
        f"{len(worst) // len(layers)} positions: largest difference / largest stored",
        0,
        max(worst, default=np.nan),
        f"{missing} positions not identified",
    )
    sums = {
        k: {p: s.heads[p].astype(np.float64).sum(0) for p in ("base", "single", "layer")}
        for k, s in splits.items()
    }
    top = int(np.argmax(sums["selection"]["single"][:, group].sum(1)))
    claimed = by_name["single-head"]
    beside = claimed["secondary"]
    out.row(
        "top head, counted from the first that was ablated",
        (beside["top_head_layer"]["value"] - layers[0]) * heads + beside["top_head"]["value"],
        top,
    )
    e = splits["evaluation"].heads
    values = np.stack(
        [
            part[..., group].astype(np.float64).sum(-1)[:, i]
            for part, i in ((e["single"], top), (e["layer"], top // heads))
        ],
        -1,
    )
    share = values.sum(0)[0] / values.sum(0)[1]
    out.row("top head share", claimed["observed"], float(share))
    error = one_way(values, e["document"], e["target"], lambda m: m[:, 0] / m[:, 1])
    out.row("    SE, two-way", claimed["interval"]["standard_error"], error.floored, error.said())
    p = p_of_t(float(share) - 0.5, error.floored, error.freedom)
    out.row("    p against 0.5", claimed["p_value"], p)
    shares = (
        e["single"].sum(0, dtype=np.float64) / np.repeat(e["layer"].sum(0, dtype=np.float64), heads, 0)
    ).max(0)
    out.say(
        f"neurons with one head above half of its layer: {np.sum(shares[group] > 0.5)} of the group, "
        f"{np.mean(shares > 0.5):.1%} of the layer; largest in the group {shares[group].max():.2f}"
    )
    parts = sums["evaluation"]

    def impact(groups: Array) -> Array:
        tops = sums["selection"]["single"][:, groups].sum(-1).argmax(0)
        single = parts["single"][:, groups].sum(-1)[tops, np.arange(len(groups))]
        return np.asarray(np.sqrt(single / parts["base"][groups].sum(-1)))

    claimed = by_name["head-specificity"]
    out.row("top head impact", claimed["observed"], float(impact(group[None])[0]))
    order = np.argsort(np.random.default_rng(SEED).random((4000, len(parts["base"]))), 1)
    drawn = impact(order[:, : len(group)])
    out.row("    of random groups: mean", claimed["reference_value"], float(drawn.mean()))
    out.row("    SD", claimed["reference_sd"], float(drawn.std(ddof=1)))
    out.row("    p", claimed["p_value"], two_sided(claimed["observed"], drawn))
