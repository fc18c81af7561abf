"""The numbers of a run on SmolLM2, derived a second time by code that shares nothing with the package.

    python tests/reference/smollm2_by_hooks.py RUN_FOLDER CACHE_FOLDER MODEL.gguf [--quick]

RUN_FOLDER is that of a finished run of protocols/smollm2.yaml (with results.json), CACHE_FOLDER the cache
that it filled, of which only arrays are read: tokens, positions and labels, and what is to be refuted.
The network is written down again below, in float64 (transformers' own takes norms and softmax to float32
whatever the weights are), its weights expanded by the package `gguf`; interventions are plain torch hooks.
Measures are taken by numpy, scipy, scikit-learn, networkx, igraph and leidenalg.

Prints a table of claimed value, measured value, and difference. About ten minutes on two cores. It asserts
nothing: it is to be read. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf
import igraph
import leidenalg
import networkx
import numpy as np
import polars as pl
import torch
from scipy.stats import norm, rankdata, spearmanr, t
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from torch import nn

Array = np.ndarray[Any, np.dtype[Any]]
SEED = 4711


class Table:
    """Claimed against measured."""

    def __init__(self) -> None:
        self.start = time.time()

    def head(self, title: str) -> None:
        print(f"\n== {title}   [{time.time() - self.start:.0f} s]", flush=True)

    def row(self, name: str, claimed: float, measured: float, note: str = "") -> None:
        gap = measured - claimed
        print(f"{name:<58} {claimed:>13.7g} {measured:>13.7g} {gap:>11.2e}  {note}", flush=True)

    def say(self, text: str) -> None:
        print(f"   {text}", flush=True)


# The network


class RMSNorm(nn.Module):
    def __init__(self, gain: torch.Tensor, eps: float) -> None:
        super().__init__()
        self.gain, self.eps = gain, eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x.square().mean(-1, keepdim=True) + self.eps).sqrt() * self.gain


class Linear(nn.Module):
    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight.T


class Block(nn.Module):
    """Llama: grouped queries, rotary positions in two halves, SwiGLU."""

    def __init__(self, get: Callable[[str], torch.Tensor], heads: int, kv: int, theta: float, eps: float):
        super().__init__()
        self.heads, self.kv = heads, kv
        self.norm1, self.norm2 = RMSNorm(get("attn_norm"), eps), RMSNorm(get("ffn_norm"), eps)
        # GGUF interleaves the two halves of each head's rotation: row 2 i + j was row j * size / 2 + i.
        self.q = Linear(_uninterleaved(get("attn_q"), heads))
        self.k = Linear(_uninterleaved(get("attn_k"), kv))
        self.v, self.o = Linear(get("attn_v")), Linear(get("attn_output"))
        self.gate, self.up, self.down = (Linear(get(f"ffn_{n}")) for n in ("gate", "up", "down"))
        size = self.q.weight.shape[0] // heads
        self.size = size
        self.speed = theta ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        self.attention: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.o(self.mixed(self.norm1(x)))
        h = self.norm2(x)
        return x + self.down(nn.functional.silu(self.gate(h)) * self.up(h))

    def mixed(self, h: torch.Tensor) -> torch.Tensor:
        """Heads side by side, the input of the output projection."""
        batch, length, _ = h.shape
        angle = torch.arange(length, dtype=torch.float64)[:, None] * self.speed
        cos, sin = angle.cos().repeat(1, 2), angle.sin().repeat(1, 2)

        def turned(z: torch.Tensor) -> torch.Tensor:
            half = self.size // 2
            return z * cos + torch.cat([-z[..., half:], z[..., :half]], -1) * sin

        def split(z: torch.Tensor, n: int) -> torch.Tensor:
            return z.view(batch, length, n, self.size).transpose(1, 2)

        q, k, v = turned(split(self.q(h), self.heads)), turned(split(self.k(h), self.kv)), None
        v = split(self.v(h), self.kv)
        k, v = (z.repeat_interleave(self.heads // self.kv, 1) for z in (k, v))
        score = q @ k.transpose(-1, -2) / self.size**0.5
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        self.attention = score.masked_fill(hidden, -torch.inf).softmax(-1)
        return (self.attention @ v).transpose(1, 2).reshape(batch, length, -1)


class Network(nn.Module):
    def __init__(self, path: Path) -> None:
        super().__init__()
        file = gguf.GGUFReader(str(path))
        raw = {each.name: each for each in file.tensors}

        def get(name: str) -> torch.Tensor:
            tensor = raw[f"{name}.weight"]
            return torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float64))

        def field(name: str) -> Any:
            return file.fields[f"llama.{name}"].contents()

        eps = float(field("attention.layer_norm_rms_epsilon"))
        heads, kv = int(field("attention.head_count")), int(field("attention.head_count_kv"))
        theta = float(field("rope.freq_base"))
        self.embedding = get("token_embd")
        self.blocks = nn.ModuleList(
            Block(lambda name, i=i: get(f"blk.{i}.{name}"), heads, kv, theta, eps)  # type: ignore[misc]
            for i in range(int(field("block_count")))
        )
        self.norm = RMSNorm(get("output_norm"), eps)
        self.unembedding = Linear(get("output") if "output.weight" in raw else self.embedding)

    def forward(self, ids: torch.Tensor, last: bool = False) -> torch.Tensor:
        x = self.embedding[ids]
        for block in self.blocks:
            x = block(x)
        return self.unembedding(self.norm(x[:, -1:] if last else x))


def _uninterleaved(weight: torch.Tensor, heads: int) -> torch.Tensor:
    return weight.view(heads, -1, 2, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


@contextmanager
def edited(module: nn.Module, edit: Callable[[torch.Tensor], torch.Tensor | None]) -> Iterator[None]:
    """While it is open, the module's input is what `edit` makes of it."""
    hook = module.register_forward_pre_hook(
        lambda _m, inputs: None if (new := edit(inputs[0])) is None else (new,)
    )
    try:
        yield
    finally:
        hook.remove()


# What the run left


