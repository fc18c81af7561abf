"""Groups of neurons that resemble the group in declared covariates, read where nothing is tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.errors import EvidenceError
from hypotest.groups.matching import activation_covariates
from hypotest.nulls.registry import NULLS
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.design import LARGEST_IMBALANCE
from hypotest.records.protocol.units import SparseAutoencoder
from tests.nulls.tasks import compared, drawn, prepared, protocol_of, require_refused, task_of
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence

NAME = "covariate_matched"
NULL = NULLS[NAME]


def loud(seed: int = 0, factor: float = 1.3) -> Evidence:
    """The planted neurons, which lead the ranking, are somewhat more active than others."""
    evidence = make_evidence(seed, effect=2.0)
    spread = np.exp(0.4 * np.random.default_rng(3).normal(size=N_NEURONS))
    spread[:GROUP] *= factor
    values = evidence.selection.activations * spread
    return replace(evidence, selection=evidence.selection.with_channels(activations=values))


def test_as_many_neurons_of_each_stratum_as_the_group_has():
    task = task_of(NAME, loud(), draws=200)
    matched = prepared(task, NAME)
    expected = np.bincount(matched.strata[task.selection.group], minlength=matched.strata.max() + 1)
    for group in matched.groups:
        assert np.array_equal(np.bincount(matched.strata[group], minlength=expected.size), expected)
        assert len(set(group.tolist())) == GROUP
    assert expected.sum() == GROUP and (expected > 0).sum() >= 9  # a tenth of the group in each


def test_the_groups_own_neurons_and_all_others_of_its_strata_are_drawn():
    task = task_of(NAME, loud(), draws=2000)
    matched = prepared(task, NAME)
    group = task.selection.group
    held = np.isin(matched.strata, matched.strata[group])
    assert set(np.unique(matched.groups)) == set(np.flatnonzero(held))
    shared = np.isin(matched.groups, group).mean()
    # in each stratum of n neurons with m members, m / n of the members stay
    sizes = np.bincount(matched.strata)
    expected = (np.bincount(matched.strata[group], minlength=sizes.size) / sizes)[
        matched.strata[group]
    ].mean()
    assert shared == pytest.approx(expected, abs=0.02)


def test_what_they_are_matched_on_differs_less_afterwards():
    matched = drawn(NAME, loud(), draws=500, on=["activation_sd"])
    (row,) = matched.balance
    assert (row.null, row.covariate) == (NAME, "activation_sd")
    assert abs(row.before) > 0.3 and abs(row.after) < abs(row.before) / 2
    known = activation_covariates(loud().selection.activations, None)["activation_sd"]
    group = task_of(NAME, loud(), draws=9).selection.group
    before = (known[group].mean() - known.mean()) / known.std(ddof=1)
    assert row.before == pytest.approx(before, rel=0.05)


def test_each_covariate_that_is_asked_for_is_balanced():
    on = ["activation_mean", "activation_sd", "activation_rate", "output_norm"]
    matched = drawn(NAME, make_evidence(0), draws=50, on=on)
    assert [row.covariate for row in matched.balance] == on
    default = drawn(NAME, make_evidence(0), draws=50)
    assert [row.covariate for row in default.balance] == ["activation_mean", "activation_sd", "output_norm"]


def test_only_the_selection_split_is_read():
    one = loud()
    other = replace(one, evaluation=make_evidence(9, shared=3.0).evaluation)
    assert np.array_equal(drawn(NAME, one, draws=99).groups, drawn(NAME, other, draws=99).groups)


def test_a_seed_gives_its_groups():
    one, again = (drawn(NAME, loud(), draws=99).groups for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, drawn(NAME, loud(), draws=99, seed=2).groups)


def test_nothing_is_concluded_where_no_neuron_resembles_the_group():
    evidence, asked = make_evidence(0), {"draws": 99, "on": ["activation_sd"], "select": {"top": 5}}
    values = evidence.selection.activations.copy()
    values[:, task_of(NAME, evidence, **asked).selection.group] *= 50
    apart = replace(evidence, selection=evidence.selection.with_channels(activations=values))
    task = task_of(NAME, apart, **asked)
    rung = compared(task, NAME)
    matched = prepared(task, NAME)
    assert abs(matched.balance[0].after) > LARGEST_IMBALANCE
    assert "SD away in activation_sd" in rung.comparison.blocked
    assert "no conclusion from covariate_matched groups" in rung.comparison.blocked
    fine = compared(task_of(NAME, make_evidence(0), draws=99), NAME)
    assert fine.comparison.blocked is None
    assert NULL.imbalance_blocks


def test_a_few_different_groups_cannot_be_significant():
    matched = drawn(NAME, make_evidence(0), draws=99)
    few = replace(matched, n_distinct=39)
    assert matched.blocked(0.05) is None and few.blocked(0.1) is None
    assert few.blocked(0.05) == f"there are only 39 different {NAME} groups: no conclusion can be significant"


def test_weights_that_are_not_known_are_left_out_and_never_all_that_is_asked_for():
    evidence = replace(make_evidence(0), weights=None)
    assert [row.covariate for row in drawn(NAME, evidence, draws=9).balance] == [
        "activation_mean",
        "activation_sd",
    ]
    with pytest.raises(EvidenceError, match="no channel weights"):
        drawn(NAME, evidence, draws=9, on=["output_norm"])


def test_units_without_weights_cannot_be_matched_on_these_alone():
    plan = protocol_of(NAME, draws=9, on=["output_norm"])
    assert NULL.unfit(plan.nulls.covariate_matched, plan) == ""
    heads = plan.model_copy(update={"subject": plan.subject.model_copy(update={"units": "heads"})})
    said = NULL.unfit(plan.nulls.covariate_matched, heads)
    assert (
        said == "on: output_norm alone cannot be matched, since heads have no output weights: add another one"
    )
    more = protocol_of(NAME, draws=9, on=["output_norm", "activation_sd"]).nulls.covariate_matched
    assert NULL.unfit(more, heads) == ""
    latents = plan.subject.model_copy(update={"units": SparseAutoencoder(sae="folder")})
    assert NULL.unfit(plan.nulls.covariate_matched, plan.model_copy(update={"subject": latents})) == ""


def test_the_record_says_how_alike_they_are():
    task = task_of(NAME, loud(), draws=99)
    described = NULL.describe(prepared(task, NAME), task.selection.result)
    assert [row.null for row in described.balance] == [NAME] * 3
    (said,) = NULL.balanced(described)
    worst = max(abs(row.after) for row in described.balance)
    assert said.startswith("After matching, ") and ("none of" in said) is (worst <= LARGEST_IMBALANCE)
    apart = replace(described, balance=tuple(replace(row, after=1.0) for row in described.balance))
    (said,) = NULL.balanced(apart)
    assert "is left in activation_mean, activation_sd and output_norm: no conclusion" in said
    assert list(NULL.balanced(task.selection.result)) == []


def test_options_are_refused_with_their_place():
    require_refused(NAME, "draws", 0, 10**6 + 1)
    require_refused(NAME, "on", [], ["base_influence"], ["loudness"])


def test_words_name_what_is_matched():
    plan = protocol_of(NAME, draws=77, on=["activation_rate", "output_norm"])
    options = plan.nulls.covariate_matched
    assert "77 groups" in NULL.words.explained(options, plan)
    assert "how often they are active and output weight" in NULL.words.explained(options, plan)
    assert "log norm of the output weights" in NULL.words.method(options, plan)
    assert f"more than {LARGEST_IMBALANCE:g} SD" in NULL.words.registered(options, plan)
