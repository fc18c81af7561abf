"""JTAV trained: what it knows that no single modality does, and what it loses with each of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import hypotest
from hypotest.collect.network.ablation import group_changes, route_of
from hypotest.subjects.controls.control import Trained
from hypotest.subjects.controls.jtav.model import JTAV, MODALITIES
from hypotest.subjects.controls.jtav.questions import ASKED, label_loss
from hypotest.subjects.controls.jtav.songs import LABELS, PRIVATE, Songs, songs
from hypotest.subjects.controls.jtav.training import SongTask, fit, in_parts, scores

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained() -> Trained:
    return hypotest.controls.jtav(0)


def lesioned(whole: JTAV, unseen: Songs, units: str, members: list[int]) -> torch.Tensor:
    """Change of the loss of every label at every song with some units at their means, by a plain hook."""

    with torch.no_grad():
        vectors = whole.vectors(*unseen.inputs)

    def losses() -> torch.Tensor:
        with torch.no_grad():
            odds = whole.fusion(vectors)
        return torch.nn.functional.binary_cross_entropy_with_logits(odds, unseen.labels, reduction="none")

    seen: list[torch.Tensor] = []
    part = whole.fusion.get_submodule(units)
    handle = part.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    before = losses()
    handle.remove()

    def at_means(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[:, members] = seen[0].mean(dim=0)[members]
        return output

    handle = part.register_forward_hook(at_means)
    after = losses()
    handle.remove()
    return after - before


def test_the_fusion_knows_more_than_any_modality(trained: Trained) -> None:
    results = trained.log[-1]
    for name in MODALITIES:
        assert results["JTAV"] > results[name] + 0.15
        own = PRIVATE[name]
        assert results[f"{name}: {own}"] > 0.9
        for other in PRIVATE.values():
            assert other == own or abs(results[f"{name}: {other}"] - 0.5) < 0.06
        assert 0.6 < results[f"{name}: happy"] < results["JTAV: happy"] - 0.02
    assert abs(results["JTAV"] - results["concatenation"]) < 0.03
    odds = in_parts(trained.module, trained.data.unseen.inputs)
    score = scores(odds, trained.data.unseen)["happy"]
    assert score == pytest.approx(results["JTAV: happy"], abs=1e-6)


@pytest.mark.parametrize("units", ["modalities", "fused"])
def test_lesions_by_modality_take_private_labels_and_spare_the_others(trained: Trained, units: str) -> None:
    unseen = trained.data.unseen[torch.arange(600)]
    fusion = trained.module.fusion
    parts = {"modalities": fusion.modality_of_unit, "fused": fusion.modality_of_fused_unit}
    untrained = trained.control.without_training(0).module
    for modality, own in PRIVATE.items():
        members = [unit for unit, part in enumerate(parts[units]) if part == modality]
        damage = dict(
            zip(LABELS, lesioned(trained.module, unseen, units, members).mean(dim=0).tolist(), strict=True)
        )
        assert damage[own] > 0.3
        assert all(abs(damage[other]) < 0.05 for other in PRIVATE.values() if other != own)
        assert lesioned(untrained, unseen, units, members).mean(dim=0).abs().max() < 0.01


@pytest.mark.parametrize("units", ["modalities", "fused", "dense"])
def test_hypotests_lesions_are_those_of_plain_hooks(trained: Trained, units: str) -> None:
    network = {
        "modalities": hypotest.controls.jtav,
        "fused": hypotest.controls.jtav_fused,
        "dense": hypotest.controls.jtav_dense,
    }[units](0).network
    unseen = trained.data.unseen[torch.arange(200)]
    seen: list[torch.Tensor] = []
    handle = trained.module.fusion.get_submodule(units).register_forward_hook(
        lambda _module, _inputs, output: seen.append(output)
    )
    with torch.no_grad():
        trained.module(*unseen.inputs)
    handle.remove()
    members = [3, 8, 30]
    change = group_changes(
        route_of(network), network, np.arange(200), seen[0].mean(dim=0).numpy(), [np.array(members)], 1.0
    )
    expected = lesioned(trained.module, unseen, units, members)
    places = torch.tensor([LABELS.index(ASKED[row % 2]) for row in range(200)])
    assert np.allclose(change[:, 0], expected[torch.arange(200), places], atol=1e-5)


def test_a_row_is_a_song_and_one_label(trained: Trained) -> None:
    network = trained.network
    assert network.rows.frame["label"].to_list()[:3] == ["romantic", "electronic", "romantic"]
    unseen = trained.data.unseen
    for row in range(6):
        assert network.rows.frame["truth"][row] == int(unseen.labels[row, LABELS.index(ASKED[row % 2])])
    odds = torch.tensor([[2.0, 0, 0, 0, 0, 0], [0, -1.0, 0, 0, 0, 0]])
    loss = label_loss(odds, {"label": list(ASKED), "truth": [1, 0]})
    assert torch.allclose(loss, torch.log1p(torch.exp(torch.tensor([-2.0, -1.0]))))


def test_the_fusion_learns_and_encoders_stay() -> None:
    torch.manual_seed(1)
    model, some = JTAV().eval(), songs(128, np.random.default_rng(1))
    before = {name: item.clone() for name, item in model.state_dict().items()}
    losses: list[float] = []
    vectors = in_parts(model.vectors, some.inputs)
    fit(model.fusion, (vectors,), some.labels, 0, 12, lambda _epoch, loss: losses.append(loss))
    assert losses[-1] < losses[0] - 0.01
    after = model.state_dict()
    changed = {name.split(".")[0] for name, item in after.items() if not torch.equal(item, before[name])}
    assert changed == {"fusion"}


def test_songs_that_are_learned_from_are_no_others(trained: Trained) -> None:
    task, again = trained.data, SongTask.made(0)
    assert torch.equal(task.unseen.spectrograms, again.unseen.spectrograms)
    assert not torch.equal(task.training.spectrograms[:100], task.unseen.spectrograms[:100])
