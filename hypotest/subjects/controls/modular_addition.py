"""Addition modulo 59: units that have grokked it are modules, each of one Fourier frequency.

A network that has learned (a + b) mod p computes cos(2 pi k (a + b - c) / p) for a few frequencies k (Nanda
et al. 2023, arXiv:2301.05217), and each unit belongs to one of them, which its weights tell. Every answer
needs every frequency, so that the loss tells none apart; what does is the part of the logits that is of one
frequency: over answers c, the mean of 2 logit(c) cos(2 pi k (a + b - c) / p). A row is a pair and a
frequency: the one that most units have, or one of the others.

One network is an MLP of one hidden layer over the sum of two embeddings; the other a transformer of one
block, whose units are the MLP's at the last place. Both are trained more than twice as long as they need to
grok. In the transformer two frequencies share 256 units, and the lesion of all units of one takes it away and
spares the other; but of the twenty units of largest influence some are loud ones of the other frequency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Log, Recipe
from hypotest.subjects.network.network import Network

P = 59
GUESS = 1.0
"""Outcome of a network whose logits have nothing of the frequency: outcomes are this, less what they have."""
CARRIED = 0.1
"""Share of the strongest frequency's part of the logits, from which a frequency counts as used."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """All pairs, and which of them are trained on."""

    pairs: Tensor
    """Shape (p^2, 2)."""
    trained: Tensor
    """Truth value of each, shape (p^2,)."""


class AdditionMLP(nn.Module):
    """One hidden layer over the sum of both embeddings."""

    def __init__(self, width: int = 64, n_units: int = 192) -> None:
        super().__init__()
        self.number = nn.Embedding(P, width)
        nn.init.normal_(self.number.weight, std=width**-0.5)
        self.up, self.units = nn.Linear(width, n_units, bias=False), nn.ReLU()
        self.out = nn.Linear(n_units, P, bias=False)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits, shape (n, p)."""
        logits: Tensor = self.out(self.units(self.up(self.number(pairs).sum(dim=1))))
        return logits


class AdditionTransformer(nn.Module):
    """One block over the places a, b and =, without norms."""

    def __init__(self, width: int = 96, n_heads: int = 4, n_units: int = 256) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(P + 1, width), nn.Parameter(torch.randn(3, width) / width**0.5)
        nn.init.normal_(self.token.weight, std=width**-0.5)
        self.attention = nn.MultiheadAttention(width, n_heads, bias=False, batch_first=True)
        self.up, self.units, self.down = nn.Linear(width, n_units), nn.ReLU(), nn.Linear(n_units, width)
        self.out = nn.Linear(width, P, bias=False)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits, shape (n, p)."""
        tokens = torch.cat([pairs, torch.full_like(pairs[:, :1], P)], dim=1)
        stream = self.token(tokens) + self.place
        last = stream[:, -1:]
        stream = last + self.attention(last, stream, stream, need_weights=False)[0]
        stream = stream + self.down(self.units(self.up(stream)))
        logits: Tensor = self.out(stream[:, 0])
        return logits


def _data(seed: int, share: float) -> Pairs:
    numbers = torch.arange(P)
    pairs = torch.cartesian_prod(numbers, numbers)
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed))
    trained = torch.zeros(len(pairs), dtype=torch.bool)
    trained[order[: round(share * len(pairs))]] = True
    return Pairs(pairs, trained)


