import dataclasses

import numpy as np
import pytest

from hypotest.estimators.graphs.modularity import communities
from hypotest.groups.live import live_neurons
from hypotest.studies.calibration.documents import (
    draw_documents,
    draw_evidence,
    joined,
    other_texts,
    simulate,
)
from hypotest.studies.calibration.layers import draw_layer, draw_types
from hypotest.studies.calibration.rows import SimulatedRows, draw_rows
from hypotest.studies.calibration.settings import Layer, Planted
from hypotest.testing.attention import gini_of_heads

MANY = 1000
"""Documents: standard errors are then small against the tolerances below, which are at least 5 of them."""


def draw(layer, n_documents=MANY, seed=1):
    layer = dataclasses.replace(layer, n_neurons=min(layer.n_neurons, 48))
    rng = np.random.default_rng(seed)
    drawn = draw_layer(layer, rng)
    types = draw_types(drawn, 2 * layer.n_types, rng)
    return drawn, draw_documents(drawn, types, draw_rows(layer, n_documents, rng), "evaluation", rng)


def correlations(layer):
    drawn, split = draw(layer)
    matrix = np.corrcoef(split.activations, rowvar=False)
    return drawn, matrix[np.ix_(drawn.planted, drawn.planted)]


def test_the_same_seed_gives_the_same_evidence_and_another_one_does_not():
    first, again, other = simulate(Layer(), 3), simulate(Layer(), 3), simulate(Layer(), 4)
    for name in ("activations", "delta_loss", "attention"):
        one = getattr(first.evaluation, name)
        np.testing.assert_array_equal(one, getattr(again.evaluation, name))
        assert not np.array_equal(one, getattr(other.evaluation, name))
        assert not np.array_equal(one, getattr(first.selection, name))  # splits are drawn apart


def test_other_texts_have_other_documents_and_types_and_keep_the_layer():
    rng = np.random.default_rng(0)
    layer = Layer(n_neurons=40, size=4, n_types=50, quirks=0.5)
    drawn = draw_layer(layer, rng)
    evidence = draw_evidence(drawn, rng)
    texts = other_texts(evidence, drawn, 3, rng)
    whole = joined(texts)
    assert whole.selection is evidence.selection
    assert np.unique(whole.evaluation.documents).size == 3 * layer.n_documents
    assert np.unique(whole.evaluation.head_ablation.documents).size == 3 * layer.n_documents
    targets = [set(item.evaluation.targets.tolist()) for item in texts]
    assert not targets[0] & targets[1] and not targets[1] & targets[2]
    assert len(whole.evaluation.targets) == sum(len(item.evaluation.targets) for item in texts)


def test_rows_of_a_text_at_hand_are_kept():
    rng = np.random.default_rng(0)
    drawn = draw_layer(Layer(n_neurons=40, size=4), rng)
    rows = SimulatedRows(
        documents=np.array([0, 0, 0, 1, 1, 2]),
        rare=np.array([True, False, True, True, False, True]),
        types=np.array([3, 0, 3, 4, 1, 5]),
        for_heads=np.array([True, True, True, False, False, True]),
    )
    evidence = draw_evidence(drawn, rng, {"selection": rows, "evaluation": rows})
    for split in (evidence.selection, evidence.evaluation):
        assert split.documents.tolist() == rows.documents.tolist()
        assert split.targets.tolist() == rows.types.tolist()
        assert split.mask("rare").tolist() == rows.rare.tolist()
        assert split.head_ablation.documents.tolist() == [0, 0, 2]
        assert split.head_ablation.targets.tolist() == [3, 3, 5]
    (other,) = other_texts(evidence, drawn, 1, rng, {"selection": rows, "evaluation": rows})
    assert other.evaluation.documents.tolist() == rows.documents.tolist()
    assert not np.array_equal(other.evaluation.activations, evidence.evaluation.activations)


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
    _, matrix = correlations(Layer(loading=0.0, planted=Planted(shared=0.7)))
    pairs = matrix[np.triu_indices(16, 1)]
    np.testing.assert_allclose(pairs, 0.49, atol=0.07)


