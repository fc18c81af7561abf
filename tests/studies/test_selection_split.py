"""Some documents of the selection split, for a first look."""

import numpy as np

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
    n_chosen = int((some.positions["condition"] == "rare").sum())
    largest = positions.filter(positions["condition"] == "rare").group_by("document").len()["len"].max()
    assert n_rare // 4 <= n_chosen < n_rare // 4 + largest
    assert set(some.head_blocks.tolist()) == set(whole.head_blocks.tolist()) & set(
        some.positions["block"].to_list()
    )
    assert some_documents(whole, 10 * n_rare, np.random.default_rng(0)).positions.equals(positions)
