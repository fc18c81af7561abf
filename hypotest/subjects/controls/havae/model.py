"""HAVAE, its predecessor, and the versions that they are compared with.

All of them give every candidate a score, the log odds that it is the next line. They differ in what stands
before the score: r, the representation that the paper's claims are about.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.attention import AttentionPooling, MeanPooling
from hypotest.subjects.controls.havae.vectors import WIDTH

LATENT = 64
FEATURES = ("meaning", "prosody")


class Judged(NamedTuple):
    """What a network makes of candidates."""

    scores: Tensor
    """Log odds that a candidate is the next line, shape (..., )."""
    cost: Tensor
    """What its autoencoder adds to the loss of a candidate, same shape; 0 without one."""


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """From a standard normal distribution, mean over dimensions: (exp(v) + m^2 - 1 - v) / 2."""
    return 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).mean(dim=-1)


def negative_log_density(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of a normal distribution at x, mean over dimensions: (log 2 pi + v + (x - m)^2 exp(-v)) / 2."""
    parts = math.log(2 * math.pi) + log_variance + (x - mean).square() * (-log_variance).exp()
    return 0.5 * parts.mean(dim=-1)


class Variational(nn.Module):
    """A variational encoder, whose mean tells the label: z ~ N(m(r), exp v(r)), both through tanh.

    Args:
        width: Of r.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mean = nn.Sequential(nn.Linear(width, LATENT), nn.Tanh())
        self.log_variance = nn.Sequential(nn.Linear(width, LATENT), nn.Tanh())
        self.label = nn.Linear(LATENT, 1)

    def forward(self, r: Tensor) -> Tensor:
        """The score, from the mean."""
        score: Tensor = self.label(self.mean(r)).squeeze(-1)
        return score

    def drawn(self, r: Tensor) -> tuple[Tensor, Tensor]:
        """A draw of z, and the divergence of what it is drawn from."""
        mean, log_variance = self.mean(r), self.log_variance(r)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean) if self.training else mean
        return z, divergence(mean, log_variance)


class HAVAE(nn.Module):
    """Attention over both prosodic vectors, then over meaning and prosody, gives r; a decoder gives r again.

    r is a weighted sum of two vectors of one width: each of its units holds something of both.

    Args:
        attention: Without it both are plain means.
    """

    def __init__(self, *, attention: bool = True) -> None:
        super().__init__()
        pools = [AttentionPooling(2, WIDTH, WIDTH) if attention else MeanPooling() for _ in range(2)]
        self.prosody, self.features = pools
        self.r = nn.Identity()
        self.encoder = Variational(WIDTH)
        self.decoded_mean = nn.Sequential(nn.Linear(LATENT, WIDTH), nn.Tanh())
        self.decoded_log_variance = nn.Sequential(nn.Linear(LATENT, WIDTH), nn.Tanh())

    def represented(self, meaning: Tensor, prosody: Tensor) -> Tensor:
        """r, shape (..., width), from shapes (..., width) and (..., 2, width)."""
        r: Tensor = self.r(self.features(torch.stack([meaning, self.prosody(prosody)], dim=-2)))
        return r

    def judged(self, meaning: Tensor, prosody: Tensor) -> Judged:
        """Scores and costs, shape (...), inputs as in `represented`."""
        r = self.represented(meaning, prosody)
        z, cost = self.encoder.drawn(r)
        again = negative_log_density(r, self.decoded_mean(z), self.decoded_log_variance(z))
        return Judged(self.encoder(r), cost + again)

    def forward(self, meaning: Tensor, prosody: Tensor) -> Tensor:
        """Scores alone."""
        score: Tensor = self.encoder(self.represented(meaning, prosody))
        return score


class Predecessor(nn.Module):
    """Meaning and prosody side by side, each number gated by all of them, give r; both halves are decoded.

    The gates are sigmoids of a layer that reads both halves; the decoder draws what it gives, gates it in the
    same way, and is judged on each half.
    """

    def __init__(self) -> None:
        super().__init__()
        self.prosody = AttentionPooling(2, WIDTH, WIDTH)
        self.gate = nn.Linear(2 * WIDTH, 2 * WIDTH)
        self.r = nn.Identity()
        self.encoder = Variational(2 * WIDTH)
        self.decoded_mean = nn.Sequential(nn.Linear(LATENT, 2 * WIDTH), nn.Tanh())
        self.decoded_log_variance = nn.Sequential(nn.Linear(LATENT, 2 * WIDTH), nn.Tanh())
        self.decoded_gate = nn.Linear(2 * WIDTH, 2 * WIDTH)

    def joined(self, meaning: Tensor, prosody: Tensor) -> Tensor:
        """Both side by side, shape (..., 2 x width), from shapes (..., width) and (..., 2, width)."""
        return torch.cat([meaning, self.prosody(prosody)], dim=-1)

    def gated(self, joined: Tensor) -> Tensor:
        """r, of the same shape."""
        r: Tensor = self.r(joined * torch.sigmoid(self.gate(joined)))
        return r

    def judged(self, meaning: Tensor, prosody: Tensor) -> Judged:
        """Scores and costs, shape (...), inputs as in `joined`."""
        joined = self.joined(meaning, prosody)
        r = self.gated(joined)
        z, cost = self.encoder.drawn(r)
        mean, log_variance = self.decoded_mean(z), self.decoded_log_variance(z)
        drawn = mean + (log_variance / 2).exp() * torch.randn_like(mean) if self.training else mean
        decoded = drawn * torch.sigmoid(self.decoded_gate(drawn))
        halves = torch.split((joined - decoded).square(), WIDTH, dim=-1)
        return Judged(self.encoder(r), cost + halves[0].mean(dim=-1) + halves[1].mean(dim=-1))

    def forward(self, meaning: Tensor, prosody: Tensor) -> Tensor:
        """Scores alone."""
        score: Tensor = self.encoder(self.gated(self.joined(meaning, prosody)))
        return score

    @property
    def feature_of_unit(self) -> list[str]:
        """Of `r`, the feature that each unit holds."""
        return [feature for feature in FEATURES for _ in range(WIDTH)]


class Plain(nn.Module):
    """A dense layer over features side by side, without an autoencoder: what both must be better than.

    Args:
        features: Meaning, prosody, or both.
    """

    def __init__(self, *features: str) -> None:
        super().__init__()
        self.features = features
        self.prosody = AttentionPooling(2, WIDTH, WIDTH)
        self.dense = nn.Sequential(nn.Linear(len(features) * WIDTH, LATENT), nn.Tanh())
        self.label = nn.Linear(LATENT, 1)

    def judged(self, meaning: Tensor, prosody: Tensor) -> Judged:
        """Scores, shape (...), from shapes (..., width) and (..., 2, width); no costs."""
        given = {"meaning": meaning, "prosody": self.prosody(prosody)}
        score = self.label(self.dense(torch.cat([given[name] for name in self.features], dim=-1))).squeeze(-1)
        return Judged(score, torch.zeros_like(score))

    def forward(self, meaning: Tensor, prosody: Tensor) -> Tensor:
        """Scores alone."""
        return self.judged(meaning, prosody).scores


Ranker = HAVAE | Predecessor | Plain


class Both(nn.Module):
    """HAVAE and its predecessor, which learn from the same verses and never meet."""

    def __init__(self) -> None:
        super().__init__()
        self.havae, self.predecessor = HAVAE(), Predecessor()


def fresh(seed: int) -> Both:
    """The network before training; the seed is that of torch's own generator."""
    return Both()
