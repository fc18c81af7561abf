"""Statistics that move together under the same shuffled labels."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.analysis.dependence import dependence_sentence, find_dependence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.results.results import Dependence
from hypotest.testing.contrast import MeasuredContrast
from tests.pipeline.planted import make_evidence, make_protocol

LABELS = "label_shuffled (type)"


def protocol_of(*measures):
    plan = make_protocol({"measure": "selectivity", "contrast": {"null": "label_shuffled"}}, draws=99)
    predictions = tuple(
        Prediction(
            id=measure.replace("_", "-"),
            measure=measure,
            role="descriptive",
            contrast={"null": "size_matched"},
        )
        for measure in measures
    )
    return plan.model_copy(update={"predictions": predictions})


def contrast(**draws):
    return MeasuredContrast(1.0, "size_matched", 0.0, 0.5, draws=draws)


def test_pairs_are_correlated_over_draws_that_both_have():
    plan = protocol_of("selectivity", "effective_dimension", "modularity")
    rng = np.random.default_rng(0)
    one = rng.normal(size=200)
    other = -one + 0.5 * rng.normal(size=200)
    other[:10] = np.nan
    rows = find_dependence(
        {
            "selectivity": contrast(**{LABELS: one}),
            "effective-dimension": contrast(**{LABELS: other}),
            "modularity": contrast(size_matched=one),  # not relabelled
        },
        plan,
    )
    (row,) = rows
    assert (row.one, row.other, row.n_draws) == ("selectivity", "effective-dimension", 190)
    assert row.correlation == pytest.approx(np.corrcoef(one[10:], other[10:])[0, 1])


def test_what_does_not_vary_and_what_has_no_labels_has_no_row():
    plan = protocol_of("selectivity", "effective_dimension")
    still = {name: contrast(**{LABELS: np.ones(50)}) for name in ("selectivity", "effective-dimension")}
    assert find_dependence(still, plan) == ()
    nulls = plan.nulls.model_copy(update={"label_shuffled": None})
    assert find_dependence(still, plan.model_copy(update={"nulls": nulls})) == ()


def test_an_analysis_gives_it_for_its_group_measures():
    plan = protocol_of("selectivity", "effective_dimension", "participation_ratio")
    dependence = analyse(plan, make_evidence(0, effect=1.0)).dependence
    pairs = {(row.one, row.other): row.correlation for row in dependence}
    assert len(pairs) == 3
    assert pairs["effective-dimension", "participation-ratio"] > 0.5  # both count dimensions


def test_the_strongest_pair_is_named_first_and_weak_ones_are_not():
    rows = [Dependence("a", "b", 0.31, 99), Dependence("a", "c", -0.72, 99), Dependence("b", "c", 0.2, 99)]
    (text,) = dependence_sentence(rows)
    assert text.endswith("correlate: a and c -0.72, a and b +0.31.")
    assert list(dependence_sentence(rows[2:])) == []
