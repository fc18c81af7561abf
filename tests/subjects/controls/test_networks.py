"""What each control says of itself: tasks, wiring and routing, by hand."""

import math

import numpy as np
import pytest
import torch

from hypotest.registration import load_protocol
from hypotest.registration.template import control_protocol
from hypotest.subjects.controls import (
    cognitive_tasks,
    mixture,
    modular_addition,
    shared_features,
    two_tasks,
    wiring_cost,
)
from hypotest.subjects.controls.registry import CONTROLS


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS.keys())
def test_a_control_and_its_protocol_speak_of_the_same(control):
    plan = load_protocol(control_protocol(control.protocol), subject=False, network=control.name)
    column, *values = control.sides
    assert [item.value for item in plan.conditions.values()] == [{column: (value,)} for value in values]
    assert plan.ablation.replacement == control.replacement
    assert set(plan.hypotheses) == {"modular", "distributed"}
    assert control.title.endswith("?") and len(control.known) <= 44


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS.keys())
def test_a_seed_alone_makes_data_and_weights(control):
    one, other, third = (control.without_training(seed) for seed in (1, 1, 2))
    assert one.network.fingerprint == other.network.fingerprint != third.network.fingerprint
    assert one.network.settings_fingerprint == other.network.settings_fingerprint
    assert list(one.network._digests()) == list(other.network._digests())
    column, *values = control.sides
    counts = one.network.rows.frame[column].value_counts()
    assert set(values) <= set(counts[column].to_list())


def test_networks_that_differ_in_routing_alone_are_told_apart():
    """Evidence is kept by fingerprint: fresh weights of one seed are the same in all three."""
    networks = [
        CONTROLS[f"experts-{name}"].without_training(0).network for name in ("by-kind", "learned", "dense")
    ]
    assert len({item.fingerprint for item in networks}) == 1
    assert len({item.settings_fingerprint for item in networks}) == 3


def test_one_function_under_another_name():
    data = CONTROLS["same-function"].recipe.data(0)
    renamed = {(one, two) for one, two in data.y.tolist()}
    assert len(renamed) == two_tasks.CLASSES and all(one != two for one, two in renamed)


def test_tasks_on_inputs_of_their_own():
    data = CONTROLS["dense"].recipe.data(0)
    x = data.x.clone()
    x[:, : two_tasks.INPUTS // 2] = 0
    first, second = (task(x) == data.y[:, number] for number, task in enumerate(data.teachers))
    assert second.all() and not first.all()


@pytest.mark.parametrize("shared", shared_features.SHARED)
def test_as_many_features_are_shared_as_are_said(shared):
    first, second = two_tasks.shared_teachers(0, shared)
    assert (first.read == second.read).all(dim=1).sum() == shared


def test_inputs_of_one_task_at_a_time():
    data = CONTROLS["dense-alone"].recipe.data(0)
    half = two_tasks.INPUTS // 2
    assert not data.x[0::2, half:].any() and not data.x[1::2, :half].any()
    _, _, asked = data.rows(4, torch.Generator().manual_seed(0))
    assert asked.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]


def test_swapped_units_have_the_shortest_wires():
    torch.manual_seed(0)
    module = two_tasks.Student()

    def cost(place):
        into, out_of = wiring_cost.lengths(place)
        weights = (item.weight.detach().abs() for item in (module.hidden, module.out))
        return sum(float((size * length).sum()) for size, length in zip(weights, (into, out_of), strict=True))

    start = (torch.arange(two_tasks.HIDDEN) + 0.5) / two_tasks.HIDDEN
    place = wiring_cost.swapped(module)
    assert sorted(place.tolist()) == sorted(start.tolist())
    assert cost(place) < cost(start)
    for one, two in ((0, 1), (3, 70), (12, 99)):  # no swap of two makes it shorter
        swapped = place.clone()
        swapped[[one, two]] = place[[two, one]]
        assert cost(swapped) >= cost(place) - 1e-4


class Waves(torch.nn.Module):
    """Units that are waves of one frequency each, of a and of b."""

    def __init__(self):
        super().__init__()
        self.units = torch.nn.Identity()

    def forward(self, pairs):
        angles = 2 * math.pi * pairs[..., None] * torch.tensor([3, 7, 29]) / modular_addition.P
        return self.units(torch.relu(angles.cos().sum(dim=1)))


def test_each_unit_has_its_frequency():
    data = CONTROLS["addition-mlp"].recipe.data(0)
    frequency, share = modular_addition.unit_frequencies(Waves(), data)
    assert frequency.tolist() == [3, 7, 29]
    assert (share > 0.9).all()


def test_what_logits_have_of_a_frequency():
    """5 cos(3 x) + cos(7 x), x the angle between answer and sum: 5 of frequency 3, 1 of 7, 0 of another."""
    x = 2 * math.pi * (4 - torch.arange(modular_addition.P)) / modular_addition.P
    logits = (5 * torch.cos(3 * x) + torch.cos(7 * x)).expand(3, -1)
    rows = {"k": [3, 7, 11], "sum": [4, 4, 4]}
    np.testing.assert_allclose(1 - modular_addition.lacking(logits, rows), [5, 1, 0], atol=1e-5)


def test_half_of_the_pairs_are_trained_on():
    data = CONTROLS["addition-mlp"].recipe.data(0)
    assert int(data.trained.sum()) == round(0.5 * 59**2) and data.pairs.unique(dim=0).shape == (59**2, 2)


def test_experts_by_kind_share_nothing():
    trained = CONTROLS["experts-by-kind"].without_training(0)
    assert mixture.routing_distance(trained.module, trained.data) == pytest.approx(1)
    kept = []
    trained.module.units.register_forward_hook(lambda module, given, output: kept.append(output))
    trained.module(trained.data.x)
    of_first = kept[0][trained.data.x[:, 0] == 0]
    assert of_first[:, : 2 * mixture.UNITS].any() and not of_first[:, 2 * mixture.UNITS :].any()
    dense = CONTROLS["experts-dense"].without_training(0)
    assert mixture.routing_distance(dense.module, dense.data) == pytest.approx(0)


def test_sequences_follow_their_table_nine_times_in_ten():
    data = CONTROLS["experts-dense"].recipe.data(0)
    follows = data.tables[data.x[:, 0], data.x[:, 1], data.x[:, 2]] == data.y
    assert follows.float().mean() == pytest.approx(0.9 + 0.1 / mixture.TOKENS, abs=0.03)


def test_answers_of_cognitive_tasks_read_off_their_stimuli():
    """From noiseless means over the steps at which stimuli are shown."""
    trials = cognitive_tasks.trials(600, torch.Generator().manual_seed(0))
    shown = trials.x[:, cognitive_tasks.SHOWN, :16].mean(dim=1).reshape(-1, 2, 8)
    modality = torch.where(trials.task < 2, shown.amax(dim=2).argmax(dim=1), trials.task % 2)
    strongest = shown[torch.arange(600), modality].argmax(dim=1)
    answer = torch.where(trials.task == 1, (strongest + 4) % 8, strongest)
    right = (answer == trials.y).float()
    assert right[trials.task < 2].mean() > 0.99  # bumps of neighbours add up in the others
    assert right[trials.task >= 2].mean() > 0.8
    both = shown.amax(dim=2) > 0.4
    assert both[trials.task >= 4].all() and (both[trials.task < 4].sum(dim=1) == 1).all()
