"""HAVAE as a subject: each row is a verse that no network learned from, and foils of one kind.

One score decides the rank of a candidate, and both features feed it: what a feature contributes shows in the
margin over foils that share the other feature. Against foils that fit and do not rhyme only prosody tells the
true line; against foils that rhyme and do not fit only meaning does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hypotest.subjects.controls.havae.model import Both, Predecessor
from hypotest.subjects.controls.havae.training import Task
from hypotest.subjects.controls.havae.verse import FITS, KINDS, RHYMES, TRUE
from hypotest.subjects.network.network import Network

DECIDED_BY = ("prosody", "meaning")
_FOILS = {"prosody": FITS, "meaning": RHYMES}


def margin_loss(scores: Tensor, rows: Any) -> Tensor:
    """-log P(the true line is taken, not the foil), mean over foils, in nats: log(1 + exp(foil - true)).

    Args:
        scores: Of candidates, the true one first, shape (n, 1 + foils).
        rows: Not read: which foils a row has is in its input.
    """
    return nn.functional.softplus(scores[:, 1:] - scores[:, :1]).mean(dim=1)


def as_subject(module: Both, task: Task, *, which: str, units: str, name: str) -> Network:
    """Units of a network, at unseen verses whose foils are of both kinds in turn.

    Args:
        module: In evaluation mode.
        task: The verses.
        which: `havae` or `predecessor`.
        units: `r`, or `encoder.mean`, which is behind it.
        name: Of the control.
    """
    n, network = len(task.unseen_meaning), module.get_submodule(which)
    decided = [DECIDED_BY[row % 2] for row in range(n)]
    candidates = [np.flatnonzero(np.isin(KINDS, (TRUE, _FOILS[feature]))) for feature in DECIDED_BY]
    own = torch.from_numpy(np.stack([candidates[row % 2] for row in range(n)]))
    verse = torch.arange(n)[:, None]
    return Network(
        network,
        units=units,
        rows={"decided_by": decided, "verse": list(range(n))},
        inputs=(task.unseen_meaning[verse, own], task.unseen_prosody[verse, own]),
        outcome=margin_loss,
        partition=network.feature_of_unit if units == "r" and isinstance(network, Predecessor) else None,
        name=name,
    )
