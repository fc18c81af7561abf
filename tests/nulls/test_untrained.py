"""Networks that learned nothing: their values come with the task, and few of them describe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.nulls.registry import NULLS
from hypotest.nulls.untrained import FEWEST_FOR_Z
from hypotest.records.protocol.units import SparseAutoencoder
from hypotest.testing.rung import Rung
from tests.nulls.tasks import MEAN_NUMBER, measured, protocol_of, require_refused, task_of

NAME = "untrained"
NULL = NULLS[NAME]


def among(*values: float, observed: float = 1.0):
    task = replace(task_of(NAME), networks=[{"one": value} for value in values])
    return replace(measured(task, MEAN_NUMBER), observed=observed)


def rung(*values: float, **how) -> Rung:
    one = among(*values, **how)
    return NULL.compare(one, one.task.protocol.nulls.untrained, None, "")


def test_the_group_stands_among_the_networks_values():
    compared = rung(0.2, 0.8, 0.5)
    assert compared.draws.tolist() == [0.2, 0.8, 0.5]
    assert compared.comparison.mean == pytest.approx(0.5)
    assert compared.comparison.p_value == pytest.approx(2 / 4)  # above all of three
    assert compared.groups is None  # they are no groups of this network


def test_a_network_without_a_value_counts_as_extreme():
    compared = rung(0.2, float("nan"), 0.5)
    assert compared.comparison.n_undefined == 1
    assert compared.comparison.p_value == pytest.approx(2 * 2 / 4)


def test_a_network_that_was_not_asked_has_no_value():
    one = among(0.2, 0.4)
    networks = [{"one": 0.2}, {"another": 0.4}, {"one": 0.3}]
    some = replace(one, task=replace(one.task, networks=networks))
    compared = NULL.compare(some, one.task.protocol.nulls.untrained, None, "")
    assert np.isnan(compared.draws).tolist() == [False, True, False]


@pytest.mark.parametrize("number", [3, 38, 39, 60])
def test_few_networks_describe_and_many_decide(number):
    """Two-sided, 2 / (B + 1) <= 0.05 takes 39."""
    compared = rung(*np.linspace(0, 1, number))
    assert compared.comparison.descriptive is (number < 39)


def test_the_distance_in_sds_needs_some_networks():
    few, many = (
        rung(*np.linspace(0, 1, number), observed=2.0) for number in (FEWEST_FOR_Z - 1, FEWEST_FOR_Z)
    )
    assert few.comparison.z is None
    values = np.linspace(0, 1, FEWEST_FOR_Z)
    assert many.comparison.z == pytest.approx((2.0 - values.mean()) / values.std(ddof=1))


def test_it_applies_where_there_are_networks():
    assert NULL.applies(among(0.5)) and not NULL.applies(among())


def test_its_draws_are_networks():
    options = protocol_of(NAME, networks=7).nulls.untrained
    assert NULL.n_draws(options) == 7 and NULL.evaluations(options) == 0
    assert NULL.fewer(options, 2).networks == 2
    assert NULL.prepare(options, task_of(NAME)) is None


def test_an_autoencoder_of_the_trained_network_says_nothing_of_others():
    plan = protocol_of(NAME)
    assert NULL.unfit(plan.nulls.untrained, plan) == ""
    subject = plan.subject.model_copy(update={"units": SparseAutoencoder(sae="folder")})
    said = NULL.unfit(plan.nulls.untrained, plan.model_copy(update={"subject": subject}))
    assert said.startswith("an autoencoder of the trained network says nothing of untrained ones")


def test_options_are_refused_with_their_place():
    require_refused(NAME, "networks", 0, 10**4 + 1)
    require_refused(NAME, "weights", "random", None)
    require_refused(NAME, "draws", 9)


@pytest.mark.parametrize(
    ("weights", "words"), [("fresh", "freshly initialised"), ("permuted", "permuted entries of matrices")]
)
def test_words_say_what_they_are_and_whether_they_decide(weights, words):
    for number, few in ((3, True), (39, False)):
        plan = protocol_of(NAME, networks=number, weights=weights)
        said = NULL.words.registered(plan.nulls.untrained, plan)
        assert said.startswith(f"{number} networks") and words in said
        assert ("so few describe and do not decide" in said) is few
    alone = protocol_of(NAME, networks=1, weights=weights)
    assert NULL.words.registered(alone.nulls.untrained, alone).startswith("1 network, ")
