"""Which neurons are tested: by every rule, ranked by everything, and what happens where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.engine.streams import Streams
from hypotest.errors import EvidenceError
from hypotest.groups.nulls import Influences
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.group import Group
from hypotest.testing.selection import document_halves, fit_curves, select, select_group, select_observed
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence, make_protocol

PREMISE = {"measure": "selectivity", "contrast": {"null": "label_shuffled"}}
PLATEAU = {"select": "plateau", "otherwise": {"top": 15}}
LEVEL = 8
"""Neurons on the plateau that is planted."""
PLACES = (np.arange(N_NEURONS) * 83 + 29) % N_NEURONS  # of ranks, so that no rank is a column's number
BY = ("delta_loss", "selectivity", "activation_t")


def with_curve(log_influence: np.ndarray, first: bool = True) -> SplitEvidence:
    """A split whose neurons have this log influence, by rank, on targets of one condition; flat elsewhere."""
    split = make_evidence(2).selection
    delta = np.full(split.delta_loss.shape, 0.01)
    rows = np.flatnonzero(split.first if first else split.second)
    delta[np.ix_(rows, PLACES)] = np.exp(log_influence)
    delta *= np.random.default_rng(0).uniform(0.9, 1.1, size=delta.shape)
    return split.with_channels(influence=delta * np.where(np.arange(len(delta)) % 2, 1, -1)[:, None])


def cliff(size: int = LEVEL) -> np.ndarray:
    """Log influence by rank: flat up to a rank, and a steep power law behind."""
    return -1.5 * np.log(np.maximum(np.arange(1, N_NEURONS + 1) / size, 1.0))


def rule(by: str = "delta_loss", **section: object) -> Group:
    return Group.model_validate({**section, "by": by})


def observed(split: SplitEvidence, **section: object):
    return select_observed(split, rule(**section), Streams(1))


def test_a_plateau_is_taken_whole_and_the_fallback_is_not():
    flat = observed(with_curve(cliff()), **PLATEAU)
    assert flat.rule == "plateau" and len(flat.group) == LEVEL
    assert sorted(flat.group.tolist()) == sorted(PLACES[:LEVEL].tolist())
    assert f"flat up to rank {LEVEL}" in flat.reason


def test_a_power_law_alone_has_no_plateau_and_the_fallback_says_so():
    law = observed(with_curve(-np.log(np.arange(1.0, N_NEURONS + 1))), **PLATEAU)
    assert law.rule == "top" and len(law.group) == 15
    assert "no plateau" in law.reason and "the top 15 neurons" in law.reason
    assert law.group.tolist() == PLACES[:15].tolist()


def test_a_declared_size_is_taken_where_there_is_a_plateau_of_another():
    declared = observed(with_curve(cliff()), select={"top": 3})
    assert declared.rule == "top" and len(declared.group) == 3
    assert set(declared.group.tolist()) <= set(PLACES[:LEVEL].tolist())


def test_each_arm_has_a_plateau_of_its_own():
    """The second condition's curve is flat here, so that its arm falls back."""
    both = observed(with_curve(cliff()), **PLATEAU)
    assert (len(both.group), len(both.second)) == (LEVEL, 15)
    swapped = observed(with_curve(cliff(), first=False), **PLATEAU)
    assert (len(swapped.group), len(swapped.second)) == (15, LEVEL)
    assert sorted(swapped.second.tolist()) == sorted(PLACES[:LEVEL].tolist())
    assert swapped.rule == "top"  # it is the first condition's that is reported


@pytest.mark.parametrize("share", [0.005, 0.1, 0.37, 1.0])
def test_a_share_is_of_the_layer(share):
    chosen = observed(make_evidence(3).selection, select={"top_fraction": share})
    assert len(chosen.group) == round(share * N_NEURONS)
    assert chosen.rule == ("all" if share == 1 else "top_fraction")
    assert len(set(chosen.group.tolist())) == len(chosen.group)


@pytest.mark.parametrize("by", BY)
def test_a_larger_group_begins_with_the_smaller_one(by):
    split = make_evidence(4, effect=0.5).selection
    small, large = (observed(split, select={"top": k}, by=by) for k in (5, 30))
    assert large.group[:5].tolist() == small.group.tolist()
    assert large.second[:5].tolist() == small.second.tolist()


def test_influence_takes_what_is_loud_and_selectivity_what_prefers_the_first_condition():
    loud, selective = make_evidence(6, loud=4.0).selection, make_evidence(6, effect=4.0).selection
    planted = set(range(GROUP))
    section = {"select": {"top": GROUP}}
    assert set(observed(loud, **section).group.tolist()) == planted
    assert set(observed(loud, **section).second.tolist()) == planted  # loud on both conditions
    chance = set(observed(loud, **section, by="selectivity").group.tolist())
    assert len(chance & planted) < GROUP / 2
    assert set(observed(selective, **section, by="selectivity").group.tolist()) == planted
    assert not set(observed(selective, **section, by="selectivity").second.tolist()) & planted