def test_communities_correlate_inside():
    drawn, matrix = correlations(Layer(loading=0.0, planted=Planted(communities=4, cohesion=0.8)))
    block = drawn.block[drawn.planted]
    same = block[:, None] == block[None, :]
    np.fill_diagonal(matrix, 0.64)
    np.testing.assert_allclose(matrix, np.where(same, 0.64, 0.0), atol=0.07)
    graph = np.abs(matrix)
    every = np.arange(16)[None, :]
    assert communities(graph, every, rng=np.random.default_rng(0)).n_communities[0] == 4


def test_the_layer_is_correlated_through_its_factors():
    drawn, split = draw(Layer(loading=0.8))
    matrix = np.corrcoef(split.activations, rowvar=False)
    expected = 0.64 * drawn.mixtures.T @ drawn.mixtures
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(matrix, expected, atol=0.07)


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


def test_types_shift_what_is_measured_on_them_and_not_the_difference_of_conditions():
    layer = Layer(
        n_types=400, type_activation=0.5, type_influence=0.5, type_attention=0.5, loading=0.0,
        activation_spread=0.0, document_share=0.0, noise=0.3,
    )  # fmt: skip
    _, split = draw(layer, 4000)
    _, counts = np.unique(split.targets, return_counts=True)
    often = np.unique(split.targets)[counts > 200]
    assert often.size > 20

    def spread(values):
        """SD over types of their means, less what chance gives."""
        means = np.array([values[split.targets == target].mean() for target in often])
        within = np.mean([values[split.targets == t].var() / np.sum(split.targets == t) for t in often])
        return np.sqrt(max(0.0, means.var(ddof=1) - within))

    assert np.mean([spread(split.activations[:, i]) for i in range(20)]) == pytest.approx(0.5, rel=0.2)
    assert split.activations.std() == pytest.approx(1.0, rel=0.03)
    assert spread(np.log(np.abs(split.delta_loss)).mean(axis=1)) == pytest.approx(0.5, rel=0.3)
    assert spread(gini_of_heads(split).mean(axis=1)) > 0.05
    _, without = draw(dataclasses.replace(layer, type_attention=0.0), 4000)
    split = without
    assert spread(gini_of_heads(split).mean(axis=1)) < 0.01


def test_types_come_in_bursts():
    _, split = draw(Layer(burst=0.6), 300)
    for rare in (True, False):
        same, n = 0, 0
        for document in range(300):
            own = split.targets[(split.documents == document) & (split.mask("rare") == rare)]
            same, n = same + np.sum(own[1:] == own[:-1]), n + own.size - 1
        assert 0.55 < same / n < 0.7  # 0.6, and a little by chance; standard error 0.013


def test_dead_neurons_are_constant_and_none_of_them_is_planted():
    evidence = simulate(Layer(dead=0.6), 2)
    live = live_neurons(evidence.selection.activations)
    assert live.sum() == 64
    assert not evidence.evaluation.delta_loss[:, ~live].any()
    assert not evidence.evaluation.head_ablation.single[..., ~live].any()
    drawn = draw_layer(Layer(dead=0.6), np.random.default_rng(2))
    assert not set(drawn.dead) & set(drawn.planted)


def test_rare_targets_cost_twice_as_much_in_every_neuron():
    _, split = draw(Layer(rare_loss=2.0, noise=0.3))
    rare = split.mask("rare")
    ratio = np.abs(split.delta_loss[rare]).mean(axis=0) / np.abs(split.delta_loss[~rare]).mean(axis=0)
    np.testing.assert_allclose(ratio, 2.0, rtol=0.05)
    assert split.loss[rare].mean() / split.loss[~rare].mean() == pytest.approx(2.0, rel=0.1)


def test_common_targets_have_specialists_of_their_own():
    drawn, split = draw(Layer(planted=Planted(rarity=1.5, commonness=1.0), influence_spread=0.0, noise=0.3))
    size, rare = np.abs(split.delta_loss), split.mask("rare")
    ratio = size[rare].mean(axis=0) / size[~rare].mean(axis=0)
    assert ratio[drawn.planted].mean() == pytest.approx(2.5, rel=0.03)
    assert np.sort(np.delete(ratio, drawn.planted))[:16].mean() == pytest.approx(0.5, rel=0.03)
    assert np.sum(np.abs(ratio - 1) < 0.1) == 16
