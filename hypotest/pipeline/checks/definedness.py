"""Which predictions have no value for this group, asked of the selection split before anything is evaluated.

The group is known once it is selected, and with it whether a measure is defined for so few neurons, for
units that do not vary, for heads that do not reach them. The selection split stands in for the evaluation
split, and the measures are the very ones of a run, on the group, its counterpart of the other condition and a
few random groups.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.errors import Problem, ProtocolError
from hypotest.groups.live import without_dead
from hypotest.ladder.against_nulls import prepare
from hypotest.ladder.group_tests import TRIED
from hypotest.measures.registry import measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared, with_nulls
from hypotest.records.evidence.evidence import Evidence, SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.halves import whole
from hypotest.testing.selection import Selection, select
from hypotest.testing.task import Missing, Task
from hypotest.testing.undefined import NO_VALUE, why

_BYSTANDERS = 256
"""Other neurons beside the group, from which random groups come: a layer's network need not be computed."""


def check_defined(plan: Protocol, selection: SelectionEvidence, streams: Streams, path: Path) -> None:
    """Refuse a plan in which a premise or a deciding prediction has no value on the selection split.

    A descriptive one decides nothing: it may come out ``undefined``.

    Args:
        plan: A valid protocol.
        selection: The evidence of its selection split.
        streams: Random numbers.
        path: The protocol's file, for the message.

    Raises:
        ProtocolError: With one problem per prediction.
        EvidenceError: If no group can be selected.
    """
    undefined = undefined_on_selection(plan, selection, streams)
    problems = [
        Problem(
            str(path),
            f"predictions.{item.id}",
            f"{item.measure} is undefined on the selection split: {undefined[item.id]}. Nothing of the "
            "evaluation split was looked at: change group, measure or conditions, or write "
            "`role: descriptive`",
        )
        for item in plan.predictions
        if item.id in undefined and item.role != "descriptive"
    ]
    if problems:
        raise ProtocolError(problems)


def undefined_on_selection(plan: Protocol, selection: SelectionEvidence, streams: Streams) -> dict[str, str]:
    """Id of each prediction that has no value on the selection split -> why.

    Args:
        plan: A valid protocol.
        selection: The evidence of its selection split.
        streams: Random numbers.

    Raises:
        EvidenceError: If no group can be selected.
    """
    evidence = without_dead(whole(selection))
    chosen = select(plan, evidence, streams)
    few = with_nulls(
        plan.model_copy(update={"intervals": plan.intervals.model_copy(update={"reselection": False})}),
        {item.name: item.null.fewer(item.options, TRIED) for item in declared(plan)},
    )
    session = Session(streams)
    drawn = prepare(Task(few, evidence, chosen, session), Form.GROUPS).drawn
    some, among = _beside_others(evidence, chosen, streams)
    task = Task(few, some, among, session)
    reasons: dict[str, str] = {}
    for item in plan.predictions:
        if isinstance(nothing := drawn.get(str(item.contrast.null)), Missing):
            reasons[item.id] = nothing.reason
            continue
        try:
            measure_of(item).try_out(item, task)
        except NO_VALUE as error:
            reasons[item.id] = why(error)
    return reasons


def _beside_others(evidence: Evidence, chosen: Selection, streams: Streams) -> tuple[Evidence, Selection]:
    """The groups among some other neurons of the layer."""
    others = streams("definedness").permutation(evidence.n_neurons)[:_BYSTANDERS]
    kept = np.unique(np.concatenate([chosen.group, chosen.second, others]))
    group, second = np.searchsorted(kept, chosen.group), np.searchsorted(kept, chosen.second)
    return evidence.of_neurons(kept), replace(chosen, group=group, second=second)
