import dataclasses

import numpy as np
import pytest

from hypotest.estimators.modularity import communities
from hypotest.studies.calibrate.simulation import (
    Layer,
    Planted,
    draw_documents,
    draw_layer,
    simulate,
    with_population,
)
from hypotest.testing.attention import gini_of_heads

MANY = 1000
"""Documents: standard errors are then small against the tolerances below, which are at least 5 of them."""


def draw(layer, n_documents=MANY, seed=1):
    layer = dataclasses.replace(layer, n_neurons=min(layer.n_neurons, 48))
    rng = np.random.default_rng(seed)
    drawn = draw_layer(layer, rng)
    return drawn, draw_documents(drawn, "evaluation", n_documents, rng)


def correlations(layer):
    drawn, split = draw(layer)
    found = np.corrcoef(split.activations, rowvar=False)
    return drawn, found[np.ix_(drawn.planted, drawn.planted)]


def test_the_same_seed_gives_the_same_evidence_and_another_one_does_not():
    first, again, other = simulate(Layer(), 3), simulate(Layer(), 3), simulate(Layer(), 4)
    for name in ("activations", "delta_loss", "attention"):
        one = getattr(first.evaluation, name)
        np.testing.assert_array_equal(one, getattr(again.evaluation, name))
        assert not np.array_equal(one, getattr(other.evaluation, name))
        assert not np.array_equal(one, getattr(first.selection, name))  # splits are drawn apart


def test_the_population_keeps_the_layer_and_the_selection():
    rng = np.random.default_rng(0)
    drawn = draw_layer(Layer(), rng)
    evidence = simulate(Layer(), 0)
    population = with_population(evidence, drawn, 3, rng)
    assert population.selection is evidence.selection
    assert np.unique(population.evaluation.documents).size == 3 * Layer().n_documents


def test_every_document_has_as_many_rare_as_common_positions():
    for unequal in (False, True):
        _, split = draw(Layer(unequal=unequal), 200)
        rare = np.bincount(split.documents, weights=split.mask("rare"))
        common = np.bincount(split.documents, weights=split.mask("common"))
        np.testing.assert_array_equal(rare, common)
        assert (np.ptp(rare) > 0) == unequal


def test_runs_have_their_length():
    _, split = draw(Layer(run=3), 200)
    labels = split.mask("rare").reshape(200, -1)
    assert labels.shape[1] == 12
    np.testing.assert_array_equal(labels[:, ::3], labels[:, 2::3])
    assert np.all(labels[:, :-3] != labels[:, 3:])
    assert 0.2 < labels[:, 0].mean() < 0.8  # both labels come first


def test_types_belong_to_one_condition_and_follow_zipf():
    layer = Layer(n_types=10)
    _, split = draw(layer)
    targets, rare = split.positions["target"].to_numpy(), split.mask("rare")
    assert targets[rare].max() < 10 <= targets[~rare].min()
    counts = np.bincount(targets[rare], minlength=10)
    np.testing.assert_allclose(counts[0] / counts, np.arange(1, 11), rtol=0.2)


def test_rare_targets_raise_the_planted_influence_alone():
    drawn, split = draw(Layer(planted=Planted(rarity=0.5, loud=2.0), influence_spread=0.0, noise=0.5))
    rare = split.mask("rare")
    size = np.abs(split.delta_loss)
    others = np.setdiff1d(np.arange(48), drawn.planted)
    ratio = size[rare].mean(axis=0) / size[~rare].mean(axis=0)
    assert ratio[drawn.planted].mean() == pytest.approx(1.5, rel=0.02)
    assert ratio[others].mean() == pytest.approx(1.0, rel=0.02)
    common = size[~rare].mean(axis=0)
    assert common[drawn.planted].mean() / common[others].mean() == pytest.approx(2.0, rel=0.02)


def test_with_nothing_planted_the_planted_neurons_are_like_the_others():
    # Over many layers, so that neurons' own scales average out: 400 x 16 planted neurons.
    differences = []
    for seed in range(400):
        drawn, split = draw(Layer(n_neurons=40, size=8), 2, seed)
        others = np.setdiff1d(np.arange(40), drawn.planted)
        for values in (np.log(np.abs(split.delta_loss)), np.log(np.abs(split.activations))):
            differences.append(values[:, drawn.planted].mean() - values[:, others].mean())
    differences = np.array(differences).reshape(400, 2)
    z = differences.mean(axis=0) / (differences.std(axis=0, ddof=1) / np.sqrt(400))
    assert np.all(np.abs(z) < 4.5)  # 7e-6 each by chance


