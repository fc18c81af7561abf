"""Some documents of the selection split, for a first look."""

import numpy as np
import polars as pl

from hypotest.collect.sample import Sample
from hypotest.studies.selection_split import some_documents
from tests.pipeline.planted import make_evidence


def test_documents_come_with_all_of_their_positions():
    positions = make_evidence(0).selection.positions
    whole = Sample(np.zeros((40, 16), dtype=np.int32), positions, np.arange(0, 40, 3))
    n_rare = int((positions["condition"] == "rare").sum())
    some = some_documents(whole, n_rare // 4, np.random.default_rng(0))
    chosen = set(some.positions["document"].to_list())
    assert some.positions.equals(positions.filter(positions["document"].is_in(list(chosen))))
    for condition in ("rare", "common"):
        chosen_rows = int((some.positions["condition"] == condition).sum())
        largest = (
            positions.filter(positions["condition"] == condition).group_by("document").len()["len"].max()
        )
        assert n_rare // 4 <= chosen_rows < n_rare // 4 + 2 * largest
    assert set(some.head_blocks.tolist()) == set(whole.head_blocks.tolist()) & set(
        some.positions["block"].to_list()
    )
    assert some_documents(whole, 10 * n_rare, np.random.default_rng(0)).positions.equals(positions)


def test_conditions_that_are_documents_both_come():
    positions = make_evidence(0).selection.positions
    first = positions["document"].to_numpy() % 2 == 0
    positions = positions.with_columns(
        pl.Series("condition", np.where(first, "rare", "common"), dtype=positions["condition"].dtype)
    )
    whole = Sample(np.zeros((40, 16), dtype=np.int32), positions, np.arange(0, 40, 3))
    counts = positions["condition"].value_counts()
    number = int(counts["count"].min()) // 4
    some = some_documents(whole, number, np.random.default_rng(0)).positions["condition"].value_counts()
    assert some.height == 2 and (some["count"] >= number).all() and some["count"].sum() < positions.height
