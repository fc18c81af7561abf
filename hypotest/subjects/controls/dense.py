"""Dense networks on two tasks with separate inputs: nothing is wired apart, and what becomes of them differs.

Plain; with dropout and weight decay, under which units specialise; and with the inputs of one task at a time,
zeros in the place of the other's. Their truth is read from lesions, not assumed.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Recipe
from hypotest.subjects.controls.two_tasks import Student, as_subject, separate_teachers, train

DROPOUT, DECAY = 0.3, 0.1


def _module(seed: int, dropout: float = 0.0) -> nn.Module:
    return Student(dropout)


_RECIPES = (
    (
        "dense, all inputs at once",
        Recipe(name="dense", data=separate_teachers, module=_module, train=train),
    ),
    (
        "dense, dropout and decay",
        Recipe(
            name="dense-dropout",
            data=separate_teachers,
            module=partial(_module, dropout=DROPOUT),
            train=partial(train, weight_decay=DECAY),
            settings={"dropout": DROPOUT, "decay": DECAY},
        ),
    ),
    (
        "dense, one input at a time",
        Recipe(
            name="dense-alone",
            data=partial(separate_teachers, alone=True),
            module=_module,
            train=train,
            settings={"alone": 1},
        ),
    ),
)

CONTROLS = tuple(
    Control(
        name=recipe.name,
        title=f"Do two tasks become modules in a network that is {known}?",
        known=known,
        how="lesions",
        source="hypotest",
        recipe=recipe,
        subject=partial(as_subject, name=recipe.name),
        protocol="two-tasks",
        organisation="lesions",
    )
    for known, recipe in _RECIPES
)