def test_a_shared_factor_correlates_every_pair():
    _, found = correlations(Layer(loading=0.0, planted=Planted(shared=0.7)))
    pairs = found[np.triu_indices(16, 1)]
    np.testing.assert_allclose(pairs, 0.49, atol=0.07)


def test_communities_correlate_inside():
    drawn, found = correlations(Layer(loading=0.0, planted=Planted(communities=4, cohesion=0.8)))
    same = drawn.block[:, None] == drawn.block[None, :]
    np.fill_diagonal(found, 0.64)
    np.testing.assert_allclose(found, np.where(same, 0.64, 0.0), atol=0.07)
    graph = np.abs(found)
    every = np.arange(16)[None, :]
    assert communities(graph, every, rng=np.random.default_rng(0)).n_communities[0] == 4


def test_the_layer_is_correlated_through_its_factors():
    drawn, split = draw(Layer(loading=0.8))
    found = np.corrcoef(split.activations, rowvar=False)
    expected = 0.64 * drawn.mixtures.T @ drawn.mixtures
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(found, expected, atol=0.07)


def test_tails_are_those_of_student():
    _, normal = draw(Layer(activation_spread=0.0), 300)
    _, heavy = draw(Layer(activation_spread=0.0, degrees_of_freedom=3.0), 300)
    beyond = [np.mean(np.abs(split.activations) > 4) for split in (normal, heavy)]
    assert beyond[0] < 2e-4  # 6e-5
    assert beyond[1] == pytest.approx(0.0280, rel=0.1)  # 2 P(t_3 > 4)


def test_positions_of_a_document_are_alike_and_neighbours_more_so():
    layer = Layer(document_share=0.3, loading=0.0, activation_spread=0.0)
    _, split = draw(layer)
    z = split.activations.reshape(MANY, 12, -1)
    assert np.mean(z[:, 0] * z[:, 7]) == pytest.approx(0.3, abs=0.02)
    _, split = draw(dataclasses.replace(layer, document_share=0.0, autocorrelation=0.8))
    z = split.activations.reshape(MANY, 12, -1)
    assert np.mean(z[:, 0] * z[:, 1]) == pytest.approx(0.8, abs=0.02)
    assert np.mean(z[:, 3] * z[:, 6]) == pytest.approx(0.8**3, abs=0.02)
    assert np.mean(z[1:, 0] * z[:-1, -1]) == pytest.approx(0.0, abs=0.02)  # not across documents


def test_influence_follows_the_covariate():
    drawn, _ = draw(Layer(influence_of_activation=1.0, influence_spread=0.0), 1)
    assert np.corrcoef(drawn.log_influence, np.log(drawn.activation_sd))[0, 1] == pytest.approx(1.0)


def test_the_top_head_has_its_share():
    _, split = draw(Layer(head_share=0.8))
    ablation = split.head_ablation
    share = ablation.single[:, 1].sum(axis=0) / ablation.layer[:, 0].sum(axis=0)
    np.testing.assert_allclose(share, 0.8, rtol=0.05)
    drawn, split = draw(Layer(planted=Planted(head_impact=2.0)))
    totals = split.head_ablation.single.sum(axis=0)[1] / split.head_ablation.base.sum(axis=0)
    others = np.setdiff1d(np.arange(48), drawn.planted)
    logs = np.log(totals)
    # lognormal, SD 0.3, 16 and 32 neurons: standard error 0.09
    assert logs[drawn.planted].mean() - logs[others].mean() == pytest.approx(np.log(2), abs=0.45)


def test_attention_differs_only_where_it_is_planted():
    for layer, change in ((Layer(), 0.0), (Layer(concentration=0.5), 0.08)):
        _, split = draw(layer, 600)
        gini = gini_of_heads(split).mean(axis=1)
        difference = gini[split.mask("rare")].mean() - gini[split.mask("common")].mean()
        assert difference == pytest.approx(0.0, abs=0.006) if change == 0 else difference > change
    drawn, _ = draw(Layer(rerouting=0.5), 1)
    assert not np.allclose(*drawn.attention)
    drawn, _ = draw(Layer(), 1)
    np.testing.assert_array_equal(*drawn.attention)


def test_the_planted_spectrum_falls_and_keeps_its_total():
    rows = [draw_layer(Layer(planted=Planted(spectrum=1.0)), np.random.default_rng(i)) for i in range(40)]
    squares = np.mean([(item.weights.output[item.planted] ** 2).mean(axis=0) for item in rows], axis=0)
    assert squares.mean() == pytest.approx(1.0, rel=0.3)
    np.testing.assert_allclose(squares[0] / squares[3], 16, rtol=0.6)
