"""JTAV: three encoders, fused by outer products; and the versions that it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.attention import AttentionPooling, MeanPooling
from hypotest.subjects.controls.jtav.encoders import DCRNN, AttBiGRU, CoverEncoder
from hypotest.subjects.controls.jtav.songs import LABELS

MODALITIES = ("text", "audio", "image")
WIDTH, DENSE = 24, 48
"""Of the vector of a modality; of the layer behind the fusion."""
Fusing = Literal["outer products", "concatenation"]


class OuterProducts(nn.Module):
    """Attention over the rows and over the columns of the outer product of each pair of vectors.

    The rows of x y' are x_i y: pooled, they are a number times y; the columns a number times x. So each
    half has the direction of one of the two vectors, and its length depends on both.

    Args:
        n: Vectors.
        width: Of each.
        attention: Without it, rows and columns count alike.
    """

    def __init__(self, n: int, width: int, *, attention: bool = True) -> None:
        super().__init__()
        self.pairs = list(combinations(range(n), 2))
        self.directions = tuple(which for one, other in self.pairs for which in (other, one))
        """Of which vector each half has the direction."""
        self.pools = nn.ModuleList(
            AttentionPooling(width, width, 32) if attention else MeanPooling() for _ in self.directions
        )

    def forward(self, vectors: Sequence[Tensor]) -> Tensor:
        """From vectors of shape (n, width) to (n, 2 x pairs x width)."""
        halves: list[Tensor] = []
        for one, other in self.pairs:
            product = vectors[one][:, :, None] * vectors[other][:, None, :]
            for matrix in (product, product.transpose(1, 2)):
                halves.append(self.pools[len(halves)](matrix))
        return torch.cat(halves, dim=1)


class Fusion(nn.Module):
    """From the vectors of modalities to labels.

    Its parts can be looked at: `modalities`, the vectors side by side; `fused`; `dense`, behind it.

    Args:
        looks_at: Modalities; a single one is not fused.
        fusing: How they are combined.
        attention: In the outer products.
    """

    def __init__(self, looks_at: Sequence[str], fusing: Fusing, *, attention: bool) -> None:
        super().__init__()
        self.looks_at = tuple(looks_at)
        self.modalities = nn.Identity()
        outer = fusing == "outer products" and len(self.looks_at) > 1
        self.products = OuterProducts(len(self.looks_at), WIDTH, attention=attention) if outer else None
        """None where vectors are concatenated."""
        self.fused = nn.Identity()
        width = WIDTH * (len(self.products.directions) if self.products else len(self.looks_at))
        self.dense = nn.Sequential(nn.Linear(width, DENSE), nn.ReLU())
        self.out = nn.Linear(DENSE, len(LABELS))

    def forward(self, vectors: Tensor) -> Tensor:
        """Log odds of every label, shape (n, 6), from shape (n, modalities x width)."""
        vectors = self.modalities(vectors)
        if self.products is not None:
            vectors = self.products(torch.split(vectors, WIDTH, dim=1))
        odds: Tensor = self.out(self.dense(self.fused(vectors)))
        return odds

    @property
    def modality_of_unit(self) -> list[str]:
        """Of `modalities`, the modality of each unit."""
        return [name for name in self.looks_at for _ in range(WIDTH)]

    @property
    def modality_of_fused_unit(self) -> list[str]:
        """Of `fused`, the modality whose direction each unit's half has."""
        halves = range(len(self.looks_at)) if self.products is None else self.products.directions
        return [self.looks_at[half] for half in halves for _ in range(WIDTH)]


class JTAV(nn.Module):
    """Labels of songs from text, sound and cover.

    Args:
        modalities: Those that it looks at.
        fusing: How it combines them.
        attention: In the text's encoder and in the fusion.
    """

    def __init__(
        self,
        modalities: Sequence[str] = MODALITIES,
        fusing: Fusing = "outer products",
        *,
        attention: bool = True,
    ) -> None:
        super().__init__()
        encoders: dict[str, nn.Module] = {
            "text": AttBiGRU(WIDTH, attention=attention),
            "audio": DCRNN(WIDTH),
            "image": CoverEncoder(WIDTH),
        }
        self.encoders = nn.ModuleDict({name: encoders[name] for name in modalities})
        self.fusion = Fusion(modalities, fusing, attention=attention)

    def vectors(self, lyrics: Tensor, captions: Tensor, spectrograms: Tensor, covers: Tensor) -> Tensor:
        """Vectors of the modalities side by side, shape (n, modalities x width); inputs as in `Songs`.

        Text and sound have length 1; the image keeps its own, as in the public code.
        """
        given = {"text": (lyrics, captions), "audio": (spectrograms,), "image": (covers,)}
        each = {name: encoder(*given[name]) for name, encoder in self.encoders.items()}
        scaled = [x if name == "image" else nn.functional.normalize(x) for name, x in each.items()]
        return torch.cat(scaled, dim=1)

    def forward(self, lyrics: Tensor, captions: Tensor, spectrograms: Tensor, covers: Tensor) -> Tensor:
        """Log odds of every label, shape (n, 6); inputs as in `Songs`."""
        odds: Tensor = self.fusion(self.vectors(lyrics, captions, spectrograms, covers))
        return odds


def fresh(seed: int) -> JTAV:
    """The network before training; the seed is that of torch's own generator."""
    return JTAV()