@pytest.mark.parametrize("sign", [1, -1])
def test_a_localizer_takes_what_is_more_active_on_the_first_condition(sign):
    split = make_evidence(7).selection
    values = split.activations.copy()
    values[:, 50:60] += sign * 1.5 * split.first[:, None]
    chosen = observed(split.with_channels(activations=values), select={"top": 10}, by="activation_t")
    leading = chosen.group if sign == 1 else chosen.second
    assert sorted(leading.tolist()) == list(range(50, 60))
    assert not set(range(50, 60)) & set((chosen.second if sign == 1 else chosen.group).tolist())


@pytest.mark.parametrize("section", [{"select": "all"}, {"select": {"ids": [5, 90, 41]}}])
@pytest.mark.parametrize("by", BY)
def test_a_given_group_is_its_own_counterpart(section, by):
    split = make_evidence(8, effect=1.0).selection
    chosen = observed(split, **section, by=by)
    expected = range(N_NEURONS) if section["select"] == "all" else (5, 41, 90)
    assert sorted(chosen.group.tolist()) == list(expected)
    assert chosen.second.tolist() == chosen.group.tolist()
    assert chosen.group.tolist() == sorted(expected, key=lambda neuron: -chosen.ranking[neuron])
    assert chosen.rule == ("all" if section["select"] == "all" else "ids")


def test_a_given_group_needs_no_ablation():
    whole = make_evidence(8).selection
    quiet = replace(whole, channels={Channel.ACTIVATIONS: whole.activations})
    chosen = observed(quiet, select={"ids": [5, 90, 41]})
    assert sorted(chosen.group.tolist()) == [5, 41, 90]
    assert np.isnan(chosen.ranking).all()
    by_activation = observed(quiet, select={"top": 4}, by="activation_t")
    assert by_activation.rule == "top" and len(by_activation.group) == 4
    with pytest.raises(EvidenceError, match="no channel influence; found activations"):
        observed(quiet, select={"top": 4})


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("section", [{"select": {"top": 11}}, {"select": {"ids": [9, 3]}}, {"select": "all"}])
def test_the_group_alone_is_the_same_group(by, section):
    split = make_evidence(9, effect=1.0).selection
    alone = select_group(split, rule(by, **section), Streams(1))
    assert alone.tolist() == np.sort(observed(split, **section, by=by).group).tolist()


def test_the_group_alone_has_the_plateau_too():
    split = with_curve(cliff())
    assert select_group(split, rule(**PLATEAU), Streams(1)).tolist() == sorted(PLACES[:LEVEL].tolist())


def test_more_neurons_than_there_are_cannot_be_selected():
    split = make_evidence(1).selection
    for by in BY:
        with pytest.raises(EvidenceError, match=r"group: the top 201 neurons are asked for, and 200 of the"):
            observed(split, select={"top": N_NEURONS + 1}, by=by)


def test_one_document_cannot_be_halved():
    split = make_evidence(1).selection
    one = split.of_documents(np.array([0]))
    with pytest.raises(EvidenceError, match=r"split's 1 documents are too few.*sample.positions"):
        observed(one, select={"top": 5})
    with pytest.raises(EvidenceError, match="1 documents are too few"):
        select_group(one, rule(select={"top": 5}), Streams(1))
    given = observed(one, select={"ids": [1, 2]})  # nothing is selected, so that nothing is halved
    assert sorted(given.group.tolist()) == [1, 2]


def test_a_condition_in_one_document_alone_cannot_be_halved():
    split = make_evidence(1).selection
    rows = split.first | (np.asarray(split.documents) == 0)
    with pytest.raises(EvidenceError, match="40 documents are too few"):
        observed(split.of_rows(rows), select={"top": 5})


def test_half_of_the_documents_are_in_each_half_and_none_in_both():
    split = make_evidence(1).selection
    half = document_halves(split, np.random.default_rng(0))
    owner = np.asarray(split.documents)
    of_each = [set(half[owner == number].tolist()) for number in range(40)]
    assert all(len(one) == 1 for one in of_each)
    assert sum(one == {True} for one in of_each) == 20
    odd = split.of_documents(np.arange(7))
    assert len(set(odd.documents[document_halves(odd, np.random.default_rng(0))].tolist())) == 3
    assert not np.array_equal(half, document_halves(split, np.random.default_rng(1)))


