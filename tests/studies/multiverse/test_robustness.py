"""Flips, counted by hand."""

from __future__ import annotations

import pytest

from hypotest.records.results.prediction_result import PredictionResult
from hypotest.studies.multiverse.record import Specification, SpecificationResult
from hypotest.studies.multiverse.robustness import robustness


def under(outcome, declared=False, **choices):
    result = PredictionResult(
        id="one", role="deciding", measure="modularity", title="one", observed=1.0, reference="size_matched",
        reference_value=0.0, reference_sd=1.0, effect=1.0, ratio=None, standardized=1.0, interval=None,
        interval_95=None, margin=None, equivalence_ceiling=None, p_value=0.5, p_error=None, p_adjusted=None,
        p_equivalence=None, p_equivalence_adjusted=None, outcome=outcome, smallest_effect=None, expects={},
        stances={},
    )  # fmt: skip
    return SpecificationResult(Specification("one", choices, declared), result)


# Two choices, crossed; the outcome follows `method` where variance is 1, and nothing where it is 2.
CROSSED = [
    under("greater", True, variance=1, method="louvain"),
    under("inconclusive", variance=1, method="leiden"),
    under("greater", variance=2, method="louvain"),
    under("greater", variance=2, method="leiden"),
]


def test_flips_of_a_crossed_design():
    summary = robustness(CROSSED)
    assert (summary.n_specifications, summary.declared, summary.n_flips) == (4, "greater", 1)
    assert summary.outcomes == {"greater": 3, "inconclusive": 1}
    assert summary.share_flipped == pytest.approx(1 / 3)
    variance, method = summary.by_choice
    # From (1, louvain): variance alone leads to (2, louvain), the same; method alone to (1, leiden), another.
    assert (variance.n_alternatives, variance.n_flips) == (1, 0)
    assert (method.n_alternatives, method.n_flips) == (1, 1)
    # All pairs: variance at louvain (same) and at leiden (differ); method at 1 (differ) and at 2 (same).
    assert (variance.n_pairs, variance.n_pair_flips) == (2, 1)
    assert (method.n_pairs, method.n_pair_flips) == (2, 1)
    # A tie over pairs goes to the choice that flips the declared specification.
    assert summary.responsible is not None
    assert summary.responsible.choice == "method"


def test_three_values_make_three_pairs():
    summary = robustness(
        [under("less", True, bins=4), under("greater", bins=8), under("inconclusive", bins=16)]
    )
    (bins,) = summary.by_choice
    assert (bins.n_alternatives, bins.n_flips, bins.n_pairs, bins.n_pair_flips) == (2, 2, 3, 3)
    assert bins.share == 1.0
    assert summary.share_flipped == 1.0


def test_estimators_are_compared_whatever_the_bins():
    summary = robustness(
        [
            under("greater", True, estimator="gaussian_copula", bins=None),
            under("greater", estimator="binned", bins=4),
            under("less", estimator="binned", bins=8),
        ]
    )
    estimator, bins = summary.by_choice
    # The copula against either number of bins; the bins against each other.
    assert (estimator.n_alternatives, estimator.n_flips, estimator.n_pairs) == (2, 1, 2)
    assert (bins.n_alternatives, bins.n_pairs, bins.n_pair_flips) == (0, 1, 1)
    assert summary.responsible is not None
    assert summary.responsible.choice == "bins"


def test_nothing_is_responsible_where_nothing_flips():
    summary = robustness([under("less", True, variance=0.9), under("less", variance=0.99)])
    assert summary.n_flips == 0
    assert summary.responsible is None
    alone = robustness([under("less", True)])
    assert (alone.n_specifications, alone.share_flipped, alone.by_choice) == (1, 0.0, ())
    assert alone.responsible is None


def test_the_order_of_the_specifications_does_not_matter():
    assert robustness(CROSSED[::-1]) == robustness(CROSSED)
