"""HAVAE as a subject: each row is a verse that no network learned from, and foils of one kind.

One score decides the rank of a candidate, and both features feed it: what a feature contributes shows in the
margin over foils that share the other feature. Half of the rows have foils with the true line's stems and
endings that do not rhyme, which only prosody tells from it; half have foils with its endings and stems about
something else, which only meaning tells from it.

That they share the other feature exactly matters. Against foils that merely rhyme as well, and sound
different otherwise, a lesion of a fifth of the units, the most influential on meaning, cost both margins
alike in the predecessor (index -0.05, seed 100), although a lesion of all prosodic units cost meaning
nothing: half a lesion made sounds count that should not.

The outcome is the share of the margin that is missing. In nats a lesion of any group hurt the margin by
prosody more, which is larger and steeper (index 0.51 and -0.53 for groups by either feature in HAVAE, seed
100); in shares both margins weigh alike (0.12 and -0.13).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hypotest.subjects.controls.havae.model import Both, Predecessor
from hypotest.subjects.controls.havae.training import VerseTask
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.units import Units

DECIDED_BY = ("prosody", "meaning")
"""Rows in turn, as in `Task.alike`."""
LEAST = 1.0
"""Mean margin in log odds, below which a network has none of which shares could be missing."""


def margins(scores: Tensor) -> Tensor:
    """Log odds by which the true line, the first, leads its foils, mean over foils, shape (n,)."""
    return scores[:, 0] - scores[:, 1:].mean(dim=1)


def missing_share(scores: Tensor, rows: Any) -> Tensor:
    """One less the margin of each row over the intact network's mean margin by the same feature.

    0 on average without a lesion, 1 of a guess, which has no margin.

    Args:
        scores: Of candidates, the true one first, shape (n, 1 + foils).
        rows: With the column `intact`, mean margins of the intact network, at least `LEAST`.
    """
    intact = torch.as_tensor(rows["intact"], dtype=scores.dtype, device=scores.device)
    return 1 - margins(scores) / intact


def as_subject(module: Both, task: VerseTask, *, which: str, units: str, name: str) -> Network:
    """Units of a network, at unseen verses whose foils are of both kinds in turn.

    Args:
        module: In evaluation mode.
        task: The verses.
        which: `havae` or `predecessor`.
        units: `r`, or `encoder.mean`, which is behind it.
        name: Of the control.
    """
    network, n = module.get_submodule(which), len(task.alike_meaning)
    with torch.no_grad():
        led = margins(network(task.alike_meaning, task.alike_prosody))
    intact = [max(float(led[start::2].mean()), LEAST) for start in range(2)]
    return Network(
        network,
        units=Units(units, axis=-1),
        rows={
            "decided_by": [DECIDED_BY[row % 2] for row in range(n)],
            "intact": [intact[row % 2] for row in range(n)],
            "verse": list(range(n)),
        },
        inputs=(task.alike_meaning, task.alike_prosody),
        outcome=missing_share,
        partition=network.feature_of_unit if units == "r" and isinstance(network, Predecessor) else None,
        name=name,
    )
