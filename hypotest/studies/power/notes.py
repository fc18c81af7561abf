"""What `power` says beside its numbers: what it did without, and what a run would refuse."""

from __future__ import annotations

from hypotest.engine.session import Session
from hypotest.pipeline.checks.definedness import undefined_on_selection
from hypotest.records.evidence.evidence import SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.power.record import PowerDocuments
from hypotest.studies.power.variants import (
    QUICK_DRAWS,
    foreseeable,
)


def given_up(whole: bool, documents: PowerDocuments, quick: bool, selected: bool) -> list[str]:
    """What a quick look does without."""
    if not quick:
        return []
    some = documents.selecting + documents.measuring
    given_up = [
        f"a quick look: at most {QUICK_DRAWS} draws of each null; no "
        "other group sizes, no times, and what is undefined on the whole selection split is not looked for"
    ]
    if not whole:
        given_up.append(
            f"only {some:,} documents of the selection split were run through the model"
            + ("; the group was selected on half of them, and may be another one on more" if selected else "")
        )
    return given_up


def undefined(plan: Protocol, selection: SelectionEvidence, session: Session) -> list[str]:
    """What a run would refuse once the selection split is collected."""
    reasons = undefined_on_selection(plan, selection, session.streams)
    return [
        f"predictions.{item.id}: refused: {item.measure} is undefined on the selection split: "
        f"{reasons[item.id]}"
        for item in plan.predictions
        if item.id in reasons and item.role != "descriptive"
    ]


def group_given(plan: Protocol) -> list[str]:
    """What follows where the protocol says which neurons are tested."""
    if plan.group.is_selected:
        return []
    return ["the group is given and not selected: no other sizes of it are tried"]


def left_out(plan: Protocol) -> list[str]:
    """Predictions of which nothing can be foreseen, and why."""
    return [
        f"{item.id}: a contrast with {item.contrast.null} networks cannot be foreseen from this one"
        for item in plan.predictions
        if not foreseeable(item) and item.role != "descriptive"
    ]
