"""Placebos: faults are revealed, sound tests are not marked, and what has no placebo says why."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import hypotest
from hypotest.engine.session import Session
from hypotest.nulls.registry import NULLS, with_nulls
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.analysis.hidden_bias import with_hidden_bias
from hypotest.pipeline.analysis.limitations import faults_revealed, follows_loss
from hypotest.pipeline.analysis.make_believe import cut_by_loss
from hypotest.pipeline.analysis.placebos import run_placebos, why_no_placebo
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.results.placebos import PlaceboResult, Placebos
from hypotest.studies.calibration.documents import simulate
from hypotest.studies.calibration.settings import Layer, Planted
from tests.pipeline.planted import make_evidence, make_protocol

LOCAL = NULLS["local_matched"].options


def prediction(name, measure="effective_dimension", null="size_matched", **others):
    return Prediction(id=name, measure=measure, contrast={"null": null}, **others)


def protocol_of(*predictions, placebos=20):
    plan = make_protocol({"measure": "selectivity", "contrast": {"null": "label_shuffled"}}, draws=99)
    plan = with_nulls(plan, {"local_matched": LOCAL(draws=199)})
    return plan.model_copy(update={"predictions": predictions, "placebos": placebos})


def placebos_of(evidence, *predictions, placebos=20):
    measured = run_placebos(protocol_of(*predictions, placebos=placebos), evidence, Session.start(1))
    assert measured is not None
    return measured


def test_a_random_opponent_is_revealed_where_influence_and_coordination_go_together():
    """Neurons loud on every target act together: random groups reject whatever the conditions are."""
    evidence = make_evidence(0, loud=4.0, shared=1.0)
    placebos = placebos_of(evidence, prediction("random"), prediction("local", null="local_matched"))
    random, local = placebos.predictions
    assert random.n_significant(0.05) == random.n_known == 20
    assert random.is_marked(0.05)
    assert np.mean([value for value in random.effects if value is not None]) < 0  # fewer dimensions
    (sentence,) = [text for text in faults_revealed(placebos) if "random" in text]
    assert "20 of 20" in sentence
    assert local.n_significant(0.05) < random.n_significant(0.05)


@pytest.mark.slow
def test_sound_tests_reject_about_one_in_twenty():
    """100 placebos of 5 layers in which nothing is planted, each test by the null that decides it."""
    counts = dict.fromkeys(("dimension", "premise", "attention"), 0)
    for seed in range(5):
        placebos = placebos_of(
            make_evidence(seed),
            prediction("dimension", null="local_matched"),
            prediction("premise", "selectivity", "label_shuffled", role="premise"),
            Prediction(
                id="attention",
                measure="attention_gini",
                contrast={"conditions": ["rare", "common"], "by": "document"},
            ),
        )
        for item in placebos.predictions:
            assert item.n_known == 20
            counts[item.prediction] += item.n_significant(0.05)
    # Placebos of one layer hang together: 12 is beyond the 99.8 % quantile of 100 independent ones.
    assert all(count <= 12 for count in counts.values()), counts


def test_the_same_seed_gives_the_same_placebos_and_others_leave_them_alone():
    evidence = make_evidence(3)
    one = placebos_of(evidence, prediction("a"), placebos=3)
    both = placebos_of(evidence, prediction("a"), prediction("b", "participation_ratio"), placebos=3)
    assert both.predictions[0] == one.predictions[0]
    assert both.of("b") == both.predictions[1]


def test_analyse_gives_placebos_and_hidden_bias_as_a_run_does():
    """The same numbers as by the functions of a run, where there is such a p-value."""
    evidence = simulate(Layer(planted=Planted(rarity=1.5, shared=0.85)), 0)
    plan = protocol_of(prediction("local", null="local_matched"), placebos=2)
    given, alone = hypotest.analyse(plan, evidence), analyse(plan, evidence)
    assert given.placebos == run_placebos(plan, alone.task.evidence, Session.start(plan.seed))
    assert alone.placebos is None
    assert given.placebos is not None and len(given.placebos.predictions) == 1
    (bias,) = (item.hidden_bias for item in given.predictions)
    assert bias is not None and [bias] == [item.hidden_bias for item in with_hidden_bias(alone)]


def test_make_believe_conditions_halve_the_second_and_leave_the_first_out():
    evidence = make_evidence(1)
    placebos = placebos_of(evidence, prediction("a"), placebos=4)
    assert placebos.real_positions == (800, 800)
    low, high = placebos.positions
    assert low + high == 800
    assert 250 < low <= 400
    assert (placebos.unit, placebos.n_units) == ("token types to be predicted", 60)
    # whatever stands at rare positions plays no part
    changed = dataclasses.replace(
        evidence,
        evaluation=evidence.evaluation.with_channels(
            activations=np.where(evidence.evaluation.first[:, None], 7.0, evidence.evaluation.activations)
        ),
    )
    assert placebos_of(changed, prediction("a"), placebos=4).predictions == placebos.predictions


def test_the_cut_by_loss_is_the_nearest():
    # types of 2 positions each with mean losses 1, 2, 4, 8: cuts have ratios 14/3, 6/1.5, 8/(7/3)
    codes, counts = np.repeat(np.arange(4), 2), np.full(4, 2)
    loss = np.array([1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0])
    mask, reached = cut_by_loss(loss, codes, counts, 4.1)
    assert mask.tolist() == [False, False, True, True]
    assert reached == pytest.approx(4.0)
    assert cut_by_loss(loss, codes, counts, None) == (None, None)


def test_what_has_no_placebo_says_why():
    plan = protocol_of(prediction("a"))
    describes = prediction("a", role="descriptive")
    number = Prediction(id="a", measure="top_head_share", contrast={"reference": 0.5})
    alike = Prediction(id="a", measure="routing_similarity", contrast={"reference": 1.0})
    unlike = Prediction(id="a", measure="routing_similarity", contrast={"reference": 0.8})
    assert "describes" in why_no_placebo(describes, plan)
    assert "0.5" in why_no_placebo(number, plan)
    assert "0.8" in why_no_placebo(unlike, plan)
    assert why_no_placebo(alike, plan) == why_no_placebo(prediction("a"), plan) == ""


def test_none_are_run_where_none_are_asked_for():
    assert run_placebos(protocol_of(prediction("a"), placebos=0), make_evidence(0), Session.start(1)) is None


def test_five_of_twenty_are_marked_and_four_are_not():
    def result(n_small, n_known=20):
        return PlaceboResult("a", p_values=(0.01,) * n_small + (0.5,) * (n_known - n_small) + (None,))

    assert result(5).is_marked(0.05)
    assert not result(4).is_marked(0.05)
    assert not result(1, 4).is_marked(0.05)
    assert not PlaceboResult("a", reason="none").is_marked(0.05)


def test_hidden_bias_is_given_where_a_matched_null_decides_and_p_is_small():
    plan = protocol_of(prediction("random"), prediction("local", null="local_matched"))
    layer = Layer(planted=Planted(rarity=1.5, shared=0.85))  # as loud as the others
    analysis = analyse(plan, simulate(layer, 0))
    random, local = with_hidden_bias(analysis)
    assert random.p_value is not None and random.p_value <= 0.05
    assert random.hidden_bias is None  # its null has no such measure
    assert local.p_value is not None and local.p_value <= 0.05
    assert local.hidden_bias is not None
    assert local.hidden_bias.strength > 1.0
    nothing = with_hidden_bias(analyse(plan, make_evidence(0)))[1]
    assert nothing.p_value is not None and nothing.p_value > 0.05
    assert nothing.hidden_bias is None


@pytest.mark.parametrize(
    ("by_loss", "p", "said"),
    [
        (-1.25, 0.025, True),
        (-0.5, 0.025, False),
        (1.25, 0.025, False),
        (-1.25, 0.1, False),
        (None, None, False),
    ],
)
def test_what_high_against_low_loss_shows_too_is_a_limitation(by_loss, p, said):
    """An effect as large as half of the real one, in its direction, and significant."""
    item = PlaceboResult("dimension", "neighbours", (0.1,), (0.5,), by_loss, p)
    placebos = Placebos(1, 0.05, 79, 39, (100, 100), (200, 200), "token types", 50, 2.0, 2.1, (item,))
    result = SimpleNamespace(id="dimension", effect=-1.2)
    assert any("hard to predict" in text for text in follows_loss(placebos, (result,))) is said
