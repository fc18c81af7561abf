from dataclasses import replace
from math import log

import numpy as np
import polars as pl
import pytest

from hypotest.measures.competence import chance_of
from hypotest.records.evidence.evidence import AblationMethod, Evidence, Weights
from hypotest.records.evidence.split import SplitEvidence
from hypotest.testing.undefined import Undefined


def evidence(outcome):
    """Evidence of three rows with two targets."""
    split = SplitEvidence(pl.DataFrame({"target": [7, 7, 9]}), {})
    nothing = np.zeros((1, 1), dtype=np.float32)
    return Evidence(
        selection=split,
        evaluation=split,
        weights=Weights(nothing, nothing),
        heads=(),
        mean_activation=nothing[0],
        ablation=replace(AblationMethod("mean", 1e-4, 0, "identity", "by hand"), outcome=outcome),
        decomposition=None,
    )


def test_a_guess_chooses_among_the_targets_or_between_target_and_foil():
    assert chance_of(evidence("loss"), 0.0) == log(2)
    assert chance_of(evidence("logit_difference"), 0.0) == 0.0
    assert chance_of(evidence("loss"), 1.5) == chance_of(evidence("sequence"), 1.5) == 1.5


def test_of_whole_sequences_no_guess_is_known():
    with pytest.raises(Undefined, match="several tokens"):
        chance_of(evidence("sequence"), 0.0)
