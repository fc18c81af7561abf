"""HAVAE and its predecessor trained: what they know that no single feature tells; lesions of r."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hypotest
from hypotest.collect.network.ablation import group_changes, route_of
from hypotest.subjects.controls.havae.margins import margin_loss
from hypotest.subjects.controls.havae.model import HAVAE, Plain, Predecessor, Ranker
from hypotest.subjects.controls.havae.training import Task, fit, scores
from hypotest.subjects.controls.havae.verse import FITS, KINDS, RHYMES

pytestmark = pytest.mark.slow


def margins(module: Ranker, task: Task, members: list[int] | None = None) -> dict[str, float]:
    """Loss of the margin over foils that only a feature tells, with some units of r at their means."""
    seen: list[torch.Tensor] = []
    inputs = task.unseen_meaning[:800], task.unseen_prosody[:800]
    if members is not None:
        assert isinstance(module, HAVAE | Predecessor)
        handle = module.r.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        with torch.no_grad():
            module(*inputs)
        handle.remove()

        def at_means(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
            output = output.clone()
            output[..., members] = seen[0].mean(dim=(0, 1))[members]
            return output

        handle = module.r.register_forward_hook(at_means)
    with torch.no_grad():
        given = module(*inputs)
    if members is not None:
        handle.remove()
    ahead = given[:, :1] - given
    loss = torch.log1p(torch.exp(-ahead)).mean(dim=0).numpy()
    return {"prosody": float(loss[KINDS == FITS].mean()), "meaning": float(loss[KINDS == RHYMES].mean())}


def test_both_features_beat_each_alone() -> None:
    results = hypotest.controls.havae(0).log[-1]
    for alone in ("meaning", "prosody"):
        assert results[alone] < 0.14  # nine candidates share each feature: 1/9
        for both in ("HAVAE", "predecessor", "concatenation"):
            assert results[both] > results[alone] + 0.05


def test_each_feature_tells_its_own_foils_and_no_others() -> None:
    task = Task.made(3)
    for feature, other in (("meaning", "prosody"), ("prosody", "meaning")):
        torch.manual_seed(0)
        model = Plain(feature)
        fit(model, task, 0, lambda _epoch, _loss: None)
        loss = margins(model, task)
        assert loss[feature] < 0.5  # a guess: 0.69
        assert loss[other] > 0.66
        assert scores(model, task)[0] < 0.14


def test_the_predecessors_halves_are_separate() -> None:
    trained = hypotest.controls.havae_predecessor(0)
    module = trained.module.predecessor
    whole = margins(module, trained.data)
    for feature, other in (("meaning", "prosody"), ("prosody", "meaning")):
        own = [unit for unit, part in enumerate(module.feature_of_unit) if part == feature]
        without = margins(module, trained.data, own)
        assert without[feature] - whole[feature] > 0.15
        assert abs(without[other] - whole[other]) < (without[feature] - whole[feature]) / 3


def test_no_unit_of_r_is_of_one_feature_in_havae() -> None:
    trained = hypotest.controls.havae(0)
    whole = margins(trained.module.havae, trained.data)
    for quarter in np.array_split(np.arange(64), 4):
        without = margins(trained.module.havae, trained.data, quarter.tolist())
        assert all(without[feature] > whole[feature] + 0.005 for feature in whole)


def test_hypotests_lesions_are_those_of_plain_hooks() -> None:
    for control in (hypotest.controls.havae, hypotest.controls.havae_predecessor):
        trained = control(0)
        network, members = trained.network, [2, 5, 40]
        module = network.module
        rows = np.arange(100)
        args, _ = network.inputs.of(rows)
        seen: list[torch.Tensor] = []
        handle = module.r.register_forward_hook(lambda _m, _i, output, seen=seen: seen.append(output))
        with torch.no_grad():
            before = margin_loss(module(*args), {})
        handle.remove()
        means = seen[0].mean(dim=(0, 1))

        def at_means(
            _m: object, _i: object, output: torch.Tensor, means=means, members=members
        ) -> torch.Tensor:  # type: ignore[no-untyped-def]
            output = output.clone()
            output[..., members] = means[members]
            return output

        handle = module.r.register_forward_hook(at_means)
        with torch.no_grad():
            after = margin_loss(module(*args), {})
        handle.remove()
        change = group_changes(route_of(network), network, rows, means.numpy(), [np.array(members)], 1.0)
        assert np.allclose(change[:, 0], after - before, atol=1e-5)


def test_a_row_is_a_verse_and_foils_of_one_kind() -> None:
    trained = hypotest.controls.havae(0)
    network, task = trained.network, trained.data
    meaning, prosody = network.inputs.of(np.array([0, 1]))[0]
    for row, kind in enumerate((FITS, RHYMES)):
        own = [0, *np.flatnonzero(kind == KINDS).tolist()]
        assert torch.equal(meaning[row], task.unseen_meaning[row, own])
        assert torch.equal(prosody[row], task.unseen_prosody[row, own])
    loss = margin_loss(torch.tensor([[2.0, 1.0, 2.0]]), {})
    assert loss.item() == pytest.approx((np.log1p(np.exp(-1)) + np.log(2)) / 2, rel=1e-6)
