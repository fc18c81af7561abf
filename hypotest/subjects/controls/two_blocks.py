"""Two tasks in two blocks: modular because it is wired so.

Each task has ten inputs, 64 hidden units and four outputs of its own; what lies between the blocks is masked
out, in training and after it. Labels come from a teacher for each task: a random network of ten inputs.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Recipe
from hypotest.subjects.controls.two_tasks import (
    CLASSES,
    HIDDEN,
    INPUTS,
    Student,
    TwoTasks,
    as_subject,
    separate_teachers,
    train,
)


class TwoBlocks(Student):
    """A student whose halves are not connected."""

    def __init__(self) -> None:
        super().__init__()
        own_inputs = torch.zeros(HIDDEN, INPUTS)
        own_units = torch.zeros(2 * CLASSES, HIDDEN)
        for task in range(2):
            units = slice(task * HIDDEN // 2, (task + 1) * HIDDEN // 2)
            own_inputs[units, task * INPUTS // 2 : (task + 1) * INPUTS // 2] = 1
            own_units[task * CLASSES : (task + 1) * CLASSES, units] = 1
        self.register_buffer("own_inputs", own_inputs)
        self.register_buffer("own_units", own_units)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of both tasks, shape (n, 2, classes)."""
        own_inputs, own_units = self.get_buffer("own_inputs"), self.get_buffer("own_units")
        read = nn.functional.linear(x, self.hidden.weight * own_inputs, self.hidden.bias)
        written = nn.functional.linear(self.units(read), self.out.weight * own_units, self.out.bias)
        return written.reshape(len(x), 2, CLASSES)


def _data(seed: int) -> TwoTasks:
    return separate_teachers(seed)


def _module(seed: int) -> nn.Module:
    return TwoBlocks()


CONTROLS = (
    Control(
        name="two-blocks",
        title="Are two tasks in two blocks modular?",
        known="two blocks",
        how="wiring",
        source="hypotest",
        recipe=Recipe(name="two-blocks", data=_data, module=_module, train=train),
        subject=partial(as_subject, name="two-blocks", parts=("one", "two")),
        protocol="two-tasks",
        organisation="modular",
    ),
)
