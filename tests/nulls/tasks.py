"""One null alone, on planted evidence: what it draws, and a number among the draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.nulls.registry import declared_null
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.nulls import nulls_model
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.rung import Rung
from hypotest.testing.selection import select as selected
from hypotest.testing.task import Task, Tested
from tests.pipeline.planted import make_evidence, make_protocol

MEAN_NUMBER = BoundMeasure(values=lambda groups: np.asarray(groups, dtype=float).mean(axis=1))
"""The mean of the neurons' numbers: its distribution over groups is known."""


def protocol_of(null: str, select: object = None, seed: int = 1, **options: object) -> Protocol:
    """One prediction against one null."""
    made = make_protocol({"measure": "selectivity", "contrast": {"null": null}}, select=select)
    nulls = {"nulls": {null: options}, "seed": seed}
    return Protocol.model_validate(made.model_dump(exclude_none=True) | nulls)


def task_of(null: str, evidence: Evidence | None = None, seed: int = 1, **options: object) -> Task:
    """Evidence with a selected group; nothing is drawn yet."""
    evidence = make_evidence(0) if evidence is None else evidence
    plan = protocol_of(null, options.pop("select", None), seed, **options)
    return Task(plan, evidence, selected(plan, evidence, Streams(1)), Session(Streams(seed)))


def drawn(null: str, *args: Any, **options: Any) -> Any:
    """What is shared by all measures."""
    return prepared(task_of(null, *args, **options), null)


def prepared(task: Task, null: str) -> Any:
    item = declared_null(task.protocol, null)
    assert item is not None
    return item.null.prepare(item.options, task)


def measured(task: Task, measure: BoundMeasure, by_labels: bool = False) -> Tested:
    """A measure of the group, before it is compared."""
    observed = float(measure.values(task.selection.group[None, :])[0])
    return Tested(task.protocol.predictions[0], measure, observed, task, by_labels)


def compared(
    task: Task, null: str, measure: BoundMeasure = MEAN_NUMBER, variant: str = "", by_labels: bool = False
) -> Rung:
    """A measure of the group among the draws."""
    item = declared_null(task.protocol, null)
    assert item is not None
    return item.null.compare(measured(task, measure, by_labels), item.options, prepared(task, null), variant)


def require_refused(null: str, key: str, *values: object) -> None:
    """Each value is refused, and the place says whose it is."""
    for value in values:
        with pytest.raises(ValidationError) as caught:
            nulls_model().model_validate({null: {key: value}})
        assert {error["loc"][:2] for error in caught.value.errors()} == {(null, key)}, value
