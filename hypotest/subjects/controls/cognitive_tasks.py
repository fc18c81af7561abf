"""A recurrent network that does several cognitive tasks (after Yang et al. 2019).

Six of the twenty tasks of doi:10.1038/s41593-018-0310-2, on a clock of 16 steps: a stimulus is a bump of
activity on a ring of eight directions, in one of two modalities, and the answer is a direction, given at the
last step. *Go*: the stimulus; *anti*: its opposite; *decide 1*, *decide 2*: the stronger of two stimuli in
one modality; *context 1*, *context 2*: both modalities show two stimuli each, and only one modality counts.
A rule input says which task it is.

The paper found units whose variance lies in one of the two context tasks alone, and that lesions of such a
cluster take that task away and leave the other. Scaled down: 96 units, a gated cell, a classification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Log, Recipe
from hypotest.subjects.network.network import Network

DIRECTIONS, CLOCK, UNITS = 8, 16, 96
TASKS = ("go", "anti", "decide 1", "decide 2", "context 1", "context 2")
SHOWN = slice(3, 12)
"""Steps at which stimuli are shown."""
NOISE = 0.1
STEPS, BATCH, RATE = 1000, 192, 2e-3
TEST_ROWS = 2400
_INPUTS = 2 * DIRECTIONS + len(TASKS)


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Trials that test."""

    x: Tensor
    """Shape (n, clock, inputs)."""
    y: Tensor
    """Direction of the answer, shape (n,)."""
    task: Tensor
    """Shape (n,)."""


def trials(n: int, generator: torch.Generator, task: Tensor | None = None) -> Trials:
    """Random trials.

    Args:
        n: How many.
        generator: Of all that is random.
        task: Of each, shape (n,); drawn evenly if not given.
    """
    task = torch.arange(n) % len(TASKS) if task is None else task
    first = torch.randint(DIRECTIONS, (n, 2), generator=generator)  # of either modality
    second = (first + torch.randint(1, DIRECTIONS, (n, 2), generator=generator)) % DIRECTIONS
    sign = torch.randint(2, (n, 2), generator=generator) * 2 - 1
    contrast = sign * (0.15 + 0.35 * torch.rand(n, 2, generator=generator))
    stimuli = _bump(first) * (1 + contrast)[..., None] + _bump(second) * (1 - contrast)[..., None]
    alone = task < 2
    stimuli[alone] = _bump(first[alone])
    modality = torch.where(alone, torch.randint(2, (n,), generator=generator), task % 2)
    both = task >= 4
    for item in range(2):
        stimuli[~both & (modality != item), item] = 0
    rows = torch.arange(n)
    stronger = torch.where(contrast > 0, first, second)[rows, modality]
    answer = torch.where(alone, first[rows, modality], stronger)
    answer = torch.where(task == 1, (answer + DIRECTIONS // 2) % DIRECTIONS, answer)
    x = torch.zeros(n, CLOCK, _INPUTS)
    x[:, SHOWN, : 2 * DIRECTIONS] = stimuli.flatten(1)[:, None]
    x[..., : 2 * DIRECTIONS] += NOISE * torch.randn(n, CLOCK, 2 * DIRECTIONS, generator=generator)
    x[..., 2 * DIRECTIONS :] = nn.functional.one_hot(task, len(TASKS)).float()[:, None]
    return Trials(x, answer, task)


def _bump(direction: Tensor) -> Tensor:
    """Activity on the ring, shape (..., directions)."""
    angle = 2 * math.pi * (torch.arange(DIRECTIONS) - direction[..., None]) / DIRECTIONS
    return torch.exp(2 * (torch.cos(angle) - 1))


class Recurrent(nn.Module):
    """A gated cell, run over the clock; its state at the end gives the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.units, self.out = nn.GRUCell(_INPUTS, UNITS), nn.Linear(UNITS, DIRECTIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (n, directions)."""
        state = x.new_zeros(len(x), UNITS)
        for step in range(x.shape[1]):
            state = self.units(x[:, step], state)
        logits: Tensor = self.out(state)
        return logits


def _data(seed: int) -> Trials:
    # Three quarters of the test trials are of the context tasks, which the protocol compares.
    numbers = torch.arange(TEST_ROWS)
    task = torch.where(numbers % 8 < 6, 4 + numbers % 2, numbers // 8 % 4)
    return trials(TEST_ROWS, torch.Generator().manual_seed(10_000 + seed), task)


def _train(module: nn.Module, data: Trials, seed: int, log: Log) -> None:
    optimizer = torch.optim.Adam(module.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(20_000 + seed)
    for step in range(1, STEPS + 1):
        own = trials(BATCH, generator)
        loss = nn.functional.cross_entropy(module(own.x), own.y)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % (STEPS // 10) == 0:
            with torch.no_grad():
                right = (module(data.x).argmax(dim=1) == data.y).float()
            each = {name: right[data.task == number].mean().item() for number, name in enumerate(TASKS)}
            log({"step": step, "loss": loss.item(), **each})


def task_variance(module: nn.Module, data: Trials) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Variance of each unit's state over trials of a task, mean over the clock, shape (tasks, units).

    By it the paper finds its clusters.
    """
    kept: list[Tensor] = []
    handle = module.get_submodule("units").register_forward_hook(lambda _m, _i, output: kept.append(output))
    with torch.no_grad():
        module(data.x)
    handle.remove()
    states = torch.stack(kept, dim=1)
    return np.array([states[data.task == item].var(dim=0).mean(dim=0).tolist() for item in range(len(TASKS))])


def as_subject(module: nn.Module, data: Trials, *, name: str) -> Network:
    """The recurrent units; a lesion holds them at every step."""
    rows = {"task": [TASKS[item] for item in data.task.tolist()], "target": data.y.tolist()}
    return Network(module, units="units", rows=rows, inputs=data.x, outcome="cross_entropy", name=name)


def _module(seed: int) -> nn.Module:
    return Recurrent()


_NAME = "cognitive-tasks"

CONTROLS = (
    Control(
        name=_NAME,
        title="Does each of two tasks that depend on context have a cluster of its own?",
        known="recurrent, six tasks",
        how="lesions",
        source="doi:10.1038/s41593-018-0310-2",
        recipe=Recipe(name=_NAME, data=_data, module=_module, train=_train),
        subject=partial(as_subject, name=_NAME),
        protocol="cognitive-tasks",
        organisation="lesions",
        sides=("task", "context 1", "context 2"),
        seeds=5,
    ),
)
