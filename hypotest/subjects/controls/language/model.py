"""Two blocks of attention; the second block's layer lies in experts."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.language.texts import CHARACTERS, WINDOW

ChosenBy = Literal["kind", "router"]
WIDTH, HEADS, DENSE = 64, 4, 128
"""Of the stream; of attention; units of the first block's layer."""
EXPERTS, UNITS = 4, 32
"""Of each expert."""


class CausalAttention(nn.Module):
    """Attention to the characters before."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.read, self.write = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, stream: Tensor) -> Tensor:
        """What is added to the stream, shape (n, window, width)."""
        n, length, _ = stream.shape
        three = self.read(self.norm(stream)).reshape(n, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = three.permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        written: Tensor = self.write(mixed.transpose(1, 2).reshape(n, length, WIDTH))
        return written


class ExpertLanguageModel(nn.Module):
    """Predicts the next character of code or prose.

    Of four experts one is chosen for each character: by the kind of the text (half of the experts for each,
    between them by parity of the character), or by a router that sees the stream alone. Units are those of
    all experts, behind the gate.

    Args:
        chosen_by: Whether the kind chooses, or a router that learns with the rest.
    """

    def __init__(self, chosen_by: ChosenBy) -> None:
        super().__init__()
        self.chosen_by = chosen_by
        self.characters, self.places = nn.Embedding(CHARACTERS, WIDTH), nn.Embedding(WINDOW, WIDTH)
        self.first, self.second = CausalAttention(), CausalAttention()
        self.dense = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, DENSE), nn.ReLU(), nn.Linear(DENSE, WIDTH)
        )
        self.norm, self.gate = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, EXPERTS)
        self.up, self.units = nn.Linear(WIDTH, EXPERTS * UNITS), nn.Identity()
        self.down = nn.Linear(EXPERTS * UNITS, WIDTH)
        self.last, self.out = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CHARACTERS)

    def extra_repr(self) -> str:
        """How characters are routed: part of what identifies the network."""
        return self.chosen_by

    def stream(self, x: Tensor) -> Tensor:
        """Before the experts, shape (n, window, width)."""
        stream = self.characters(x[:, 1:]) + self.places(torch.arange(x.shape[1] - 1, device=x.device))
        stream = stream + self.first(stream)
        stream = stream + self.dense(stream)
        both: Tensor = stream + self.second(stream)
        return both

    def scores(self, stream: Tensor) -> Tensor:
        """Of the router, for each expert, summing to 1; shape (n, window, experts)."""
        scores: Tensor = self.gate(self.norm(stream)).softmax(dim=-1)
        return scores

    def gates(self, x: Tensor, stream: Tensor) -> Tensor:
        """Weight of each expert, 0 of all but one; shape (n, window, experts)."""
        if self.chosen_by == "kind":
            return nn.functional.one_hot(2 * x[:, :1] + x[:, 1:] % 2, EXPERTS).to(stream)
        scores = self.scores(stream)
        best = scores.max(dim=-1, keepdim=True)
        return torch.zeros_like(scores).scatter(-1, best.indices, best.values)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the next character, shape (n, window, characters), from kind and window."""
        stream = self.stream(x)
        gates = self.gates(x, stream).repeat_interleave(UNITS, dim=-1)
        active = self.units(torch.relu(self.up(self.norm(stream))) * gates)
        logits: Tensor = self.out(self.last(stream + self.down(active)))
        return logits


def fresh(seed: int, *, chosen_by: ChosenBy) -> ExpertLanguageModel:
    """The network before training; the seed is that of torch's own generator."""
    return ExpertLanguageModel(chosen_by)
