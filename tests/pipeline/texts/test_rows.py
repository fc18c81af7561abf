"""Rows of a text: columns for what keeps labels together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hypotest.pipeline.texts.rows import TextRows
from hypotest.predicates.combine import exchange_of
from hypotest.records.protocol.conditions import condition_model
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from tests.predicates.made import rows, setting

TOKENS = [[0, 1, 2, 1, 6, 2], [4, 5, 6, 5, 3, 4], [0, 1, 1, 7, 0, 5]]
PLAN = load_protocol(Path(__file__).parents[3] / "protocols" / "rare-tokens.yaml")


def with_conditions(first: dict[str, Any], second: dict[str, Any]) -> Protocol:
    one, other = (
        condition_model().model_validate_json(json.dumps(item), strict=True) for item in (first, second)
    )
    return PLAN.model_copy(update={"conditions": {"one": one, "other": other}})


def columns(protocol: Protocol) -> pl.DataFrame:
    """Of four positions, two in the second block."""
    text = TextRows(rows(TOKENS, [0, 0, 1]), setting())
    positions = pl.DataFrame({"block": [0, 1, 1, 2], "index": [1, 2, 4, 3]}).cast(pl.Int32)
    return text.with_units(positions, protocol, text.bound(protocol))


def test_places_divide_blocks_into_stretches():
    plan = with_conditions({"index": {"from": 3}}, {"index": {"below": 3}})
    assert exchange_of(plan) == "span"
    positions = columns(plan)
    assert positions["span"].to_list() == [0, 2, 3, 5]  # before and from place 3 of each block
    assert positions["span"].dtype == pl.Int32


def test_labels_of_current_tokens_need_these():
    plan = with_conditions({"token": {"matches": "a"}}, {"token": {"matches": "b"}})
    assert columns(plan)["token"].to_list() == [TOKENS[0][1], TOKENS[1][2], TOKENS[1][4], TOKENS[2][3]]


def test_other_labels_need_no_column():
    assert exchange_of(PLAN) == "type"
    plan = with_conditions({"target": {"seen": True}}, {"target": {"seen": False}})
    assert columns(plan).columns == ["block", "index"]
    assert np.array_equal(columns(plan)["index"], [1, 2, 4, 3])
