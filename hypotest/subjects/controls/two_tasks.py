"""Two tasks for one small network: what the controls of 20 inputs, 128 hidden units and 8 outputs share.

Inputs are normal numbers, ten for each task. A teacher gives a row its label of four: eight random features
tanh(w x) of the inputs it reads, random sums of them, the class of the largest. Every step trains on fresh
rows, so that nothing is learned by heart; test rows are asked about one task each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.recipe import Log
from hypotest.subjects.network.network import Network

INPUTS, HIDDEN, CLASSES = 20, 128, 4
FEATURES = 8
"""Of a teacher."""
STEPS, BATCH, RATE = 3000, 256, 3e-3
TEST_ROWS = 2400
TASKS = ("one", "two")


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """Labels of one task."""

    read: Tensor
    """Weights of the features, shape (features, inputs)."""
    sums: Tensor
    """Shape (classes, features)."""

    def __call__(self, x: Tensor) -> Tensor:
        """Labels, shape (n,)."""
        features = torch.tanh(x @ self.read.T)
        return (features @ self.sums.T).argmax(dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class TwoTasks:
    """Both tasks, and the rows that test."""

    teachers: tuple[Teacher, Teacher]
    order: Tensor
    """The second task's name of each class of its teacher, shape (classes,)."""
    alone: bool
    """Whether a row shows the inputs of one task, and zeros in the place of the other's."""
    x: Tensor
    """Test rows, shape (n, inputs)."""
    y: Tensor
    """Their labels of both tasks, shape (n, 2)."""

    def rows(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Fresh rows: inputs, labels of both tasks, and which tasks are asked, (n, 2)."""
        return _rows(self.teachers, self.order, self.alone, n, generator)


def two_tasks(
    teachers: tuple[Teacher, Teacher], seed: int, *, order: Tensor | None = None, alone: bool = False
) -> TwoTasks:
    """Two teachers with their test rows.

    Args:
        teachers: Of both tasks.
        seed: Of the rows.
        order: As in `TwoTasks`; as they are if not given.
        alone: As in `TwoTasks`.
    """
    order = torch.arange(CLASSES) if order is None else order
    x, y, _ = _rows(teachers, order, alone, TEST_ROWS, torch.Generator().manual_seed(10_000 + seed))
    return TwoTasks(teachers, order, alone, x, y)


def _rows(
    teachers: tuple[Teacher, Teacher], order: Tensor, alone: bool, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    x = torch.randn(n, INPUTS, generator=generator)
    asked = torch.ones(n, 2)
    if alone:  # rows of the first task, then of the second, in turn
        half = INPUTS // 2
        asked = nn.functional.one_hot(torch.arange(n) % 2, 2).float()
        x = x * asked.repeat_interleave(half, dim=1)
    return x, torch.stack([teachers[0](x), order[teachers[1](x)]], dim=1), asked


def teacher(reads: slice, generator: torch.Generator, features: Tensor | None = None) -> Teacher:
    """A random teacher.

    Args:
        reads: The inputs that it reads.
        generator: Of its weights.
        features: Some of another teacher, shape (n, inputs), that it reads as well, in the place of its own.
    """
    read = torch.zeros(FEATURES, INPUTS)
    size = reads.stop - reads.start
    read[:, reads] = torch.randn(FEATURES, size, generator=generator) / size**0.5 * 1.5
    if features is not None:
        read[: len(features)] = features
    return Teacher(read, torch.randn(CLASSES, FEATURES, generator=generator))


def shared_teachers(seed: int, shared: int = 0) -> tuple[Teacher, Teacher]:
    """Teachers on separate inputs, of which the second reads some features of the first.

    Args:
        seed: Of the weights.
        shared: How many of its eight features are the first teacher's.
    """
    generator = torch.Generator().manual_seed(seed)
    first = teacher(slice(0, INPUTS // 2), generator)
    return first, teacher(slice(INPUTS // 2, INPUTS), generator, first.read[:shared])


def separate_teachers(seed: int, *, alone: bool = False) -> TwoTasks:
    """Two tasks on inputs of their own."""
    return two_tasks(shared_teachers(seed), seed, alone=alone)


class Student(nn.Module):
    """One hidden layer, an output for each class of each task."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden, self.units = nn.Linear(INPUTS, HIDDEN), nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(HIDDEN, 2 * CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of both tasks, shape (n, 2, classes)."""
        logits: Tensor = self.out(self.dropout(self.units(self.hidden(x))))
        return logits.reshape(len(x), 2, CLASSES)


def train(module: nn.Module, data: TwoTasks, seed: int, log: Log, *, weight_decay: float = 0.0) -> None:
    """Train a student on both tasks by Adam, the rate falling along a cosine.

    Args:
        module: A `Student`.
        data: Its tasks.
        seed: Of the rows.
        log: Told of loss and test accuracy ten times.
        weight_decay: Decoupled from the gradient.
    """
    optimizer = torch.optim.AdamW(module.parameters(), RATE, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    generator = torch.Generator().manual_seed(20_000 + seed)
    for step in range(1, STEPS + 1):
        x, y, asked = data.rows(BATCH, generator)
        losses = nn.functional.cross_entropy(module(x).flatten(0, 1), y.flatten(), reduction="none")
        loss = (losses * asked.flatten()).sum() / asked.sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % (STEPS // 10) == 0:
            log({"step": step, "loss": loss.item(), "accuracy": accuracy(module, data)})


def accuracy(module: nn.Module, data: TwoTasks) -> float:
    """Share of right answers on the test rows, each asked about one task."""
    was, _ = module.training, module.eval()
    with torch.no_grad():
        right = (module(data.x).argmax(dim=2) == data.y).float()
    module.train(was)
    return float(right[torch.arange(len(right)), _task(len(right))].mean())


def _task(n: int) -> Tensor:
    """Which task each test row is asked about: in turn."""
    return torch.arange(n) % 2


def task_loss(output: Tensor, rows: Any) -> Tensor:
    """Cross-entropy of the task that a row is asked about, in nats."""
    task = torch.tensor([TASKS.index(item) for item in rows["task"]])
    own = output[torch.arange(len(task)), task]
    return nn.functional.cross_entropy(own, torch.as_tensor(rows["target"]), reduction="none")


def as_subject(
    module: nn.Module, data: TwoTasks, *, name: str, parts: Sequence[str] | None = None
) -> Network:
    """A student's hidden units, at test rows that are asked about the tasks in turn.

    Args:
        module: A `Student`, or another network with the same inputs and outputs and `units`.
        data: Its tasks.
        name: Of the control.
        parts: Names of as many blocks of units as the network was wired in, where it was.
    """
    task = _task(len(data.x))
    rows = {
        "task": [TASKS[item] for item in task.tolist()],
        "target": data.y[torch.arange(len(task)), task].tolist(),
    }
    partition = None if parts is None else [item for item in parts for _ in range(HIDDEN // len(parts))]
    return Network(
        module, units="units", rows=rows, inputs=data.x, outcome=task_loss, partition=partition, name=name
    )
