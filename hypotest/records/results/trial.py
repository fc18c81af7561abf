"""A trial: whether a plan works, on a part of its selection split. No p-value, no outcome, no verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypotest.errors import ProtocolError
from hypotest.records.protocol.prediction import Role
from hypotest.records.protocol.wording import MaterialWords
from hypotest.records.results.self_check import SelfCheck
from hypotest.records.results.shown import Shown

FEWEST_POSITIONS = 8
"""From 8 documents: two quarters to select on, and as many to measure on, of two documents each."""


@dataclass(frozen=True, slots=True)
class TrialPrediction:
    """What a prediction's measure gave on the half that the group was not selected on."""

    id: str
    role: Role
    measure: str
    title: str
    """What was measured, in a few words."""
    reference: str
    """What it is compared with: a null's name, ``second``, or ``value``."""
    observed: float | None
    """None where the measure gave no value, or there is no such null in a trial."""
    reference_value: float | None
    """Mean over the trial's draws, value in the second condition, or the number in the protocol."""
    note: str
    """Why a number is missing; else empty."""

    @property
    def effect(self) -> float | None:
        """Observed - reference, in the unit of the measure."""
        if self.observed is None or self.reference_value is None:
            return None
        return self.observed - self.reference_value


@dataclass(frozen=True, slots=True)
class TrialResult(Shown):
    """A trial of a plan."""

    protocol_id: str
    protocol_hash: str
    """SHA-256 of the plan in canonical form."""
    title: str
    words: MaterialWords
    """What positions and documents are called."""
    subject: str
    layer: int | str
    """Block whose MLP was looked at, counted from 0."""
    asked: int
    """Positions per condition that were asked for."""
    positions: int
    """Positions per condition that were taken, all of the selection split."""
    selecting: int
    """Documents on which the group was selected."""
    measuring: int
    """Other documents of the selection split, on which it was measured."""
    untouched: int
    """Documents of the evaluation split: none of them was run through the model."""
    planned: int
    """Positions per condition that a run has, in both splits."""
    group: int
    """Neurons in the group."""
    n_neurons: int
    """Neurons in the layer."""
    is_selected: bool
    """Whether the data chose the group; it is given else."""
    rule: str
    """As in `GroupResult`."""
    draws: int
    """Of each null, at most."""
    predictions: tuple[TrialPrediction, ...]
    self_check: SelfCheck | None
    seconds: dict[str, float]
    """What each stage took."""
    folder: Path
    """Where ``trial.md`` and ``trial.json`` lie."""


def require_positions(limit: int) -> None:
    """Refuse a trial that is too small, before anything is loaded.

    Raises:
        ProtocolError: If it is.
    """
    if limit < FEWEST_POSITIONS:
        raise ProtocolError(
            f"limit={limit}: must be at least {FEWEST_POSITIONS}, since a trial divides its documents in two "
            "and selects neurons on two halves of one half; take 64 or more to see numbers"
        )