class Split:
    """One split's arrays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("block", "document", "index", "target", "rare"):
            setattr(self, name, np.load(folder / "positions" / f"{name}.npy"))
        self.block: Array
        self.rare: Array
        self.activations, self.attention = (
            self.joined("forward", "activations"),
            self.joined("forward", "attention"),
        )
        parts = {c: f"ablation/{c}" for c in ("first", "second")}
        some = self.joined(parts["rare"], "delta_loss")
        self.delta = np.empty((len(self.rare), some.shape[1]), dtype=np.float32)
        self.bound = np.empty(self.delta.shape, dtype=np.float16)
        self.loss = np.empty(len(self.rare), dtype=np.float32)
        for condition, rows in (("first", self.rare), ("second", ~self.rare)):
            self.delta[rows] = self.joined(parts[condition], "delta_loss")
            self.bound[rows] = self.joined(parts[condition], "error_bound")
            self.loss[rows] = self.joined(parts[condition], "loss")
        names = ("document", "target", "base", "single", "layer")
        self.heads = {name: self.joined("heads", name) for name in names}

    def joined(self, kind: str, name: str) -> Array:
        shards = sorted(p for p in (self.folder / kind).iterdir() if p.is_dir())
        return np.concatenate([np.load(p / f"{name}.npy") for p in shards])

    def influence(self, rare: bool) -> Array:
        return np.abs(self.delta[self.rare == rare].astype(np.float64)).mean(0)


def text_tokens(cache: Path, splits: list[Split]) -> Array:
    """The text in which the positions' next tokens are their targets."""
    for path in (cache / "prepared" / "blocks").glob("*/tokens.npy"):
        tokens = np.load(path)
        if all(
            s.block.max() < len(tokens) and np.array_equal(tokens[s.block, s.index + 1], s.target)  # type: ignore[attr-defined]
            for s in splits
        ):
            return np.asarray(tokens)
    raise SystemExit("no prepared text in the cache has these targets at these positions")


# Measures


def dimension(correlation: Array, tau: float = 0.95) -> Array:
    """Interpolated, of a stack of matrices."""
    values = np.linalg.eigvalsh(correlation)[..., ::-1]
    share = np.cumsum(values, -1) / values.sum(-1, keepdims=True)
    share = np.concatenate([np.zeros((*share.shape[:-1], 1)), share], -1)
    j = (share <= tau).sum(-1) - 1
    low, high = (np.take_along_axis(share, (j + d)[..., None], -1)[..., 0] for d in (0, 1))
    return np.asarray(j + (tau - low) / (high - low))


def copula_information(activations: Array) -> Array:
    scores = norm.ppf((rankdata(activations, axis=0) - 0.5) / len(activations))
    r = np.corrcoef(scores.T)
    np.fill_diagonal(r, 0.0)
    r = (r + r.T) / 2
    return np.asarray(-0.5 * np.log1p(-np.minimum(r**2, 1 - len(activations) ** -2.0)))


def hill(rows: Array) -> tuple[float, float]:
    values = np.sort(np.linalg.eigvalsh(rows @ rows.T / rows.shape[1]))[::-1]
    k = len(values) - len(values) // 2
    total = np.log(values[:k] / values[k - 1]).sum()
    return k / total, (k - 2) / total


def louvain(weights: Array, restarts: int = 3) -> float:
    """Best of some, by igraph, from shuffled orders of the nodes."""
    best = -1.0
    for _ in range(restarts):
        order = np.random.default_rng(random.getrandbits(32)).permutation(len(weights))
        graph = igraph.Graph.Weighted_Adjacency(weights[np.ix_(order, order)], mode="undirected", loops=False)
        best = max(best, graph.community_multilevel(weights="weight").modularity)
    return best


def gini(rows: Array, visible: Array) -> Array:
    """By pairs: sum |a_i - a_j| / (2 n^2 mean), times n / (n - 1)."""
    result = np.full(rows.shape[:-1], np.nan)
    for n in np.unique(visible[visible > 1]):
        part = rows[visible == n][..., :n].astype(np.float64)
        a = np.sort(part, -1)
        pairs = 2 * (a * (2 * np.arange(1, n + 1) - n - 1)).sum(-1)  # the sum over all ordered pairs
        result[visible == n] = pairs / (2 * n * a.sum(-1)) * n / (n - 1)
    return result


def two_sided(value: float, draws: Array) -> float:
    low, high = (np.sum(draws <= value) + 1, np.sum(draws >= value) + 1)
    return float(min(1.0, 2 * min(low, high) / (len(draws) + 1)))


# Checks


def check_text(out: Table, cache: Path, result: Any, splits: dict[str, Split], tokens: Array) -> None:
    out.head("text and labels")
    counts = np.load(next((cache / "frequencies").glob("*/counts.npy")))
    figures = result["figures"]["frequencies"]
    order = np.sort(counts[counts > 0])[::-1]
    low, high = figures["count_range"]
    out.row("types with a count", figures["n_types"], len(order))
    kept = order[: figures["elbow_rank"]]
    cut = order[int(np.ceil(0.85 * len(kept))) - 1]
    out.say(
        f"elbow at rank {figures['elbow_rank']} (taken as given): counts {kept[-1]} to the 15th "
        f"percentile {cut}; claimed rare {low} to {high}"
    )
    for name, s in splits.items():
        c = counts[s.target]  # type: ignore[attr-defined]
        per = np.unique(s.document[s.rare], return_counts=True)[1]  # type: ignore[attr-defined]
        out.say(
            f"{name}: counts of rare targets {c[s.rare].min()} to {c[s.rare].max()}, of common from "
            f"{c[~s.rare].min()}; {s.rare.sum()} rare, {(~s.rare).sum()} common; "
            f"most rare of one document {per.max()}"
        )
        documents = result["corpus"]["documents_used"][name]
        out.row(f"documents, {name}", documents, len(np.unique(s.document)))  # type: ignore[attr-defined]
    both = np.intersect1d(*(s.document for s in splits.values()))  # type: ignore[attr-defined]
    one, two = ({row.tobytes() for row in tokens[np.unique(s.block)]} for s in splits.values())
    out.say(f"documents in both splits: {len(both)}; identical blocks in both: {len(one & two)}")
    ranked = np.argsort(-counts, kind="stable")[: figures["elbow_rank"]]
    rare = ranked[counts[ranked] < cut]
    out.row("rare types", figures["n_in_range"], len(rare))
    out.row(
        "rare targets in the text",
        result["corpus"]["available"]["rare"],
        int(np.isin(tokens[:, 2:], rare).sum()),
        "without first queries",
    )
    out.say(
        f"types that have the count of the last type before the elbow: {(counts == kept[-1]).sum()}, of "
        f"these rare {(counts[ranked] == kept[-1]).sum()}: a tie broken by token id"
    )
    share = np.bincount(tokens.ravel()) / tokens.size
    out.row(
        "unigram entropy",
        result["cross_entropy"]["unigram"],
        float(-(share[share > 0] * np.log(share[share > 0])).sum()),
    )
    out.row("chance", result["cross_entropy"]["chance"], float(np.log(49152)))
    evaluation = splits["evaluation"]
    (of_loss,) = [row for row in result["corpus"]["balance"] if row["covariate"] == "loss"]
    for name, side, rows in (("rare", "first", evaluation.rare), ("common", "second", ~evaluation.rare)):
        claimed = of_loss[side][0]
        both_splits = np.concatenate([s.loss[s.rare if name == "rare" else ~s.rare] for s in splits.values()])
        out.row(
            f"mean loss, {name}: evaluation",
            claimed,
            float(evaluation.loss[rows].mean()),
            f"both {both_splits.mean():.6f}",
        )


