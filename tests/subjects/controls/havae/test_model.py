"""HAVAE and its predecessor: shapes, gradients, costs against formulas, r against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from hypotest.subjects.controls.havae.model import (
    HAVAE,
    Plain,
    Predecessor,
    Ranker,
    divergence,
    negative_log_density,
)
from hypotest.subjects.controls.havae.vectors import WIDTH


def given(n: int = 3, candidates: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    return (
        torch.randn(n, candidates, WIDTH, generator=generator, dtype=torch.float64),
        torch.randn(n, candidates, 2, WIDTH, generator=generator, dtype=torch.float64),
    )


def r_of(model: HAVAE | Predecessor, *inputs: torch.Tensor) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    handle = model.r.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.no_grad():
        model(*inputs)
    handle.remove()
    return seen[0]


MODELS = (HAVAE, lambda: HAVAE(attention=False), Predecessor, lambda: Plain("meaning", "prosody"))


@pytest.mark.parametrize("made", MODELS)
def test_a_score_and_a_cost_for_each_candidate_and_every_parameter_learns(made) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(1)
    model: Ranker = made().double()
    judged = model.judged(*given())
    assert judged.scores.shape == judged.cost.shape == (3, 4)
    (judged.scores.square().mean() + judged.cost.mean()).backward()
    still = [name for name, item in model.named_parameters() if item.grad is None or not item.grad.any()]
    assert still == []


def test_costs_are_those_of_normal_distributions() -> None:
    torch.manual_seed(2)
    mean, log_variance, x = torch.randn(3, 5), torch.randn(3, 5), torch.randn(3, 5)
    normal = Normal(mean, (log_variance / 2).exp())
    expected = kl_divergence(normal, Normal(torch.zeros(3, 5), torch.ones(3, 5)))
    assert torch.allclose(divergence(mean, log_variance), expected.mean(dim=1), atol=1e-6)
    assert torch.allclose(
        negative_log_density(x, mean, log_variance), -normal.log_prob(x).mean(dim=1), atol=1e-6
    )


def attended(pool, vectors: list[list[float]]) -> list[float]:  # type: ignore[no-untyped-def]
    w, b, u = pool.project.weight.tolist(), pool.bias.tolist(), pool.context.tolist()
    scores = [
        sum(
            u[h] / (1 + math.exp(-b[place][h] - sum(x * w[h][i] for i, x in enumerate(vector))))
            for h in range(len(u))
        )
        for place, vector in enumerate(vectors)
    ]
    every = sum(map(math.exp, scores))
    shares = [math.exp(score) / every for score in scores]
    return [
        sum(share * vector[i] for share, vector in zip(shares, vectors, strict=True)) for i in range(WIDTH)
    ]


def test_r_is_a_weighted_sum_of_both_features() -> None:
    torch.manual_seed(3)
    model, (meaning, prosody) = HAVAE().double().eval(), given(1, 1)
    torch.nn.init.normal_(model.features.bias)
    sound = attended(model.prosody, prosody[0, 0].tolist())
    expected = attended(model.features, [meaning[0, 0].tolist(), sound])
    assert np.allclose(r_of(model, meaning, prosody)[0, 0].tolist(), expected, rtol=1e-10)


def test_the_predecessors_r_is_both_features_side_by_side_gated() -> None:
    torch.manual_seed(4)
    model, (meaning, prosody) = Predecessor().double().eval(), given(1, 1)
    joined = [*meaning[0, 0].tolist(), *attended(model.prosody, prosody[0, 0].tolist())]
    w, b = model.gate.weight.tolist(), model.gate.bias.tolist()
    expected = [
        x / (1 + math.exp(-b[i] - sum(w[i][j] * other for j, other in enumerate(joined))))
        for i, x in enumerate(joined)
    ]
    assert np.allclose(r_of(model, meaning, prosody)[0, 0].tolist(), expected, rtol=1e-10)
    assert model.feature_of_unit == ["meaning"] * WIDTH + ["prosody"] * WIDTH


def test_only_training_draws_at_random() -> None:
    for model in (HAVAE().double(), Predecessor().double()):
        costs = [model.judged(*given()).cost for _ in range(2)]
        assert not torch.equal(*costs)
        model.eval()
        costs = [model.judged(*given()).cost for _ in range(2)]
        assert torch.equal(*costs)


def test_a_plain_network_of_one_feature_sees_no_other() -> None:
    model, (meaning, prosody) = Plain("meaning").double(), given()
    assert torch.equal(model(meaning, prosody), model(meaning, prosody + 1))
