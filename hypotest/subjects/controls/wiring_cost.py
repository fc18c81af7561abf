"""Wiring that costs its length, and units that may change places (after arXiv:2305.08746), beside a twin.

Inputs, units and outputs lie on lines of length one, the first task's inputs and outputs on their left half.
Beside the loss, every weight costs its size times its length. Every 200 steps units change places so that all
their wires together are shortest: all swaps of that paper at once, as an assignment problem. The twin pays
the mean length for every weight, wherever it leads.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Log, Recipe
from hypotest.subjects.controls.two_tasks import (
    BATCH,
    CLASSES,
    HIDDEN,
    INPUTS,
    RATE,
    STEPS,
    Student,
    TwoTasks,
    accuracy,
    as_subject,
    separate_teachers,
)

COST = 1e-3
"""Of a wire of weight and length one, in nats."""
SWAPPED_EVERY = 200
MEAN_LENGTH = 1 / 3
"""Between two places on a line of length one, drawn at random."""


def _places(n: int) -> Tensor:
    return (torch.arange(n) + 0.5) / n


def lengths(place: Tensor) -> tuple[Tensor, Tensor]:
    """Length of each wire, as the weights are shaped, of units at some places, shape (units,)."""
    return (
        (place[:, None] - _places(INPUTS)).abs(),
        (_places(2 * CLASSES)[:, None] - place).abs(),
    )


def swapped(module: Student) -> Tensor:
    """The places of the units at which their wires cost least."""
    places = _places(HIDDEN)
    into, out_of = module.hidden.weight.detach().abs(), module.out.weight.detach().abs()
    costs = (
        into @ (_places(INPUTS)[:, None] - places).abs()
        + out_of.T @ (_places(2 * CLASSES)[:, None] - places).abs()
    )
    _, chosen = linear_sum_assignment(costs.numpy())
    return places[torch.from_numpy(np.asarray(chosen))]


def _train(module: nn.Module, data: TwoTasks, seed: int, log: Log, *, measured: bool) -> None:
    assert isinstance(module, Student)
    optimizer = torch.optim.Adam(module.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(20_000 + seed)
    place = _places(HIDDEN)
    for step in range(1, STEPS + 1):
        if measured and step % SWAPPED_EVERY == 0:
            place = swapped(module)
        into, out_of = lengths(place)
        if not measured:
            into, out_of = torch.full_like(into, MEAN_LENGTH), torch.full_like(out_of, MEAN_LENGTH)
        x, y, _ = data.rows(BATCH, generator)
        loss = nn.functional.cross_entropy(module(x).flatten(0, 1), y.flatten())
        wires = (module.hidden.weight.abs() * into).sum() + (module.out.weight.abs() * out_of).sum()
        optimizer.zero_grad()
        (loss + COST * wires).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % (STEPS // 10) == 0:
            row = {"step": step, "loss": loss.item(), "wires": wires.item()}
            log({**row, "accuracy": accuracy(module, data)})


def _module(seed: int) -> nn.Module:
    return Student()


CONTROLS = tuple(
    Control(
        name=name,
        title=f"Do two tasks become modules where {words}?",
        known=known,
        how="lesions",
        source="arXiv:2305.08746",
        recipe=Recipe(
            name=name,
            data=separate_teachers,
            module=_module,
            train=partial(_train, measured=measured),
            settings={"measured": measured},
        ),
        subject=partial(as_subject, name=name),
        protocol="two-tasks",
        organisation="lesions",
    )
    for name, measured, known, words in (
        ("wiring-cost", True, "wires cost length, swaps", "wires cost their length"),
        ("wiring-twin", False, "its twin: no lengths", "all wires cost the same"),
    )
)