def check_cross_entropy(
    out: Table, net: Network, result: Any, selection: Split, tokens: Array, extra: int
) -> None:
    out.head("cross-entropy of the text")

    def total(block: int) -> float:
        ids = torch.from_numpy(tokens[block].astype(np.int64))[None]
        return float(nn.functional.cross_entropy(net(ids)[0, :-1], ids[0, 1:]))

    # The run's own 32 blocks: blocks with rare positions in random order, each document's first ones first.
    words = np.frombuffer(hashlib.sha256(b"cross-entropy\0blocks").digest(), dtype=np.uint32).tolist()
    rng = np.random.default_rng([result["protocol"]["seed"], *words])
    frame = pl.DataFrame({"d": selection.document, "b": selection.block})  # type: ignore[attr-defined]
    frame = frame.filter(pl.Series(selection.rare)).unique().sort("d", "b")
    shuffled = frame[rng.permutation(len(frame))].with_columns(turn=pl.int_range(pl.len()).over("d"))
    own = shuffled.sort("turn", maintain_order=True)["b"].head(32).to_numpy()
    claimed = result["cross_entropy"]["nats"]
    own_values = [total(int(b)) for b in own]
    out.row("cross-entropy, the run's 32 blocks", claimed, float(np.mean(own_values)))
    if extra:
        others = np.setdiff1d(np.unique(selection.block), own)
        chosen = np.random.default_rng(SEED).choice(others, extra, replace=False)
        values = [total(int(b)) for b in chosen]
        se = float(np.std(values, ddof=1) * (1 / 32 + 1 / extra) ** 0.5)
        out.row(
            f"cross-entropy, {extra} other blocks", claimed, float(np.mean(values)), f"sampling SE {se:.3f}"
        )


def check_pairs(
    out: Table, net: Network, result: Any, splits: dict[str, Split], tokens: Array, group: Array, n: int
) -> None:
    """Each position's forward pass goes on with several rows from the last down-projection on."""
    out.head(f"ablation at {n} positions: a random neuron, a member of the group, the whole group")
    mean = splits["selection"].activations.astype(np.float64).mean(0)
    stored = np.load(splits["selection"].folder / "mean" / "mean_activation.npy")
    out.row("mean activation: largest difference from the stored", 0, float(np.abs(mean - stored).max()))
    rng = np.random.default_rng(SEED)
    last = net.blocks[-1]
    pairs: list[tuple[float, ...]] = []
    together = []
    largest_activation = 0.0
    for i in range(n):
        s = splits["selection" if i % 2 else "evaluation"]
        at = int(rng.integers(len(s.block)))
        place, block = int(s.index[at]), int(s.block[at])  # type: ignore[attr-defined]
        neurons = [int(rng.integers(len(mean))), int(rng.choice(group))]
        ids = torch.from_numpy(tokens[block, : place + 1].astype(np.int64))[None]
        seen = {}

        def ablate(
            x: torch.Tensor, neurons: list[int] = neurons, seen: dict[str, Any] = seen
        ) -> torch.Tensor:
            seen["a"] = x[0, -1].clone()
            rows = x.expand(4, -1, -1).clone()
            for row, which in ((1, neurons[0]), (2, neurons[1]), (3, group)):
                rows[row, -1, which] = torch.from_numpy(np.atleast_1d(mean[which]))
            return rows

        with edited(last.down, ablate):
            losses = -net(ids, last=True)[:, 0].log_softmax(-1)[:, int(tokens[block, place + 1])]
        if i < 3:  # the same by a pass of its own, from the embedding on

            def alone(x: torch.Tensor, neuron: int = neurons[0]) -> torch.Tensor:
                x = x.clone()
                x[0, -1, neuron] = float(mean[neuron])
                return x

            with edited(last.down, alone):
                plain = -net(ids, last=True)[0, 0].log_softmax(-1)[int(tokens[block, place + 1])]
            assert abs(plain - losses[1]) < 1e-9
        largest_activation = max(
            largest_activation, float(np.abs(seen["a"].numpy() - s.activations[at]).max())
        )
        change = (losses[1:] - losses[0]).tolist()
        stored_change, bound = s.delta[at, neurons], s.bound[at, neurons]
        pairs.append(
            (change[0], stored_change[0], change[1], stored_change[1], float(losses[0]), s.loss[at], *bound)
        )
        if s.rare[at] and not i % 2:
            together.append(change[2])
    table = np.array(pairs)
    for column, name in ((0, "random neuron"), (2, "member of the group")):
        mine, theirs = table[:, column], table[:, column + 1]
        gap = np.abs(mine - theirs)
        big = np.abs(mine) > 1e-3
        out.row(
            f"{name}: largest |delta_loss - stored|",
            0,
            float(gap.max()),
            f"median {np.median(gap):.1e}, largest |delta| {np.abs(mine).max():.3f}",
        )
        out.say(
            f"largest relative, where |delta| > 1e-3 ({big.sum()}): "
            f"{np.max(gap[big] / np.abs(mine[big])):.1e}; "
            f"correlation {np.corrcoef(mine, theirs)[0, 1]:.9f}; mean gap {np.mean(theirs - mine):.1e}; "
            f"beyond its stored bound + 2e-6: {np.sum(gap > table[:, 6 + column // 2] + 2e-6)}, "
            f"largest excess "
            f"{np.max(gap - table[:, 6 + column // 2]):.1e}"
        )
    out.row(
        "loss before: largest difference from the stored", 0, float(np.abs(table[:, 4] - table[:, 5]).max())
    )
    out.row("activations: largest difference from the stored", 0, largest_activation)
    at_once = np.array(together)
    claimed = result["ablation"]["group"]
    se = at_once.std(ddof=1) / len(at_once) ** 0.5
    out.row(
        f"group at once, {len(at_once)} rare positions",
        claimed["together"],
        float(at_once.mean()),
        f"sampling SE {se:.2f}",
    )
    e = splits["evaluation"]
    single = e.delta[e.rare][:, group].astype(np.float64).sum(1)
    out.row(
        "sum of single effects, all 2,048 rare positions",
        claimed["sum_of_single"],
        float(single.mean()),
        f"claimed over 1,024; SE of so many {single.std() / 32:.3f}",
    )


