import numpy as np

from hypotest.collect.sample import Sample
from hypotest.studies.power.collection_costs import _few_blocks
from tests.pipeline.planted import make_evidence


def test_few_blocks_hold_heads_and_positions():
    positions = make_evidence(0).selection.positions  # 40 blocks
    sample = Sample(np.zeros((40, 16), dtype=np.int32), positions, np.arange(0, 40, 3))
    few = _few_blocks(sample, 16)
    assert few.positions["block"].n_unique() == 16
    assert few.head_blocks.tolist() == [0, 3]
    assert set(few.head_blocks.tolist()) <= set(few.positions["block"].to_list())
    assert _few_blocks(sample, 64).positions.height == positions.height
