import numpy as np
import polars as pl
import torch

from hypotest.collect.scoring import LOSS, Scoring, scores


def test_queries_go_through_the_tokens_of_each_target():
    positions = pl.DataFrame({"length": [2, 1, 3], "foil": [7, 8, 9]})
    scoring = Scoring.of(positions, "sequence")
    assert scoring.foil is None
    assert scoring.places(3).tolist() == [0, 0, 1, 2, 2, 2]
    assert scoring.queries(np.array([4, 9, 2])).tolist() == [4, 5, 9, 2, 3, 4]
    assert scoring.part(np.array([False, True, True])).queries(np.array([9, 2])).tolist() == [9, 2, 3, 4]
    summed = scoring.summed(np.array([[1.0], [2.0], [4.0], [8.0], [16.0], [32.0]]), 3)
    assert summed.tolist() == [[3.0], [4.0], [56.0]]


def test_bounds_are_summed_upwards():
    scoring = Scoring(length=np.array([3]))
    bounds = np.array([[1.0], [2.0**-11], [2.0**-11]], dtype=np.float16)
    summed = scoring.summed(bounds, 1)
    assert summed.dtype == np.float16
    assert float(summed[0, 0]) >= 1 + 2.0**-10  # to the nearest, half precision would leave 1


def test_one_token_is_read_where_the_outcome_is_of_one():
    positions = pl.DataFrame({"length": [2, 1, 3], "foil": [7, 8, 9]})
    for scoring in (LOSS, Scoring.of(positions, "loss"), Scoring.of(positions, "logit_difference")):
        assert scoring.queries(np.array([4, 9, 2])).tolist() == [4, 9, 2]
    assert Scoring.of(positions, "logit_difference").foils(3).tolist() == [7, 8, 9]


def test_scores_by_hand():
    logits = torch.tensor([[[0.0, 1.0, 3.0]]], dtype=torch.float64)
    # log(1 + e + e^3) - 1 = 3.169846 - 1
    assert abs(float(scores(logits, torch.tensor([1]))) - 2.1698460195) < 1e-9
    assert float(scores(logits, torch.tensor([1]), torch.tensor([2]))) == 2.0  # the foil's 3 less 1