def check_at_once(out: Table, net: Network, result: Any, splits: dict[str, Split], group: Array) -> None:
    """The whole group at its means, at all rare positions, from the stored residual."""
    out.head("the group at once, from the stored residual")
    e = splits["evaluation"]
    residual = torch.from_numpy(e.joined("forward", "residual")[e.rare]).double()
    mean = splits["selection"].activations.astype(np.float64).mean(0)
    change = torch.from_numpy((mean - e.activations[e.rare])[:, group])
    written = change @ net.blocks[-1].down.weight.T[torch.from_numpy(group)]
    target = torch.from_numpy(e.target[e.rare].astype(np.int64))  # type: ignore[attr-defined]

    def losses(x: torch.Tensor) -> Array:
        parts = [net.unembedding(net.norm(part)).log_softmax(-1) for part in x.split(128)]
        return -torch.cat(
            [logs.gather(1, own[:, None])[:, 0] for logs, own in zip(parts, target.split(128), strict=True)]
        ).numpy()

    before = losses(residual)
    out.row("loss: largest difference from the stored", 0, float(np.abs(before - e.loss[e.rare]).max()))
    together = losses(residual + written) - before
    claimed = result["ablation"]["group"]
    of_half = together.std(ddof=1) * (1 / 1024 - 1 / 2048) ** 0.5
    out.row(
        "group at once, all 2,048 rare positions",
        claimed["together"],
        float(together.mean()),
        f"claimed over 1,024: SE of half of them {of_half:.3f}; every second "
        f"{together[::2].mean():.6f}, {together[1::2].mean():.6f}; "
        f"halves {together[:1024].mean():.6f}, {together[1024:].mean():.6f}",
    )


def head_row(s: Split, row: int) -> int | None:
    """The position of a row of the head ablations, by its document, target and squared activations."""
    document, target = s.heads["document"][row], s.heads["target"][row]
    same = (s.document == document) & (s.target == target) & s.rare  # type: ignore[attr-defined]
    for place in np.flatnonzero(same):
        squares = np.square(s.activations[place].astype(np.float64))
        if np.allclose(squares, s.heads["base"][row], rtol=1e-3, atol=1e-7):
            return int(place)
    return None


