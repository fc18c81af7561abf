"""Experts and two kinds of sequence: routed by kind, by a learned router, or not at all.

A token follows from the two before it by a table, another for each kind of sequence, nine times in ten; else
it is any. The network reads the kind and both tokens. Its hidden units lie in experts, of which one is chosen
for each token: by the kind of sequence (half of the experts for each, within it by parity of the last token);
by a router that is trained with the rest, with a loss that balances its use; or all units are used at once,
the dense twin. Units are taken behind the gate, where those of other experts are zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.control import Control, Organisation
from hypotest.subjects.controls.recipe import Log, Recipe
from hypotest.subjects.network.network import Network

Router = Literal["kind", "learned", "none"]
TOKENS, WIDTH = 12, 32
EXPERTS, UNITS = 4, 32
"""Of each expert."""
NOISE = 0.1
STEPS, BATCH, RATE = 1500, 512, 3e-3
BALANCE = 0.01
"""Weight of the loss that balances experts."""
TEST_ROWS = 2400
KINDS = ("one", "two")


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Tables of both kinds, and tokens that test."""

    tables: Tensor
    """Token that follows two others, shape (2, tokens, tokens)."""
    x: Tensor
    """Kind and the two tokens before, shape (n, 3)."""
    y: Tensor
    """The token that follows, shape (n,)."""


def _drawn(tables: Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    kind = torch.arange(n) % 2
    before = torch.randint(TOKENS, (n, 2), generator=generator)
    follows = tables[kind, before[:, 0], before[:, 1]]
    anything = torch.randint(TOKENS, (n,), generator=generator)
    is_any = torch.rand(n, generator=generator) < NOISE
    return torch.cat([kind[:, None], before], dim=1), torch.where(is_any, anything, follows)


def _data(seed: int) -> Sequences:
    tables = torch.randint(TOKENS, (2, TOKENS, TOKENS), generator=torch.Generator().manual_seed(seed))
    return Sequences(tables, *_drawn(tables, TEST_ROWS, torch.Generator().manual_seed(10_000 + seed)))


class RoutedLayer(nn.Module):
    """Embeddings, a layer of experts, logits."""

    def __init__(self, router: Router) -> None:
        super().__init__()
        self.router = router
        self.kind, self.tokens = nn.Embedding(2, WIDTH), nn.Embedding(2 * TOKENS, WIDTH)
        self.mix = nn.Linear(3 * WIDTH, 2 * WIDTH)
        self.gate = nn.Linear(2 * WIDTH, EXPERTS)
        self.up, self.units = nn.Linear(2 * WIDTH, EXPERTS * UNITS), nn.Identity()
        self.down = nn.Linear(EXPERTS * UNITS, TOKENS)

    def extra_repr(self) -> str:
        """How tokens are routed: part of what identifies the network."""
        return self.router

    def gates(self, x: Tensor, stream: Tensor) -> Tensor:
        """Weight of each expert, shape (n, experts)."""
        if self.router == "none":
            return stream.new_ones(len(x), EXPERTS)
        if self.router == "kind":
            chosen = 2 * x[:, 0] + x[:, 2] % 2
            return nn.functional.one_hot(chosen, EXPERTS).to(stream)
        scores = self.gate(stream).softmax(dim=1)
        best = scores.max(dim=1, keepdim=True)
        return torch.zeros_like(scores).scatter(1, best.indices, best.values)

    def stream(self, x: Tensor) -> Tensor:
        """What experts and router read, shape (n, 2 width)."""
        place = x[:, 1:] + torch.tensor([0, TOKENS], device=x.device)
        read = torch.cat([self.kind(x[:, :1]), self.tokens(place)], dim=1).flatten(1)
        mixed: Tensor = torch.tanh(self.mix(read))
        return mixed

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (n, tokens)."""
        stream = self.stream(x)
        gates = self.gates(x, stream).repeat_interleave(UNITS, dim=1)
        logits: Tensor = self.down(self.units(torch.relu(self.up(stream)) * gates))
        return logits

    def imbalance(self, x: Tensor) -> Tensor:
        """Of the learned router: share of tokens times mean score, over experts; 1 where all are alike."""
        scores = self.gate(self.stream(x)).softmax(dim=1)
        share = nn.functional.one_hot(scores.argmax(dim=1), EXPERTS).to(scores).mean(dim=0)
        unevenness: Tensor = EXPERTS * (share * scores.mean(dim=0)).sum()
        return unevenness


def _train(module: nn.Module, data: Sequences, seed: int, log: Log) -> None:
    assert isinstance(module, RoutedLayer)
    optimizer = torch.optim.Adam(module.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(20_000 + seed)
    for step in range(1, STEPS + 1):
        x, y = _drawn(data.tables, BATCH, generator)
        loss = nn.functional.cross_entropy(module(x), y)
        total = loss + BALANCE * module.imbalance(x) if module.router == "learned" else loss
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % (STEPS // 10) == 0:
            with torch.no_grad():
                right = (module(data.x).argmax(dim=1) == data.y).float().mean()
                apart = routing_distance(module, data)
            log({"step": step, "loss": loss.item(), "accuracy": right.item(), "routing distance": apart})


def routing_distance(module: RoutedLayer, data: Sequences) -> float:
    """Total variation distance of the experts that both kinds are routed to: 1 if they share none."""
    used = (module.gates(data.x, module.stream(data.x)) > 0).float()
    one, two = (used[data.x[:, 0] == kind].mean(dim=0) for kind in range(2))
    return float((one / one.sum() - two / two.sum()).abs().sum() / 2)


def as_subject(module: nn.Module, data: Sequences, *, name: str, experts: bool) -> Network:
    """The units of all experts behind the gate, each in its expert.

    Args:
        module: `Experts`.
        data: Of it.
        name: Of the control.
        experts: Whether units lie in experts.
    """
    rows: dict[str, Any] = {
        "task": [KINDS[item] for item in data.x[:, 0].tolist()],
        "target": data.y.tolist(),
    }
    parts = [f"expert {unit // UNITS}" for unit in range(EXPERTS * UNITS)] if experts else None
    return Network(
        module,
        units="units",
        rows=rows,
        inputs=data.x,
        outcome="cross_entropy",
        partition=parts,
        name=name,
    )


def _module(seed: int, router: Router) -> nn.Module:
    return RoutedLayer(router)


_ROUTERS: tuple[tuple[str, Router, str, str, Organisation], ...] = (
    ("experts-by-kind", "kind", "experts, routed by kind", "routing", "modular"),
    ("experts-learned", "learned", "experts, learned router", "lesions", "lesions"),
    ("experts-dense", "none", "their dense twin", "lesions", "lesions"),
)

CONTROLS = tuple(
    Control(
        name=name,
        title=f"Are two kinds of sequence modules in {known}?",
        known=known,
        how=how,
        source="hypotest",
        recipe=Recipe(
            name=name,
            data=_data,
            module=partial(_module, router=router),
            train=_train,
            settings={"router": len(router)},
        ),
        subject=partial(as_subject, name=name, experts=router != "none"),
        protocol="two-tasks",
        organisation=organisation,
    )
    for name, router, known, how, organisation in _ROUTERS
)
