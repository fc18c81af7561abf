"""One network a modality: each turns what it is given into a vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.attention import AttentionPooling, MeanPooling
from hypotest.subjects.controls.jtav.lyrics import LINE, LINES, VOCABULARY
from hypotest.subjects.controls.jtav.spectrograms import BANDS, FRAMES

STEPS = LINES * LINE


class AttBiGRU(nn.Module):
    """Text: lyrics gated by their caption, two bidirectional GRUs, attention over their steps.

    The strongest of each feature over the caption's words, through a softmax layer, says how much each
    feature of the lyrics' words counts.

    Args:
        width: Of the vector.
        attention: Without it, steps count alike.
    """

    def __init__(self, width: int, *, attention: bool = True) -> None:
        super().__init__()
        words, half = 24, 16
        self.words = nn.Embedding(len(VOCABULARY), words)
        self.gate = nn.Linear(words, words)
        self.gated = nn.BatchNorm1d(words)
        self.first = nn.GRU(words, half, batch_first=True, bidirectional=True)
        self.second = nn.GRU(2 * half, half, batch_first=True, bidirectional=True)
        self.pool = AttentionPooling(STEPS, 2 * half, 2 * half) if attention else MeanPooling()
        self.out = nn.Linear(2 * half, width)

    def forward(self, lyrics: Tensor, captions: Tensor) -> Tensor:
        """From words of shapes (n, 24) and (n, 4) to (n, width)."""
        gate = torch.softmax(self.gate(self.words(captions).amax(dim=1)), dim=-1)
        gated = self.words(lyrics) * gate[:, None, :]
        states = self.gated(gated.transpose(1, 2)).transpose(1, 2)  # a softmax over features makes them small
        states = self.second(torch.relu(self.first(states)[0]))[0]
        vector: Tensor = torch.relu(self.out(self.pool(states)))
        return vector


class Bottleneck(nn.Module):
    """One step of a dense block: as many new channels as it grows, beside all that it was given."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, channels, ...) to (n, channels + growth, ...)."""
        return torch.cat([x, self.layers(x)], dim=1)


class DCRNN(nn.Module):
    """Sound: a convolution over 4 frames and 70 bands, dense blocks, two bidirectional GRUs over time.

    Args:
        width: Of the vector.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        first, growth, half = 16, 8, width // 2
        before = first + 2 * growth
        after = before // 2  # the transition keeps half of the channels
        self.convolutions = nn.Sequential(
            nn.BatchNorm2d(1, affine=False),
            nn.Conv2d(1, first, (4, 70), stride=2, padding=3, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.MaxPool2d(4, stride=2, padding=1),
            Bottleneck(first, growth),
            Bottleneck(first + growth, growth),
            nn.BatchNorm2d(before),
            nn.ReLU(),
            nn.Conv2d(before, after, 1, bias=False),
            nn.AvgPool2d(2),
            Bottleneck(after, growth),
            Bottleneck(after + growth, growth),
            nn.BatchNorm2d(after + 2 * growth),
        )
        bands = self.convolutions.eval()(torch.zeros(1, 1, FRAMES, BANDS)).shape[-1]
        self.convolutions.train()
        self.first = nn.GRU((after + 2 * growth) * bands, 2 * half, batch_first=True, bidirectional=True)
        self.second = nn.GRU(4 * half, half, batch_first=True, bidirectional=True)
        self.normed = nn.BatchNorm1d(2 * half)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """From log energies of shape (n, 64, 80) to (n, width)."""
        maps = self.convolutions(spectrograms[:, None])
        steps = maps.movedim(2, 1).flatten(2)  # time first: (n, steps, channels x bands)
        _, last = self.second(torch.relu(self.first(steps)[0]))
        vector: Tensor = self.normed(torch.relu(last.movedim(0, 1).flatten(1)))
        return vector


class CoverEncoder(nn.Module):
    """Image: convolutions and a dense layer, where the paper has the features of a pretrained DenseNet.

    Args:
        width: Of the vector.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 12, 5, stride=2, padding=2),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.Conv2d(12, 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 3 * 3, width),
            nn.ReLU(),
        )

    def forward(self, covers: Tensor) -> Tensor:
        """From colours of shape (n, 3, 24, 24) to (n, width)."""
        vector: Tensor = self.layers(covers)
        return vector
