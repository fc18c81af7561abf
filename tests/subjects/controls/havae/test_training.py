"""HAVAE and its predecessor trained: what they know that no single feature tells; lesions of r."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hypotest
from hypotest.collect.network.ablation import group_changes, route_of
from hypotest.subjects.controls.havae.margins import DECIDED_BY, LEAST, missing_share
from hypotest.subjects.controls.havae.model import HAVAE, Plain, Predecessor, Ranker
from hypotest.subjects.controls.havae.training import VerseTask, fit, scores

pytestmark = pytest.mark.slow


def missing(module: Ranker, task: VerseTask, members: list[int]) -> dict[str, float]:
    """Share of the margin by each feature that is missing with some units of r at their means."""
    assert isinstance(module, HAVAE | Predecessor)
    inputs, seen = (task.alike_meaning, task.alike_prosody), list[torch.Tensor]()

    def led() -> np.ndarray:
        with torch.no_grad():
            given = module(*inputs).numpy()
        margin = (given[:, :1] - given[:, 1:]).mean(axis=1)
        return np.array([margin[::2].mean(), margin[1::2].mean()])

    handle = module.r.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    before = led()
    handle.remove()

    def at_means(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[..., members] = seen[0].mean(dim=(0, 1))[members]
        return output

    handle = module.r.register_forward_hook(at_means)
    after = led()
    handle.remove()
    return dict(zip(DECIDED_BY, (1 - after / before).tolist(), strict=True))


def test_both_features_beat_each_alone() -> None:
    results = hypotest.controls.havae(0).log[-1]
    for alone in ("meaning", "prosody"):
        assert results[alone] < 0.14  # nine candidates share each feature: 1/9
        for both in ("HAVAE", "predecessor", "concatenation"):
            assert results[both] > results[alone] + 0.05


def test_each_feature_tells_its_own_foils_and_no_others() -> None:
    task = VerseTask.made(3)
    for feature, other in (("meaning", "prosody"), ("prosody", "meaning")):
        torch.manual_seed(0)
        model = Plain(feature)
        fit(model, task, 0, lambda _epoch, _loss: None)
        with torch.no_grad():
            given = model(task.alike_meaning, task.alike_prosody)
        lead = {name: given[start::2, :1] - given[start::2, 1:] for start, name in enumerate(DECIDED_BY)}
        assert (lead[feature] > 0).float().mean() > 0.8
        assert lead[other].abs().max() < 1e-4  # they share the feature exactly
        assert scores(model, task)[0] < 0.14


def test_the_predecessors_halves_are_separate() -> None:
    trained = hypotest.controls.havae_predecessor(0)
    module = trained.module.predecessor
    for feature, other in (("meaning", "prosody"), ("prosody", "meaning")):
        own = [unit for unit, part in enumerate(module.feature_of_unit) if part == feature]
        without = missing(module, trained.data, own)
        assert without[feature] > 0.9 and abs(without[other]) < 0.15


def test_no_unit_of_r_is_of_one_feature_in_havae() -> None:
    trained = hypotest.controls.havae(0)
    for part in np.array_split(np.arange(64), 4):
        without = missing(trained.module.havae, trained.data, part.tolist())
        assert all(share > 0.1 for share in without.values())


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
            before = missing_share(module(*args), network.rows.part(rows))
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
            after = missing_share(module(*args), network.rows.part(rows))
        handle.remove()
        change = group_changes(route_of(network), network, rows, means.numpy(), [np.array(members)], 1.0)
        assert np.allclose(change[:, 0], after - before, atol=1e-5)


def test_a_row_is_a_verse_and_foils_that_share_a_feature() -> None:
    network = hypotest.controls.havae(0).network
    assert network.n_neurons == 64 and network.layout.n_places == 9
    assert network.rows.frame["decided_by"].to_list()[:2] == ["prosody", "meaning"]
    meaning, prosody = network.inputs.of(np.arange(100))[0]
    assert torch.equal(meaning[::2], meaning[::2, :1].expand_as(meaning[::2]))
    assert torch.equal(prosody[1::2], prosody[1::2, :1].expand_as(prosody[1::2]))
    assert (prosody[::2, 1:] != prosody[::2, :1]).any(dim=(2, 3)).all()
    share = missing_share(torch.tensor([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), {"intact": [3.0, 2.0]})
    assert share.tolist() == pytest.approx([0.5, 1.0])  # led by 1.5 of 3, and by none


def test_an_untrained_network_leads_by_nothing() -> None:
    control = hypotest.controls.havae(0).control
    network = control.without_training(0).network
    assert set(network.rows.frame["intact"]) == {LEAST}
