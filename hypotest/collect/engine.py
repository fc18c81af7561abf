"""Which engine ablates, and why: anatomy decides, so that no user can choose wrongly."""

from __future__ import annotations

from hypotest.records.evidence import Ablation
from hypotest.subjects.language_model import LanguageModel

IDENTITY = "identity"
"""`hypotest.collect.ablation`: exact, with a certificate for every entry."""
INTERVENTIONS = "interventions"
"""`hypotest.collect.interventions`: forward passes from the ablated layer on."""


def plan_ablation(subject: LanguageModel, replacement: str, tolerance: float, seed: int) -> Ablation:
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
    return Ablation(replacement, tolerance, seed, engine, reason)
