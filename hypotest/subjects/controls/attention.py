"""Attention pooling, as the public code of JTAV and of HAVAE has it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AttentionPooling(nn.Module):
    """A weighted sum of vectors, with weights from the vectors themselves.

    h_i = sigmoid(x_i W + b_i),  a = softmax_i(h_i . u),  sum_i a_i x_i

    The hierarchical attention of Yang et al. [1] with two changes that both networks share: a sigmoid in the
    place of tanh, and a bias of its own for every place i, so that places differ even where vectors do not.

    Args:
        places: Vectors that are pooled.
        width: Numbers in each.
        hidden: Numbers in each h_i.

    References:
        [1] Yang et al. (2016), doi:10.18653/v1/N16-1174.
    """

    def __init__(self, places: int, width: int, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, hidden, bias=False)
        self.bias = nn.Parameter(torch.zeros(places, hidden))
        self.context = nn.Parameter(torch.randn(hidden) * (2 / hidden) ** 0.5)
        nn.init.kaiming_normal_(self.project.weight, nonlinearity="linear")

    def weights(self, vectors: Tensor) -> Tensor:
        """Of each vector, from shape (..., places, width): (..., places), summing to 1."""
        hidden = torch.sigmoid(self.project(vectors) + self.bias)
        return torch.softmax(hidden @ self.context, dim=-1)

    def forward(self, vectors: Tensor) -> Tensor:
        """Shape (..., places, width) to (..., width)."""
        return (self.weights(vectors).unsqueeze(-1) * vectors).sum(dim=-2)


class MeanPooling(nn.Module):
    """The same without attention: every vector counts alike."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Shape (..., places, width) to (..., width)."""
        return vectors.mean(dim=-2)