def check_heads(
    out: Table, net: Network, result: Any, splits: dict[str, Split], tokens: Array, group: Array, n: int
) -> None:
    out.head("attention heads")
    by_name = {p["id"]: p for p in result["predictions"]}
    n_heads, size = net.blocks[-1].heads, net.blocks[-1].size
    worst: list[float] = []
    of_group: list[float] = []
    unknown = 0
    for s in splits.values():
        for row in range(0, len(s.heads["document"]), len(s.heads["document"]) // n):
            place = head_row(s, row)
            if place is None:
                unknown += 1
                continue
            block, places = int(s.block[place]), s.index[[place]]  # type: ignore[attr-defined]
            ids = torch.from_numpy(tokens[block].astype(np.int64))[None]
            for number, layer in enumerate(net.blocks[-2:]):

                def zeroed(x: torch.Tensor) -> torch.Tensor:
                    rows = x.expand(2 + n_heads, -1, -1).clone()
                    for head in range(n_heads):
                        rows[1 + head, :, head * size : (head + 1) * size] = 0
                    rows[-1] = 0
                    return rows

                kept: dict[str, torch.Tensor] = {}

                def keep(
                    x: torch.Tensor, kept: dict[str, torch.Tensor] = kept, places: Array = places
                ) -> None:
                    kept["a"] = x[:, places]

                with edited(layer.o, zeroed), edited(net.blocks[-1].down, keep):
                    net(ids, last=True)
                change = (kept["a"][1:] - kept["a"][:1]).square().sum(1).numpy()
                stored = np.concatenate(
                    [
                        s.heads["single"][row, number * n_heads : (number + 1) * n_heads],
                        s.heads["layer"][row, number][None],
                    ]
                )
                worst.append(float(np.max(np.abs(change - stored)) / stored.max()))
                of_group.append(
                    float(
                        np.max(
                            np.abs(change[:, group].sum(1) / stored[:, group].sum(1, dtype=np.float64) - 1)
                        )
                    )
                )
    out.row(
        f"{len(worst) // 2} positions: largest difference / largest stored",
        0,
        max(worst),
        f"{unknown} positions not found",
    )
    out.row("    group sums: largest relative difference", 0, max(of_group))
    sums = {
        k: {p: s.heads[p].astype(np.float64).sum(0) for p in ("base", "single", "layer")}
        for k, s in splits.items()
    }
    on_selection = sums["selection"]["single"][:, group].sum(1)
    top = int(np.argmax(on_selection))
    claimed = by_name["single-head"]
    beside = claimed["secondary"]
    out.row(
        "top head (28: 0-8, 29: 9-17)",
        (beside["top_head_layer"]["value"] - 28) * 9 + beside["top_head"]["value"],
        top,
    )
    e = sums["evaluation"]
    share = e["single"][top, group].sum() / e["layer"][top // n_heads, group].sum()
    out.row("top head share", claimed["observed"], float(share))

    def impact(groups: Array) -> Array:
        tops = sums["selection"]["single"][:, groups].sum(-1).argmax(0)
        return np.sqrt(
            e["single"][:, groups].sum(-1)[tops, np.arange(len(groups))] / e["base"][groups].sum(-1)
        )

    claimed = by_name["head-specificity"]
    out.row("top head impact", claimed["observed"], float(impact(group[None])[0]))
    drawn = impact(np.argsort(np.random.default_rng(SEED).random((4000, len(e["base"]))), 1)[:, : len(group)])
    out.row("    of random groups: mean", claimed["reference_value"], float(drawn.mean()))
    out.row("    SD", claimed["reference_sd"], float(drawn.std(ddof=1)))
    out.row("    p", claimed["p_value"], two_sided(claimed["observed"], drawn))
    for head in result["figures"]["heads"]:
        number = (head["layer"] - 28) * n_heads + head["head"]
        mine = np.sqrt(e["single"][number, group].sum() / e["base"][group].sum())
        if abs(mine - head["impact"]) > 1e-6:
            out.row(f"impact L{head['layer']}H{head['head']}", head["impact"], float(mine))


def check_attention(out: Table, net: Network, result: Any, e: Split, tokens: Array, n: int) -> None:
    out.head("attention")
    by_name = {p["id"]: p for p in result["predictions"]}
    worst = 0.0
    for block in np.random.default_rng(SEED).choice(np.unique(e.block), n, replace=False):
        net(torch.from_numpy(tokens[block].astype(np.int64))[None], last=True)
        seen = torch.cat([b.attention[0] for b in net.blocks[-2:]]).numpy()
        rows = np.flatnonzero(e.block == block)
        for row in rows:
            worst = max(worst, float(np.abs(seen[:, e.index[row]] - e.attention[row]).max()))  # type: ignore[attr-defined]
    out.row(f"attention in {n} blocks: largest difference", 0, worst)
    each = gini(e.attention, e.index + 1)  # type: ignore[attr-defined]
    frame = pl.DataFrame({"d": e.document, "rare": e.rare, "g": each.mean(1)})  # type: ignore[attr-defined]
    wide = (
        frame.group_by("d", "rare")
        .agg(pl.col("g").mean())
        .pivot(on="rare", index="d", values="g")
        .drop_nulls()
    )
    rare, common = wide["true"].to_numpy(), wide["false"].to_numpy()
    claimed = by_name["attention"]
    out.row("Gini, rare", claimed["observed"], float(rare.mean()))
    out.row("Gini, common", claimed["reference_value"], float(common.mean()))
    difference = rare - common
    se = difference.std(ddof=1) / len(difference) ** 0.5
    out.row("SE of the difference, over documents", claimed["interval"]["standard_error"], float(se))
    out.row(
        "standardised (mean / SD of the differences)",
        claimed["standardized"],
        float(difference.mean() / difference.std(ddof=1)),
    )
    types = cluster_variance(e, each.mean(1))
    out.say(f"SE over documents and types (positions, not document means): {types:.5f}")
    for number, head in enumerate(sorted(result["figures"]["heads"], key=lambda h: (h["layer"], h["head"]))):
        for name, rows in (("rare", e.rare), ("common", ~e.rare)):
            mine = float(np.nanmean(each[rows, number]))
            if abs(mine - head[f"gini_{name}"]) > 1e-6:
                out.row(f"L{head['layer']}H{head['head']} Gini, {name}", head[f"gini_{name}"], mine)
    claimed = by_name["routing"]
    value, plain, ceiling = routing(e, 60)
    out.row("routing similarity (60 halvings)", claimed["observed"], value, "claimed of 5 halvings")
    out.row("    Spearman, mean of heads", claimed["secondary"]["spearman"]["value"], float(np.mean(plain)))
    out.row("    lowest head", claimed["secondary"]["spearman_lowest_head"]["value"], float(np.min(plain)))
    out.row("    noise ceiling", claimed["secondary"]["noise_ceiling"]["value"], ceiling)
    few = [routing(e, 5, seed)[0] for seed in range(12)]
    out.say(f"of 5 halvings, 12 times: {np.min(few):.4f} to {np.max(few):.4f}, SD {np.std(few, ddof=1):.4f}")


def cluster_variance(e: Split, values: Array) -> float:
    """SE of the difference of means, influence functions summed by document and by type."""
    ok = np.isfinite(values)
    share = np.zeros(len(values))
    for rows, sign in ((e.rare & ok, 1), (~e.rare & ok, -1)):
        share[rows] = sign * (values[rows] - values[rows].mean()) / rows.sum()

    def variance(key: Array) -> float:
        return float(np.square(np.bincount(np.unique(key, return_inverse=True)[1], weights=share)).sum())

    document, kind = e.document.astype(np.int64), e.target.astype(np.int64) * 2 + e.rare  # type: ignore[attr-defined]
    v_d, v_t, v_c = variance(document), variance(kind), variance(document * 200_000 + kind)
    return max(v_d, v_t, v_d + v_t - v_c) ** 0.5


def routing(e: Split, halvings: int, seed: int = SEED) -> tuple[float, Array, float]:
    documents, owner = np.unique(e.document, return_inverse=True)  # type: ignore[attr-defined]
    n, heads, context = len(documents), *e.attention.shape[1:]
    sums, counts = np.zeros((2, n, heads, context)), np.zeros((2, n, context))
    for row, last in enumerate(e.index):  # type: ignore[attr-defined]
        condition = 0 if e.rare[row] else 1
        sums[condition, owner[row], :, : last + 1] += e.attention[row, :, last::-1]
        counts[condition, owner[row], : last + 1] += 1

    def profile(condition: int, members: Array) -> tuple[Array, Array]:
        total = counts[condition, members].sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return sums[condition, members].sum(0) / total, total > 0

    def spearman(one: Array, two: Array, seen: Array) -> Array:
        return np.array([spearmanr(a[seen], b[seen]).statistic for a, b in zip(one, two, strict=True)])

    everyone = np.arange(n)
    (r, seen_r), (c, seen_c) = profile(0, everyone), profile(1, everyone)
    plain = spearman(r, c, seen_r & seen_c)
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(halvings):
        order = rng.permutation(n)
        four = [profile(k, order[half]) for k in (0, 1) for half in (slice(n // 2), slice(n // 2, None))]
        seen = np.all([s for _, s in four], axis=0)
        r1, r2, c1, c2 = (p for p, _ in four)
        parts.append(
            [
                spearman(r1, r2, seen),
                spearman(c1, c2, seen),
                (spearman(r1, c2, seen) + spearman(r2, c1, seen)) / 2,
            ]
        )
    a, b, across = np.mean(parts, axis=0)
    ceiling = np.sqrt(np.maximum(a, 0) * np.maximum(b, 0)).mean()
    return float(across.mean() / ceiling), plain, float(ceiling)


def local_bins(s: Split, group: Array) -> Array:
    """Neurons by the odds of membership given log SD and log influence on common targets; bins of ten."""
    covariates = np.column_stack(
        [np.log(s.activations.astype(np.float64).std(0)), np.log(s.influence(False))]
    )
    z = (covariates - covariates.mean(0)) / covariates.std(0)
    member = np.isin(np.arange(len(z)), group)
    model = LogisticRegression(C=25.0, tol=1e-12, max_iter=10_000).fit(z, member)  # prior SD 5
    rank = np.argsort(np.argsort(-model.decision_function(z), kind="stable"))
    return np.minimum(rank // 10, len(z) // 10 - 1)


def draws_within(bins: Array, group: Array, n: int, rng: np.random.Generator) -> Array:
    drawn = []
    for b in np.unique(bins[group]):
        members, taken = np.flatnonzero(bins == b), int((bins[group] == b).sum())
        drawn.append(np.array([rng.choice(members, taken, replace=False) for _ in range(n)]))
    return np.concatenate(drawn, 1)


def check_group(
    out: Table, result: Any, splits: dict[str, Split], output: Array, group: Array, n: int
) -> None:
    out.head("selection and the group's measures")
    by_name = {p["id"]: p for p in result["predictions"]}
    s, e = splits["selection"], splits["evaluation"]
    order = np.argsort(-s.influence(True), kind="stable")
    claimed_order = np.array(result["group"]["neurons"])
    gap = s.influence(True)[order][[len(group) - 1, len(group)]]
    out.row(
        "members among the most influential of the same number",
        len(group),
        len(np.intersect1d(order[: len(group)], group)),
        f"same order: {np.array_equal(order[: len(group)], claimed_order)}; "
        f"last in {gap[0]:.5f}, first out {gap[1]:.5f}",
    )
    common = np.array(result["group"]["control_neurons"])
    top_common = np.argsort(-s.influence(False), kind="stable")[: len(common)]
    out.row(
        "control group among the most influential on common",
        len(common),
        len(np.intersect1d(top_common, common)),
    )
    rare_now, common_now = e.influence(True), e.influence(False)
    preference = (rare_now - common_now) / (rare_now + common_now)
    c = by_name["specialization"]["secondary"]
    out.row("influence of the group, rare", c["influence_rare"]["value"], float(rare_now[group].mean()))
    out.row("influence of the group, common", c["influence_common"]["value"], float(common_now[group].mean()))
    out.row(
        "selectivity", by_name["specialization"]["ladder"][1]["observed"], float(preference[group].mean())
    )
    out.say(
        f"selectivity of the whole layer {preference.mean():.4f}; "
        f"loss rare / common {e.loss[e.rare].mean():.3f} / {e.loss[~e.rare].mean():.3f}"
    )
    x = e.activations[e.rare].astype(np.float64)
    correlation = np.corrcoef(x.T)
    covariance = np.cov(x.T)

    def of(matrix: Array, groups: Array) -> Array:
        return matrix[groups[:, :, None], groups[:, None, :]]

    c = by_name["coordination"]
    z = (x[:, group] - x[:, group].mean(0)) / x[:, group].std(0)
    out.row(
        "effective dimension (correlation)", c["observed"], float(dimension(of(correlation, group[None]))[0])
    )
    out.row(
        "    integer, by scikit-learn's PCA",
        c["secondary"]["dimension"]["value"],
        int(PCA(n_components=0.95).fit(z).n_components_),
    )
    out.row(
        "    of covariance",
        c["secondary"]["of_covariance"]["value"],
        float(dimension(of(covariance, group[None]))[0]),
    )
    values = np.linalg.eigvalsh(correlation[np.ix_(group, group)])
    covs = np.linalg.eigvalsh(covariance[np.ix_(group, group)])
    out.row(
        "    participation ratio",
        c["secondary"]["participation_ratio"]["value"],
        float(values.sum() ** 2 / np.square(values).sum()),
        f"of covariance {covs.sum() ** 2 / np.square(covs).sum():.4f}",
    )
    information = copula_information(x)
    own = information[np.ix_(group, group)]
    graph = networkx.from_numpy_array(own)
    by_networkx = max(
        (networkx.community.louvain_communities(graph, seed=i) for i in range(20)),
        key=lambda parts: networkx.community.modularity(graph, parts),
    )
    q = networkx.community.modularity(graph, by_networkx)
    c = by_name["clustering"]
    communities = c["secondary"]["communities"]["value"]
    weighted = igraph.Graph.Weighted_Adjacency(own, mode="undirected", loops=False)
    leiden = max(
        leidenalg.find_partition(
            weighted, leidenalg.ModularityVertexPartition, weights="weight", n_iterations=-1, seed=i
        ).quality()
        for i in range(20)
    )
    out.row(
        "Q, networkx, best of 20",
        c["observed"],
        q,
        f"communities {len(by_networkx)} (claimed {communities:.0f}); Leiden {leiden:.6f}",
    )
    outside = np.setdiff1d(np.arange(len(information)), group)
    inside = own.sum() / (len(group) * (len(group) - 1))
    out.row(
        "    segregation",
        c["secondary"]["segregation"]["value"],
        float(inside / information[np.ix_(group, outside)].mean()),
    )
    alpha, unbiased = hill(output[group])
    c = by_name["spectrum"]
    out.row("Hill alpha", c["observed"], alpha)
    out.row("    unbiased", c["secondary"]["unbiased"]["value"], unbiased)

    rng = np.random.default_rng(SEED)
    random.seed(SEED)
    bins = local_bins(s, group)
    inside_bin = np.bincount(bins[group], minlength=bins.max() + 1)
    whole = np.bincount(bins)
    out.head("nulls, own draws")
    out.row("movable members", result["group"]["n_movable"], int(inside_bin[inside_bin < whole].sum()))
    out.row(
        "expected share of members kept",
        result["group"]["shared_members"],
        float((inside_bin**2 / whole).sum() / len(group)),
    )
    nulls = {
        "size_matched": np.array([rng.choice(len(x[0]), len(group), replace=False) for _ in range(n)]),
        "local_matched": draws_within(bins, group, n, rng),
    }
    for null, groups in nulls.items():
        measured = {
            "specialization": preference[groups].mean(1),
            "coordination": np.concatenate(
                [dimension(of(correlation, part)) for part in np.array_split(groups, 10)]
            ),
            "clustering": np.array([louvain(information[np.ix_(g, g)]) for g in groups[: n // 3]]),
            "spectrum": np.array([hill(output[g])[0] for g in groups]),
        }
        for name, drawn in measured.items():
            claimed = next(rung for rung in by_name[name]["ladder"] if rung["null"] == null)
            out.row(
                f"{null}, {name}: mean",
                claimed["mean"],
                float(drawn.mean()),
                f"SE {drawn.std() / len(drawn) ** 0.5:.1e}",
            )
            out.row("    SD", claimed["sd"], float(drawn.std(ddof=1)))
            out.row(
                "    p",
                claimed["p_value"],
                two_sided(claimed["observed"], drawn),
                f"{len(drawn)} draws, claimed {claimed['n_draws']}",
            )
    check_restarts(out, by_name["clustering"], information, group, nulls["local_matched"][: n // 3])
    check_shuffled(out, by_name, splits, group, 200, rng, preference, nulls["size_matched"])
    check_intervals(out, by_name, e, x, group, nulls["local_matched"], rng)


def check_restarts(out: Table, claimed: Any, information: Array, group: Array, groups: Array) -> None:
    """Is the outcome about Q that of the restarts?"""
    out.head("Q and the number of restarts, against local_matched groups")
    own = information[np.ix_(group, group)]
    for restarts in (1, 3, 10, 30):
        values = np.array([louvain(own, restarts) for _ in range(100)])
        drawn = np.array([louvain(information[np.ix_(g, g)], restarts) for g in groups])
        p = [two_sided(value, drawn) for value in values]
        out.row(
            f"best of {restarts}: Q, mean of 100 tries",
            claimed["observed"],
            float(values.mean()),
            f"SD {values.std(ddof=1):.4f}, {values.min():.4f} to {values.max():.4f}",
        )
        out.say(
            f"null {drawn.mean():.4f} ({drawn.std(ddof=1):.4f}); p {np.min(p):.4f} to {np.max(p):.4f}, "
            f"median {np.median(p):.4f}, at most 0.05 in {np.mean(np.array(p) <= 0.05):.0%}; "
            f"the claimed Q has p {two_sided(claimed['observed'], drawn):.4f}"
        )


def check_shuffled(
    out: Table,
    by_name: Any,
    splits: dict[str, Split],
    group: Array,
    n: int,
    rng: np.random.Generator,
    preference: Array,
    random_groups: Array,
) -> None:
    """Labels dealt out over types, within strata of log2 of their count; the top k selected again."""
    out.head("selectivity under shuffled labels")
    target = np.concatenate([s.target for s in splits.values()])  # type: ignore[attr-defined]
    types, number = np.unique(target, return_counts=True)
    label = np.isin(types, splits["selection"].target[splits["selection"].rare]) | np.isin(
        types, splits["evaluation"].target[splits["evaluation"].rare]
    )  # type: ignore[attr-defined]
    stratum = np.floor(np.log2(number)).astype(int)
    sums = {k: np.zeros((len(types), s.delta.shape[1])) for k, s in splits.items()}
    tally = {
        k: np.bincount(np.searchsorted(types, s.target), minlength=len(types)) for k, s in splits.items()
    }  # type: ignore[attr-defined]
    for k, s in splits.items():
        np.add.at(sums[k], np.searchsorted(types, s.target), np.abs(s.delta.astype(np.float64)))  # type: ignore[attr-defined]
    moments = preference[random_groups].mean(1)
    values = []
    for _ in range(n):
        drawn = label.copy()
        for level in np.unique(stratum):
            rows = np.flatnonzero(stratum == level)
            drawn[rows] = label[rng.permutation(rows)]
        chosen = np.argsort(-(drawn @ sums["selection"]) / (drawn @ tally["selection"]))
        rare, common = ((d @ sums["evaluation"]) / (d @ tally["evaluation"]) for d in (drawn, ~drawn))
        each = (rare - common) / (rare + common)
        values.append((each[chosen[: len(group)]].mean(), each[chosen[:31]].mean(), each.mean()))
    raw, raw_31, layer = np.array(values).T
    out.say(
        f"raw, of the top 31: {raw_31.mean():.4f}; of the whole layer: {layer.mean():.4f} ({layer.std():.4f})"
    )
    beyond = float(np.mean(moments > np.quantile(raw, 0.975)))
    out.say(f"size-matched random groups that lie above 97.5 % of the shuffled draws: {beyond:.1%}")
    c = by_name["specialization"]
    out.row(
        "label_shuffled (type): mean",
        c["reference_value"],
        float(raw.mean()),
        f"top {len(group)}, not the plateau",
    )
    out.row("    SD", c["reference_sd"], float(raw.std(ddof=1)))
    out.row("    observed", c["observed"], float(preference[group].mean()))


def check_intervals(
    out: Table, by_name: Any, e: Split, x: Array, group: Array, local: Array, rng: np.random.Generator
) -> None:
    """Bootstrap over documents, and over types, of T(group) - mean T(20 local groups)."""
    out.head("intervals: 300 resamples of documents, and of types; 20 local groups")
    controls = local[:20]
    groups = np.concatenate([group[None], controls])
    columns, place = np.unique(groups, return_inverse=True)
    place = place.reshape(groups.shape)
    part = x[:, columns]
    resampled = {}
    for name, key in (("documents", e.document[e.rare]), ("types", e.target[e.rare])):  # type: ignore[attr-defined]
        clusters = [np.flatnonzero(key == c) for c in np.unique(key)]
        dims, qs = [], []
        for number in range(300):
            rows = np.concatenate([clusters[i] for i in rng.integers(len(clusters), size=len(clusters))])
            matrix = np.corrcoef(part[rows].T)
            values = dimension(matrix[place[:, :, None], place[:, None, :]])
            dims.append((values[0], values[0] - values[1:].mean()))
            if number < 60:
                information = copula_information(part[rows])
                each = [louvain(information[np.ix_(g, g)], 1) for g in place[:6]]
                qs.append((each[0], each[0] - np.mean(each[1:])))
        resampled[name] = (np.array(dims), np.array(qs))
    c, d = by_name["coordination"], by_name["clustering"]
    for name, (dims, qs) in resampled.items():
        out.row(
            f"dimension, {name}: SE of the effect",
            c["interval"]["standard_error"],
            float(dims[:, 1].std(ddof=1)),
            f"mean {dims[:, 1].mean():.3f} (estimate {c['effect']:.3f}); "
            f"SE of T alone {dims[:, 0].std(ddof=1):.3f}",
        )
        out.row(
            f"Q, {name}: SE of the effect",
            d["interval"]["standard_error"],
            float(qs[:, 1].std(ddof=1)),
            f"mean {qs[:, 1].mean():.3f} (estimate {d['effect']:.3f}); "
            f"T alone {qs[:, 0].mean():.3f} ({qs[:, 0].std(ddof=1):.3f})",
        )
    documents = e.document[e.rare]  # type: ignore[attr-defined]
    left_out = [part[documents != d] for d in np.unique(documents)]
    whole = len(left_out) - 1
    own = np.array([dimension(np.corrcoef(rows[:, place[0]].T)) for rows in left_out])
    out.row(
        "dimension, T alone, jackknife SE over documents", half_width(c), float((whole * own.var()) ** 0.5)
    )
    graphs = [copula_information(rows[:, place[0]]) for rows in left_out]
    for restarts in (1, 3, 30):
        own = np.array([louvain(g, restarts) for g in graphs])
        out.row(
            f"Q, T alone, jackknife SE, best of {restarts}",
            half_width(d),
            float((whole * own.var()) ** 0.5),
            f"values from {own.min():.4f} to {own.max():.4f}",
        )
    both = float(np.sqrt(sum(dims[:, 1].var(ddof=1) for dims, _ in resampled.values())))
    centre = (c["interval"]["low"] + c["interval"]["high"]) / 2
    p = float(t.sf((c["margin"][1] - abs(centre)) / both, whole))
    out.row("dimension, documents + types: SE", c["interval"]["standard_error"], both)
    out.row("    p of equivalence with it", c["p_equivalence"], p, "7 predictions: times 7")


def half_width(prediction: Any) -> float:
    """The standard error behind the 95 % interval of the observed value."""
    low, high = prediction["own_intervals"]["observed"]
    return float((high - low) / 2 / t.ppf(0.975, prediction["interval"]["degrees_of_freedom"]))


def check_loader(out: Table, net: Network, path: Path, tokens: Array) -> None:
    """The same file by transformers, in float32."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, attn_implementation="eager"
    )
    ids = torch.from_numpy(tokens[:2].astype(np.int64))
    gap = (model(ids).logits.double() - net(ids)).abs()
    out.head("the network")
    out.row("logits: largest difference from transformers, float32", 0, float(gap.max()))


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("model", type=Path, help="the .gguf file that the run used")
    parser.add_argument("--quick", action="store_true", help="a tenth of the forward passes and draws")
    given = parser.parse_args()
    few = 10 if given.quick else 1
    result = json.loads((given.run / "results.json").read_text())
    manifest = json.loads((given.run / "manifest.json").read_text())
    splits = {
        k: Split(given.cache / "evidence" / manifest["evidence"][k]) for k in ("selection", "evaluation")
    }
    tokens = text_tokens(given.cache, list(splits.values()))
    group = np.sort(np.array(result["group"]["neurons"]))
    out = Table()
    print(f"{'':<58} {'claimed':>13} {'measured':>13} {'difference':>11}")
    digest = hashlib.sha256(given.model.read_bytes()).hexdigest()
    out.say(f"the file is the run's: {digest == manifest['hashes']['weights_file']}")
    net = Network(given.model)
    output = net.blocks[-1].down.weight.T.contiguous().numpy()
    stored = np.load(splits["selection"].folder / "weights" / "output.npy")
    out.row("output weights: largest difference from the stored", 0, float(np.abs(stored - output).max()))
    check_text(out, given.cache, result, splits, tokens)
    check_group(out, result, splits, output, group, 3000 // few)
    check_loader(out, net, given.model, tokens)
    check_pairs(out, net, result, splits, tokens, group, 200 // few)
    check_at_once(out, net, result, splits, group)
    check_heads(out, net, result, splits, tokens, group, max(1, 6 // few))
    check_attention(out, net, result, splits["evaluation"], tokens, max(1, 4 // few))
    check_cross_entropy(out, net, result, splits["selection"], tokens, 50 // few)
    out.head("done")


if __name__ == "__main__":
    main()
