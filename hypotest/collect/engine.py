"""Which engine ablates, and why: anatomy decides, so that no user can choose wrongly."""

from __future__ import annotations

from hypotest.subjects.language_model import LanguageModel

IDENTITY = "identity"
"""`hypotest.collect.ablation`: exact, with a certificate for every entry."""
INTERVENTIONS = "interventions"
"""`hypotest.collect.interventions`: forward passes from the ablated layer on."""


def choose_engine(subject: LanguageModel) -> tuple[str, str]:
    """The fastest engine that is right for a subject, and why it is that one."""
    obstacle = subject.identity_obstacle
    if obstacle:
        return INTERVENTIONS, obstacle
    return IDENTITY, "the last MLP feeds the final norm and the unembedding linearly"
