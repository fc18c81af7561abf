"""Analyses of conditions that are no property of token types: what is shuffled, left out, and said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hypotest.engine.session import Session
from hypotest.nulls.registry import declared, with_nulls
from hypotest.pipeline.analysis.analysis import Analysis, analyse
from hypotest.pipeline.analysis.placebos import run_placebos
from hypotest.predicates.combine import exchange_of
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.conditions import condition_model
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from hypotest.registration.explained.explain import explain_protocol
from hypotest.studies.calibration.documents import simulate
from hypotest.studies.calibration.protocols import simulated
from hypotest.studies.calibration.settings import Layer
from hypotest.testing.labels import labels_of_types

KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "within_type": ({"target": {"seen": True}}, "over positions within token types"),
    "document": ({"document": {"path": "a*"}}, "over documents"),
    "span": ({"index": {"from": 8}}, "over stretches of text within documents"),
    "token": ({"token": {"matches": "a"}}, "over types of the current token"),
}


def plan_of(data: dict[str, Any]) -> Protocol:
    """The shipped protocol for a condition and what it leaves, with few draws."""
    shipped = load_protocol(Path(__file__).parents[3] / "protocols" / "rare-tokens.yaml")
    plan = simulated(shipped, "x").protocol
    conditions = {
        name: condition_model().model_validate_json(json.dumps(item), strict=True)
        for name, item in (("rare", data), ("common", {"not": data}))
    }
    nulls = plan.nulls.model_copy(
        update={"label_shuffled": plan.nulls.label_shuffled.model_copy(update={"unit": None})}
    )
    plan = plan.model_copy(
        update={
            "conditions": conditions,
            "nulls": nulls,
            "placebos": 2,
            "intervals": plan.intervals.model_copy(update={"reselection": True}),
            "predictions": tuple(
                item
                for item in plan.predictions
                if item.measure in ("selectivity", "attention_gini", "routing_similarity")
            ),
        }
    )
    return with_nulls(plan, {item.name: item.null.fewer(item.options, 99) for item in declared(plan)})


def labelled(split: SplitEvidence, kind: str, rng: np.random.Generator) -> SplitEvidence:
    """The same rows with labels that mean nothing."""
    rows = split.documents.size
    place = np.arange(rows) - np.searchsorted(split.documents, split.documents)
    tokens = rng.integers(200, size=rows)
    first = {
        "within_type": rng.random(rows) < 0.5,
        "document": split.documents % 2 == 0,
        "span": place % 4 < 2,
        "token": tokens % 2 == 0,
    }[kind]
    names = pl.Series(np.where(first, *split.conditions)).cast(split.positions.schema["condition"])
    positions = split.positions.with_columns(names.alias("condition"))
    if kind == "span":
        positions = positions.with_columns(pl.Series("span", place // 2))
    if kind == "token":
        positions = positions.with_columns(pl.Series("token", tokens))
    return replace(split, positions=positions)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return simulate(Layer(n_documents=80, type_activation=0.15, type_influence=0.15, type_attention=0.15), 3)


@pytest.fixture(scope="module", params=KINDS)
def analysed(request: pytest.FixtureRequest, evidence: Evidence) -> tuple[str, Analysis]:
    rng = np.random.default_rng(0)
    parts = {
        name: labelled(getattr(evidence, name), request.param, rng) for name in ("selection", "evaluation")
    }
    plan = plan_of(KINDS[request.param][0])
    assert exchange_of(plan) == request.param
    return request.param, analyse(plan, replace(evidence, **parts))


def test_the_premise_is_decided_by_the_labels_own_unit(analysed: tuple[str, Analysis]) -> None:
    unit, analysis = analysed
    premise = next(item for item in analysis.predictions if item.measure == "selectivity")
    assert (premise.reference, premise.variant) == ("label_shuffled", unit)
    own = premise.ladder[0]
    assert not own.descriptive and own.log10_relabellings > 2
    assert premise.interval is not None and "effective_types" in premise.secondary
    assert "effective_rare_types" not in premise.secondary
    assert premise.reselection is not None and premise.reselection.standard_error is not None
    assert (
        0 < premise.reselection.over_types <= premise.reselection.over_types + premise.reselection.over_cells
    )


def test_conditions_are_compared_over_documents_and_shared_types(analysed: tuple[str, Analysis]) -> None:
    unit, analysis = analysed
    attention = next(item for item in analysis.predictions if item.measure == "attention_gini")
    assert attention.interval is not None
    assert attention.ladder[0].null == f"labels permuted {KINDS[unit][1]}"
    assert (attention.secondary["cliffs_delta"].value is None) is (unit == "document")
    assert attention.outcome != "undefined"
    routing = next(item for item in analysis.predictions if item.measure == "routing_similarity")
    assert routing.interval is not None


def test_placebos_divide_the_units_of_the_labels(analysed: tuple[str, Analysis]) -> None:
    _, analysis = analysed
    placebos = run_placebos(analysis.task.protocol, analysis.task.evidence, Session.start(0))
    assert placebos is not None and placebos.n_splits == 2


def test_texts_say_over_what_labels_are_dealt_out() -> None:
    for data, over in KINDS.values():
        assert over in str(explain_protocol(plan_of(data)))


def test_labels_that_follow_types_are_a_limitation(evidence: Evidence) -> None:
    split = evidence.evaluation  # labels of types
    (said,) = labels_of_types(split, "document")
    assert "labels are shuffled over documents" in said and "100% of pairs" in said
    assert not list(labels_of_types(labelled(split, "within_type", np.random.default_rng(1)), "document"))
