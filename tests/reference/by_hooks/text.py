"""Text, labels, and the network's loss on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.reference.by_hooks.evidence import Array, Split
from tests.reference.by_hooks.network import Network
from tests.reference.by_hooks.table import SEED, Table


def elbow(counts: Array) -> int:
    """Rank from which on log count falls at twice its usual slope, up to the last.

    Slopes are read at 400 points, even in log rank, over 0.15 decades; the usual one is the median over the
    middle 80 % of log ranks.
    """
    x = np.linspace(0, np.log10(len(counts)), 400)
    curve = np.interp(x, np.log10(np.arange(1, len(counts) + 1)), np.log10(counts))
    slopes = np.array([np.polyfit(x[near], curve[near], 1)[0] for near in np.abs(x[:, None] - x) <= 0.075])
    middle = (x > 0.1 * x[-1]) & (x < 0.9 * x[-1])
    steep = slopes < 2 * np.median(slopes[middle])
    return int(10 ** x[np.flatnonzero(~steep)[-1] + 1])


def check_text(out: Table, counts: Array, result: Any, splits: dict[str, Split], tokens: Array) -> None:
    out.head("text and labels")
    figures = result["figures"]["frequencies"]
    order = np.sort(counts[counts > 0])[::-1]
    low, high = figures["count_range"]
    out.row("types with a count", figures["n_types"], len(order))
    out.row("elbow, rank", figures["elbow_rank"], elbow(order), "points lie 2.6 % apart")
    kept = order[: figures["elbow_rank"]]
    cut = order[int(np.ceil(0.85 * len(kept))) - 1]
    out.say(
        f"with the claimed elbow: counts {kept[-1]} to the 15th "
        f"percentile {cut}; claimed rare {low} to {high}"
    )
    for name, s in splits.items():
        c = counts[s.target]
        per = np.unique(s.document[s.rare], return_counts=True)[1]
        out.say(
            f"{name}: counts of rare targets {c[s.rare].min()} to {c[s.rare].max()}, of common from "
            f"{c[~s.rare].min()}; {s.rare.sum()} rare, {(~s.rare).sum()} common; "
            f"most rare of one document {per.max()}"
        )
        documents = result["corpus"]["documents_used"][name]
        out.row(f"documents, {name}", documents, len(np.unique(s.document)))
    both = np.intersect1d(*(s.document for s in splits.values()))
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
    out.row("chance", result["cross_entropy"]["chance"], float(np.log(result["subject"]["vocab_size"])))
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
    out: Table, net: Network, result: Any, selection: Split, tokens: Array, n: int
) -> None:
    out.head("cross-entropy of the text")
    chosen = np.random.default_rng(SEED).choice(np.unique(selection.block), n, replace=False)
    values = []
    for block in chosen:
        ids = torch.from_numpy(tokens[block].astype(np.int64))[None]
        values.append(float(nn.functional.cross_entropy(net(ids)[0, :-1], ids[0, 1:])))
    claimed = result["cross_entropy"]
    error = float(np.std(values, ddof=1) * (1 / claimed["n_blocks"] + 1 / n) ** 0.5)
    out.row(
        f"cross-entropy, {n} blocks of own choice",
        claimed["nats"],
        float(np.mean(values)),
        f"sampling SE {error:.3f}",
    )


def check_loader(out: Table, net: Network, path: Path, tokens: Array) -> None:
    """The same file by transformers, in float32."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        **(
            {"pretrained_model_name_or_path": path, "dtype": torch.float32}
            if path.is_dir()
            else {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
        ),
        attn_implementation="eager",
    )
    ids = torch.from_numpy(tokens[:2].astype(np.int64))
    gap = (model(ids).logits.double() - net(ids)).abs()
    out.head("the network")
    out.row("logits: largest difference from transformers, float32", 0, float(gap.max()))
