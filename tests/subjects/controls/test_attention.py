"""Attention pooling against plain loops over rows, places and numbers."""

from __future__ import annotations

import math

import torch

from hypotest.subjects.controls.attention import AttentionPooling, MeanPooling


def test_is_what_plain_loops_give() -> None:
    torch.manual_seed(1)
    pool = AttentionPooling(places=4, width=3, hidden=5).double()
    torch.nn.init.normal_(pool.bias)  # zeros would hide it
    vectors = torch.randn(2, 4, 3, dtype=torch.float64)
    w, b, u = pool.project.weight.tolist(), pool.bias.tolist(), pool.context.tolist()
    pooled = pool(vectors).tolist()
    for row, x in enumerate(vectors.tolist()):
        scores = []
        for place in range(4):
            score = 0.0
            for h in range(5):
                total = b[place][h] + sum(x[place][i] * w[h][i] for i in range(3))
                score += u[h] / (1 + math.exp(-total))
            scores.append(score)
        every = sum(math.exp(score) for score in scores)
        for i in range(3):
            expected = sum(math.exp(scores[place]) / every * x[place][i] for place in range(4))
            assert math.isclose(pooled[row][i], expected, rel_tol=1e-12)


def test_weights_sum_to_one_and_know_the_place() -> None:
    torch.manual_seed(2)
    pool = AttentionPooling(places=3, width=2, hidden=4)
    same = torch.ones(1, 3, 2)
    assert torch.allclose(pool.weights(same), torch.full((1, 3), 1 / 3))
    torch.nn.init.normal_(pool.bias)
    weights = pool.weights(same)
    assert torch.allclose(weights.sum(), torch.tensor(1.0))
    assert weights.max() - weights.min() > 0.01


def test_gradient() -> None:
    torch.manual_seed(3)
    pool = AttentionPooling(places=3, width=2, hidden=4).double()
    vectors = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pool, (vectors,))
    pool(vectors).sum().backward()
    assert all(item.grad is not None and item.grad.abs().sum() > 0 for item in pool.parameters())


def test_without_attention_every_vector_counts_alike() -> None:
    vectors = torch.randn(2, 5, 3)
    assert torch.allclose(MeanPooling()(vectors), vectors.sum(dim=1) / 5)
