"""One function under two names: distributed, since whatever serves one task serves the other.

The second task's label is the first one's under another name (a permutation of the classes in which none
keeps its own), so that both need the same features of the same inputs, and differ in their outputs alone.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Recipe
from hypotest.subjects.controls.two_tasks import (
    CLASSES,
    INPUTS,
    Student,
    TwoTasks,
    as_subject,
    teacher,
    train,
    two_tasks,
)


def _data(seed: int) -> TwoTasks:
    both = teacher(slice(0, INPUTS), torch.Generator().manual_seed(seed))
    return two_tasks((both, both), seed, order=torch.arange(CLASSES).roll(1))


def _module(seed: int) -> nn.Module:
    return Student()


CONTROLS = (
    Control(
        name="same-function",
        title="Is one function under two names modular?",
        known="one function, two names",
        how="one function",
        source="hypotest",
        recipe=Recipe(name="same-function", data=_data, module=_module, train=train),
        subject=partial(as_subject, name="same-function"),
        protocol="two-tasks",
        organisation="distributed",
    ),
)
