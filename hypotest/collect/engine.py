"""Which engine ablates, and why: anatomy decides, so that no user can choose wrongly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.logit_difference import LogitDifferenceAblation
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.network.ablation import kept_route
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.subjects.kinds import Subject
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.recorded.evidence import RecordedEvidence

IDENTITY = "identity"
"""`hypotest.collect.last_block.ablation`: exact, with a certificate for every entry."""
INTERVENTIONS = "interventions"
"""`hypotest.collect.interventions`: forward passes from the ablated layer on."""
RECORDED = "recorded"
"""None: evidence comes from elsewhere, and nothing is ablated here."""
FROM_ELSEWHERE = "it was made elsewhere"
"""Why."""


Identity = NeuronAblation | LogitDifferenceAblation
"""What ablates by the identity."""


def plan_ablation(
    subject: Subject, replacement: str, tolerance: float, seed: int, outcome: str = "loss"
) -> AblationMethod:
    """How neurons will be ablated, by the fastest engine that is right for the subject.

    Args:
        subject: The network.
        replacement: ``mean``, ``zero`` or ``resample``.
        tolerance: Nats.
        seed: Of the donors, under ``resample``.
        outcome: What the changes are of, `hypotest.records.protocol.examples.Outcome`.
    """
    if isinstance(subject, RecordedEvidence):
        return AblationMethod(replacement, tolerance, seed, RECORDED, FROM_ELSEWHERE, outcome)
    if isinstance(subject, Network):
        reason = f"nothing is proved of a module of any kind ({kept_route(subject).reason})"
        return AblationMethod(replacement, tolerance, seed, INTERVENTIONS, reason, outcome)
    obstacle = subject.identity_obstacle
    engine = INTERVENTIONS if obstacle else IDENTITY
    reason = obstacle or subject.kind.identity_reason()
    return AblationMethod(replacement, tolerance, seed, engine, reason, outcome)


def identity_engine(
    subject: Subject, ablation: AblationMethod, memory: float, neurons: NDArray[np.int64] | None = None
) -> Identity | None:
    """What ablates by the identity; None where forward passes do.

    Args:
        subject: The network.
        ablation: From `plan_ablation`.
        memory: GB that it may take.
        neurons: Which ones, ascending; all by default.
    """
    if ablation.engine != IDENTITY or isinstance(subject, RowSubject):
        return None
    readout = prepare_readout(subject)
    readout = readout if neurons is None else readout.of_neurons(neurons)
    if ablation.outcome == "logit_difference":
        return LogitDifferenceAblation(readout, memory)
    return NeuronAblation(readout, ablation.tolerance, memory)