def test_curves_are_read_on_the_half_they_are_not_ranked_on():
    """Noise that is ranked high on one half is not high on the other: the curve stays flat."""
    rng = np.random.default_rng(0)
    noise = np.exp(rng.normal(size=(1, 2, 400)))
    _, curve = fit_curves(Influences(halves=noise, whole=noise.mean(axis=1)))
    own = np.log(np.sort(noise[0, 0])[::-1])
    assert own[0] - own[-1] > 4
    assert abs(curve[0, :4].mean() - curve[0, -4:].mean()) < 1.5
    same = np.repeat(noise[:, :1], 2, axis=1)  # two halves that agree keep their order
    _, kept = fit_curves(Influences(halves=same, whole=same[:, 0]))
    assert kept[0, 0] == pytest.approx(own[0]) and (np.diff(kept[0]) <= 1e-9).all()


def test_curves_do_not_depend_on_which_half_is_called_the_first():
    halves = np.exp(np.random.default_rng(1).normal(size=(3, 2, 100)))
    one = fit_curves(Influences(halves=halves, whole=halves.mean(axis=1)))
    other = fit_curves(Influences(halves=halves[:, ::-1], whole=halves.mean(axis=1)))
    np.testing.assert_allclose(one[1], other[1])
    np.testing.assert_allclose(one[0].slopes, other[0].slopes)


def test_a_labelling_without_positions_has_no_curve_and_leaves_the_others_theirs():
    halves = np.exp(cliff())[None, None].repeat(3, axis=0).repeat(2, axis=1)
    alone, _ = fit_curves(Influences(halves=halves[:1], whole=halves[:1, 0]))
    halves[1, 0] = np.nan
    fits, curve = fit_curves(Influences(halves=halves, whole=halves[:, 0]))
    assert np.isnan(curve[1]).all() and not np.isnan(curve[[0, 2]]).any()
    assert fits.plateau.tolist() == [True, False, True]
    assert fits.plateau_size.tolist() == [*alone.plateau_size, 0, *alone.plateau_size]


def selection(evidence: Evidence, section: object = None, seed: int = 1):
    return select(make_protocol(PREMISE, select=section), evidence, Streams(seed))


def test_a_selection_is_ascending_and_its_record_is_by_rank():
    evidence = make_evidence(5, effect=1.0)
    chosen = selection(evidence, {"top": 12})
    assert np.array_equal(chosen.group, np.sort(chosen.result.neurons))
    assert np.array_equal(chosen.second, np.sort(chosen.result.control_neurons))
    assert list(chosen.result.neurons) != chosen.group.tolist()
    influence = np.abs(evidence.selection.delta_loss[evidence.selection.first]).mean(axis=0)
    assert list(chosen.result.neurons) == np.argsort(-influence)[:12].tolist()
    assert (chosen.result.n_neurons, chosen.result.n_dead) == (N_NEURONS, 0)
    assert selection(evidence, {"ids": [4, 2]}).result.control_neurons == ()


def test_the_evaluation_split_is_not_looked_at():
    one, other = make_evidence(5, effect=1.0), make_evidence(6, loud=9.0)
    mixed = replace(one, evaluation=other.evaluation)
    assert selection(mixed).result == selection(one).result
    assert selection(replace(other, evaluation=one.evaluation)).result != selection(one).result


def test_the_record_has_numbers_of_the_layer_where_neurons_are_left_out():
    evidence = make_evidence(5, effect=3.0)
    kept = np.arange(3, N_NEURONS)
    chosen = selection(evidence.of_neurons(kept), {"top": 10})
    assert np.array_equal(kept[chosen.group], np.sort(chosen.result.neurons))
    assert (chosen.result.n_neurons, chosen.result.n_dead) == (N_NEURONS, 3)
    whole = selection(evidence, {"top": N_NEURONS - 1}).result.neurons
    assert list(chosen.result.neurons) == [number for number in whole if number >= 3][:10]
    assert selection(evidence.of_neurons(kept), {"ids": [7, 199]}).group.tolist() == [4, 196]


@pytest.mark.parametrize("section", [{"top": 12}, {"ids": [8, 3]}, "plateau"])
def test_units_in_another_order_are_the_same_units(section):
    evidence = make_evidence(5, effect=1.0)
    order = np.random.default_rng(3).permutation(N_NEURONS)
    mixed = SplitEvidence.of_neurons(evidence.selection, order)
    ids = {"ids": [int(np.flatnonzero(order == number)[0]) for number in (8, 3)]}
    asked = ids if isinstance(section, dict) and "ids" in section else section
    spare = {"otherwise": {"top": 9}}
    plain = observed(evidence.selection, select=section, **spare)
    moved = observed(mixed, select=asked, **spare)
    assert order[moved.group].tolist() == plain.group.tolist()
    assert order[moved.second].tolist() == plain.second.tolist()


def test_a_seed_gives_its_halves_and_no_other_seed_does():
    evidence = make_evidence(5)
    assert np.array_equal(selection(evidence).half, selection(evidence).half)
    assert not np.array_equal(selection(evidence).half, selection(evidence, seed=2).half)
