"""Two tasks that share some of their features: how far they are apart, lesions say.

The second teacher reads two, four or six of its eight features from the first one's, and the rest from inputs
of its own. A network may represent what is shared once or twice; nothing forces it.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Recipe
from hypotest.subjects.controls.two_tasks import (
    FEATURES,
    Student,
    TwoTasks,
    as_subject,
    shared_teachers,
    train,
    two_tasks,
)

SHARED = (2, 4, 6)


def _data(seed: int, shared: int) -> TwoTasks:
    return two_tasks(shared_teachers(seed, shared), seed)


def _module(seed: int) -> nn.Module:
    return Student()


CONTROLS = tuple(
    Control(
        name=f"shared-{shared}",
        title=f"Are two tasks that share {shared} of {FEATURES} features modular?",
        known=f"{shared} of {FEATURES} features shared",
        how="lesions",
        source="hypotest",
        recipe=Recipe(
            name=f"shared-{shared}",
            data=partial(_data, shared=shared),
            module=_module,
            train=train,
            settings={"shared": shared},
        ),
        subject=partial(as_subject, name=f"shared-{shared}"),
        protocol="two-tasks",
        organisation="lesions",
    )
    for shared in SHARED
)