def _train(
    module: nn.Module, data: Pairs, seed: int, log: Log, *, steps: int, rate: float, decay: float
) -> None:
    """Full-batch AdamW."""
    optimizer = torch.optim.AdamW(module.parameters(), rate, weight_decay=decay, betas=(0.9, 0.98))
    answers = data.pairs.sum(dim=1) % P
    own, target = data.pairs[data.trained], answers[data.trained]
    for step in range(1, steps + 1):
        loss = nn.functional.cross_entropy(module(own), target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % (steps // 20) == 0:
            with torch.no_grad():
                right = (module(data.pairs[~data.trained]).argmax(dim=1) == answers[~data.trained]).float()
            log({"step": step, "loss": loss.item(), "test accuracy": right.mean().item()})


def unit_frequencies(module: nn.Module, data: Pairs) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The Fourier frequency of each unit, and its share of the unit's power.

    From activations at all pairs, as a function of a and b: of the power along a alone and b alone, what lies
    at each frequency.
    """
    kept: list[Tensor] = []
    handle = module.get_submodule("units").register_forward_hook(lambda _m, _i, output: kept.append(output))
    with torch.no_grad():
        module(data.pairs)
    handle.remove()
    grid = kept[0].reshape(P, P, -1).double()
    power = torch.zeros((P + 1) // 2, grid.shape[2], dtype=torch.float64)
    for axis in (0, 1):
        power += torch.fft.rfft(grid.mean(dim=1 - axis), dim=0).abs().square()
    own: NDArray[np.float64] = power[1:].numpy()
    return own.argmax(axis=0) + 1, own.max(axis=0) / np.maximum(own.sum(axis=0), 1e-12)


def lacking(output: Tensor, rows: Any) -> Tensor:
    """1 less the part of the logits that is of a row's frequency."""
    k, total = (torch.as_tensor(rows[name])[:, None] for name in ("k", "sum"))
    waves = torch.cos(2 * math.pi * k * (total - torch.arange(P)) / P).to(output)
    return GUESS - 2 * (output * waves).mean(dim=1)


def logit_parts(module: nn.Module, data: Pairs) -> NDArray[np.float64]:
    """What logits have of each frequency, mean over all pairs, shape ((p + 1) / 2,); 0 has none."""
    with torch.no_grad():
        logits = module(data.pairs)
    sums = data.pairs.sum(dim=1)
    every = range(1, (P + 1) // 2)
    rows = [{"k": torch.full_like(sums, k), "sum": sums} for k in every]
    return np.array([-np.inf, *(float(GUESS - lacking(logits, item).mean()) for item in rows)])


def as_subject(module: nn.Module, data: Pairs, *, name: str) -> Network:
    """The hidden units at all pairs, each twice: asked for the leading frequency, and for another."""
    frequency, _ = unit_frequencies(module, data)
    counts = np.bincount(frequency, minlength=(P + 1) // 2)
    parts = logit_parts(module, data)
    used = np.flatnonzero(parts >= min(CARRIED * parts.max(), parts.max()))
    leading = int(used[counts[used].argmax()])
    others = np.setdiff1d(used, [leading])
    if not others.size:  # as may be before training
        others = np.setdiff1d(np.argsort(-parts)[:3], [leading])
    n = len(data.pairs)
    k = np.concatenate([np.full(n, leading), np.resize(others, n)])
    pair = np.tile(np.arange(n), 2)
    sums = data.pairs.sum(dim=1).numpy()[pair]
    rows = {
        "component": ["leading"] * n + ["others"] * n,
        "k": k,
        "sum": sums,
        "pair": pair,
        "target": sums % P,
    }
    names = {int(item): f"k = {item}" for item in np.unique([*used, leading])}
    return Network(
        module,
        units="units",
        rows=rows,
        inputs=data.pairs[torch.from_numpy(pair)],
        outcome=lacking,
        clusters="pair",
        partition=[names.get(int(item), "other") for item in frequency],
        name=name,
    )


def _module(seed: int, kind: type[nn.Module]) -> nn.Module:
    return kind()


_MLP = {"share": 0.5, "steps": 1000, "rate": 1e-2, "decay": 1.0}
_TRANSFORMER = {"share": 0.8, "steps": 300, "rate": 1e-2, "decay": 1.0}


def _recipe(name: str, kind: type[nn.Module], settings: dict[str, float]) -> Recipe:
    training = partial(_train, steps=int(settings["steps"]), rate=settings["rate"], decay=settings["decay"])
    return Recipe(
        name=name,
        data=partial(_data, share=settings["share"]),
        module=partial(_module, kind=kind),
        train=training,
        settings=settings,
    )


_RECIPES = {
    "addition-mlp": _recipe("addition-mlp", AdditionMLP, _MLP),
    "addition-transformer": _recipe("addition-transformer", AdditionTransformer, _TRANSFORMER),
}
_KNOWN = {"addition-mlp": f"MLP, addition mod {P}", "addition-transformer": f"transformer, addition mod {P}"}

_QUESTIONS = (
    ("", "addition", "Do the units of one Fourier frequency form a module?", ""),
    ("-layer", "addition-layer", "Is the layer divided by Fourier frequency?", ", whole layer"),
)

CONTROLS = tuple(
    Control(
        name=f"{name}{suffix}",
        title=title,
        known=f"{_KNOWN[name]}{what}",
        how="frequencies",
        source="arXiv:2301.05217",
        recipe=recipe,
        subject=partial(as_subject, name=f"{name}{suffix}"),
        protocol=protocol,
        organisation="modular",
        sides=("component", "leading", "others"),
        seeds=5,
    )
    for name, recipe in _RECIPES.items()
    for suffix, protocol, title, what in _QUESTIONS
)
