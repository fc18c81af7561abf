"""How the language model of experts learns, and how well it predicts unseen files."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.language.model import EXPERTS, ExpertLanguageModel
from hypotest.subjects.controls.language.texts import KINDS, WINDOW, CodeAndProse
from hypotest.subjects.controls.recipe import Log

STEPS, BATCH, RATE = 1000, 64, 3e-3
BALANCE = 0.01
"""Weight of the loss that balances experts."""


def train(module: nn.Module, data: CodeAndProse, seed: int, log: Log) -> None:
    """Train on windows of both kinds in turn by Adam, the rate falling along a cosine.

    Args:
        module: An `ExpertLanguageModel`, changed in place.
        data: Its text.
        seed: Of the windows.
        log: Told five times of the loss on unseen files, of each kind and of both, in nats a character, and
            of how far apart the kinds are routed.
    """
    assert isinstance(module, ExpertLanguageModel)
    optimizer = torch.optim.Adam(module.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(20_000 + seed)
    for step in range(1, STEPS + 1):
        x, y = _drawn(data, generator)
        loss = nn.functional.cross_entropy(module(x).flatten(0, 1), y.flatten())
        total = loss + BALANCE * imbalance(module, x) if module.chosen_by == "router" else loss
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % (STEPS // 5) == 0:
            with torch.no_grad():
                unseen = window_loss(module(data.x), data.y)
            each = {f"loss on {kind}": unseen[place::2].mean().item() for place, kind in enumerate(KINDS)}
            apart = routing_distance(module, data)
            log({"step": step, "loss": unseen.mean().item(), **each, "routing distance": apart})


def _drawn(data: CodeAndProse, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Kind and window, (BATCH, 1 + WINDOW); what follows each character, (BATCH, WINDOW)."""
    rows = []
    for kind, text in enumerate(data.learned):
        starts = torch.randint(len(text) - WINDOW, (BATCH // 2, 1), generator=generator)
        own = text[starts + torch.arange(WINDOW + 1)]
        rows.append(torch.cat([torch.full_like(starts, kind), own], dim=1))
    both = torch.cat(rows)
    return both[:, :-1], both[:, 2:]


def window_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of the characters of the second half of a window, in nats, shape (n,).

    What stands before tells little of a window's first characters, whoever reads them.
    """
    half = WINDOW // 2
    losses = nn.functional.cross_entropy(logits[:, half:].transpose(1, 2), y[:, half:], reduction="none")
    return losses.mean(dim=1)


def imbalance(module: ExpertLanguageModel, x: Tensor) -> Tensor:
    """Of the router: share of characters times mean score, over experts; 1 where all are alike."""
    scores = module.scores(module.stream(x)).flatten(0, 1)
    share = nn.functional.one_hot(scores.argmax(dim=1), EXPERTS).to(scores).mean(dim=0)
    unevenness: Tensor = EXPERTS * (share * scores.mean(dim=0)).sum()
    return unevenness


@torch.no_grad()
def routing_distance(module: ExpertLanguageModel, data: CodeAndProse) -> float:
    """Total variation distance of the experts that code and prose are routed to: 1 if they share none."""
    used = (module.gates(data.x, module.stream(data.x)) > 0).float().mean(dim=1)
    one, two = (used[data.x[:, 0] == kind].mean(dim=0) for kind in range(2))
    return float((one - two).abs().sum() / 2)
