"""Which engine ablates, and why: anatomy decides, so that no user can choose wrongly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.ablation import NeuronAblation
from hypotest.collect.readout import prepare_readout
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.subjects.language_model import LanguageModel

IDENTITY = "identity"
"""`hypotest.collect.ablation`: exact, with a certificate for every entry."""
INTERVENTIONS = "interventions"
"""`hypotest.collect.interventions`: forward passes from the ablated layer on."""


def plan_ablation(subject: LanguageModel, replacement: str, tolerance: float, seed: int) -> AblationMethod:
    """How neurons will be ablated, by the fastest engine that is right for the subject.

    Args:
        subject: The network.
        replacement: ``mean``, ``zero`` or ``resample``.
        tolerance: Nats.
        seed: Of the donors, under ``resample``.
    """
    obstacle = subject.identity_obstacle
    engine = INTERVENTIONS if obstacle else IDENTITY
    reason = obstacle or "the last MLP feeds the final norm and the unembedding linearly"
    return AblationMethod(replacement, tolerance, seed, engine, reason)


def identity_engine(
    subject: LanguageModel, ablation: AblationMethod, memory: float, neurons: NDArray[np.int64] | None = None
) -> NeuronAblation | None:
    """What ablates by the identity; None where forward passes do.

    Args:
        subject: The network.
        ablation: From `plan_ablation`.
        memory: GB that it may take.
        neurons: Which ones, ascending; all by default.
    """
    if ablation.engine != IDENTITY:
        return None
    readout = prepare_readout(subject)
    return NeuronAblation(
        readout if neurons is None else readout.of_neurons(neurons), ablation.tolerance, memory
    )
