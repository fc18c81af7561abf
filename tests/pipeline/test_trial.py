from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hypotest.collect.sample import Sample
from hypotest.pipeline.trial import DRAWS, limited, small_plan
from hypotest.records.results.trial import FEWEST_POSITIONS
from hypotest.registration import load_protocol

SHIPPED = Path(__file__).parents[2] / "protocols" / "rare-tokens.yaml"


@pytest.fixture
def sample():
    """20 documents of 3 blocks, in each of which 4 rare positions have 4 common partners."""
    rows = [
        (block // 3, block, index, 7, "rare" if place % 2 else "common", "selection")
        for block in range(60)
        for place, index in enumerate(range(2, 26, 3))
    ]
    columns = ["document", "block", "index", "target", "condition", "split"]
    types = [pl.Int32] * 4 + [pl.Enum(["rare", "common"]), pl.String]
    positions = pl.DataFrame(rows, schema=dict(zip(columns, types, strict=True)), orient="row")
    return Sample(np.zeros((60, 32), dtype=np.int32), positions, np.arange(60))


@pytest.mark.parametrize("limit", [FEWEST_POSITIONS, 20, 33, 240, 1000])
def test_positions_are_some_of_the_splits_spread_over_its_documents(sample, limit):
    few = limited(sample, limit, np.random.default_rng(1))
    taken = min(limit, 240)
    assert few.mask("rare").sum() == few.mask("common").sum() == taken
    assert few.positions.join(sample.positions, on=sample.positions.columns).height == 2 * taken
    assert few.positions.equals(few.positions.sort("block", "index"))
    per_document = few.positions.filter(pl.col("condition") == "rare")["document"].value_counts()["count"]
    assert per_document.len() == min(limit, 20)
    assert per_document.max() - per_document.min() <= 1
    counts = few.positions.pivot("condition", index="block", values="index", aggregate_function="len")
    assert (counts["rare"] == counts["common"]).all()  # partners come from the same blocks
    assert few.head_blocks.size <= 32
    assert set(few.head_blocks.tolist()) <= set(few.blocks.tolist())


def test_each_null_is_cut_to_few_draws_and_the_others_left_out():
    plan = load_protocol(SHIPPED)
    for item in plan.predictions:
        small = small_plan(plan, item)
        kept = {name: null for name, null in small.nulls if null is not None}
        assert set(kept) <= {item.contrast.null}
        assert all(null.draws <= DRAWS for null in kept.values())
        assert (small.splits, small.predictions[0].margin) == (1, None)
