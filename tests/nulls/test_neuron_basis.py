"""Rotations and random directions: one test of two halves, on planted evidence and on a trained network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.inference.randomization import compare_with_null
from hypotest.ladder.against_nulls import prepare
from hypotest.measures.registry import MEASURES
from hypotest.nulls.graphs import NEURON_BASIS, rates_of_random_groups
from hypotest.nulls.registry import NULLS, counted_together, needed_nulls, opponents
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.nulls import nulls_model
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.contrast import MeasuredContrast
from hypotest.testing.selection import select
from hypotest.testing.task import Task
from tests.pipeline.planted import GROUP, make_evidence, make_protocol

BOTH = ("rotated_correlation", "random_directions")
RATES = ("random_groups_above_all_rotations", "random_groups_above_all_random_directions")
P = 59


def protocol(contrast: str = BOTH[0], draws: int = 99, **options: object) -> Protocol:
    plan = make_protocol(
        {
            "measure": "modularity",
            "options": {"restarts": 3, **options},
            "contrast": {"null": contrast},
            "role": "descriptive",
        }
    )
    declared = {name: {"draws": draws} for name in ("size_matched", *BOTH)}
    return plan.model_copy(update={"nulls": nulls_model().model_validate(declared)})


def with_activations(change) -> Evidence:
    """Planted evidence whose selected neurons, the first ones, are changed on the evaluation split."""
    evidence = make_evidence(0, effect=3.0)
    values = evidence.evaluation.activations.copy()
    change(values, np.random.default_rng(1))
    return replace(evidence, evaluation=evidence.evaluation.with_channels(activations=values))


def in_modules(values: np.ndarray, rng: np.random.Generator) -> None:
    values[:, :GROUP] += rng.normal(size=(len(values), 4))[:, np.arange(GROUP) % 4]


def in_one(values: np.ndarray, rng: np.random.Generator) -> None:
    values[:, :GROUP] += rng.normal(size=(len(values), 1))


def test_they_are_asked_together():
    for name in BOTH:
        assert opponents(name) == BOTH
        assert NULLS[name].together == NEURON_BASIS
        assert NULLS[name].never_decides
        (item,) = protocol(name).predictions
        assert needed_nulls(item) == BOTH
    (sentence,) = counted_together(("size_matched", *BOTH))
    assert sentence.startswith("rotated_correlation and random_directions count together")
    assert list(counted_together(["size_matched", "no_such_null"])) == []


@pytest.mark.parametrize("contrast", BOTH)
def test_modules_are_seen_and_the_larger_p_of_both_counts(contrast: str):
    analysis = analyse(protocol(contrast), with_activations(in_modules))
    (item,) = analysis.predictions
    assert item.outcome == "greater"
    halves = {rung.null: rung for rung in item.ladder if rung.null in BOTH}
    assert item.p_value == max(rung.p_value for rung in halves.values()) <= 0.02
    assert all(rung.descriptive for rung in halves.values())
    assert any("describe" in note for note in item.notes)


def test_p_is_one_sided_and_follows_from_the_draws_of_one_of_them():
    analysis = analyse(protocol(), make_evidence(0))
    (item,) = analysis.predictions
    for rung in item.ladder:
        if rung.null in BOTH:
            draws = analysis.nulls.filter(null=rung.key)["value"].to_numpy()
            assert rung.p_value == compare_with_null(rung.observed, draws, "greater").p_value
            assert rung.p_value == pytest.approx((np.sum(draws >= rung.observed) + 1) / 100)
    reference = next(rung for rung in item.ladder if rung.null == item.reference)
    assert (item.p_value, item.reference_value) == (reference.p_value, reference.mean)
    for rate in RATES:  # of 20 groups of unrelated neurons, one is expected
        assert item.secondary[rate].value <= 0.25


def test_one_factor_is_never_called_less():
    (item,) = analyse(protocol(), with_activations(in_one)).predictions
    assert item.observed < item.reference_value
    assert item.p_value > 0.5
    assert item.outcome == "inconclusive"


def test_that_random_groups_exceed_theirs_as_often_is_a_limitation():
    (item,) = analyse(protocol(), with_activations(in_modules)).predictions
    assert item.secondary[RATES[0]].value >= 0.4  # some pairs of any twenty neurons are of one module
    (sentence,) = rates_of_random_groups("rotations", [item])
    assert f"{item.secondary[RATES[0]].value:.0%} (one)" in sentence
    assert list(rates_of_random_groups("rotations", analyse(protocol(), make_evidence(0)).predictions)) == []


def test_graphs_that_are_not_made_of_correlations_have_none():
    (item,) = analyse(protocol(estimator="binned"), with_activations(in_modules)).predictions
    assert item.outcome == "undefined"
    assert "estimator: gaussian_copula" in item.notes[0]


@cache
def modular_addition(steps: int) -> tuple[np.ndarray, float]:
    """Activations of 128 ReLUs on pairs that training did not see, and its accuracy there."""
    import torch

    torch.manual_seed(0)
    first, second = (grid.flatten() for grid in torch.meshgrid(*[torch.arange(P)] * 2, indexing="ij"))
    targets = (first + second) % P
    inputs = torch.cat([torch.nn.functional.one_hot(number, P) for number in (first, second)], 1).float()
    order = torch.randperm(len(targets))
    train, test = order[: int(0.6 * len(order))], order[int(0.6 * len(order)) :]
    network = torch.nn.Sequential(
        torch.nn.Linear(2 * P, 128, bias=False), torch.nn.ReLU(), torch.nn.Linear(128, P, bias=False)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, weight_decay=1.0, betas=(0.9, 0.98))
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(network(inputs[train]), targets[train])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (network(inputs[test]).argmax(1) == targets[test]).float().mean().item()
        return network[:2](inputs[test]).numpy().astype(np.float64), accuracy


def layer_evidence(activations: np.ndarray) -> Evidence:
    """These activations in the place of those at rare targets."""
    evidence = make_evidence(0).of_neurons(np.arange(activations.shape[1]))
    rare = evidence.evaluation.first
    values = evidence.evaluation.activations.copy()
    values[rare] = activations[: rare.sum()]
    return replace(evidence, evaluation=evidence.evaluation.with_channels(activations=values))


def compared(activations: np.ndarray, size: int) -> MeasuredContrast:
    """So many neurons at random, or all of them."""
    plan, evidence = protocol(draws=39), layer_evidence(activations)
    chosen = select(plan, evidence, Streams(1))
    group = np.sort(np.random.default_rng(3).permutation(activations.shape[1])[:size])
    task = prepare(Task(plan, evidence, replace(chosen, group=group), Session.start(1)))
    (item,) = plan.predictions
    return MEASURES["modularity"].compare(item, task)


@pytest.mark.slow
def test_a_network_that_learned_modular_addition_is_modular_in_its_neurons():
    """Each neuron serves one frequency, so that random neurons fall into modules: these are no opponent."""
    activations, accuracy = modular_addition(1500)
    assert accuracy > 0.98
    layer = compared(activations, 128)
    assert layer.p_value == 1 / 40
    assert layer.observed > 0.5 > 0.25 > layer.reference_value
    assert any("whole layer" in note for note in layer.notes)
    some = compared(activations, 24)
    assert some.p_value == 1 / 40
    by_null = {rung.null: rung for rung in some.ladder}
    assert by_null["size_matched"].p_value > 0.1
    assert by_null["size_matched"].mean > 2 * some.reference_value
    for rate in RATES:
        value = some.secondary[rate].value
        assert value is not None and value > 0.9


@pytest.mark.slow
def test_before_it_learned_it_is_not():
    activations, _ = modular_addition(0)
    assert compared(activations, 128).p_value > 0.05
    some = compared(activations, 24)
    assert some.p_value > 0.05
    assert some.secondary[RATES[1]].value < 0.3
