"""How HAVAE and the versions that it is compared with learn, and how well they find the next line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hypotest.subjects.controls.havae.lexicon import lexicon
from hypotest.subjects.controls.havae.model import HAVAE, Both, Plain, Ranker
from hypotest.subjects.controls.havae.vectors import Vectors
from hypotest.subjects.controls.havae.verse import KINDS, Queries, differing, queries
from hypotest.subjects.controls.recipe import Log

TRAINING, UNSEEN = 6000, 2000
"""Verses."""
FOILS = 8
"""Of each verse that is learned from, drawn from its 29."""
EPOCHS, BATCH, RATE = 20, 64, 2e-3
AUTOENCODING = 0.1
"""Weight of the autoencoder's cost beside the label's."""


@dataclass(frozen=True, slots=True, eq=False)
class VerseTask:
    """Verses to learn from, and verses that no network ever learns from."""

    vectors: Vectors
    meaning: Tensor
    """Of what is learned from, the true line first: (TRAINING, 1 + FOILS, width)."""
    prosody: Tensor
    """(TRAINING, 1 + FOILS, 2, width)."""
    unseen: Queries
    unseen_meaning: Tensor
    """(UNSEEN, 30, width)."""
    unseen_prosody: Tensor
    """(UNSEEN, 30, 2, width)."""
    alike: Queries
    """The unseen verses with foils that share a feature with the true line: meaning and prosody in turn."""
    alike_meaning: Tensor
    """(UNSEEN, 1 + FOILS, width)."""
    alike_prosody: Tensor
    """(UNSEEN, 1 + FOILS, 2, width)."""

    @classmethod
    def made(cls, seed: int) -> VerseTask:
        """From a seed."""
        rng = np.random.default_rng(seed)
        words = lexicon(rng)
        training, unseen = queries(TRAINING, rng), queries(UNSEEN, rng)
        vectors = Vectors.fitted(training, words, rng)
        meaning, prosody = vectors.of(training, _some_foils(rng))
        alike = differing(unseen, np.arange(UNSEEN) % 2 == 0, FOILS, rng)
        given = (vectors.of(verses, _every(verses)) for verses in (unseen, alike))
        (one, two), (three, four) = (map(torch.from_numpy, item) for item in given)
        learned = torch.from_numpy(meaning), torch.from_numpy(prosody)
        return cls(vectors, *learned, unseen, one, two, alike, three, four)


def _every(verses: Queries) -> NDArray[np.int64]:
    """All candidates of every verse."""
    n = verses.candidates.shape[1]
    return np.broadcast_to(np.arange(n), (len(verses.candidates), n))


def _some_foils(rng: np.random.Generator) -> NDArray[np.int64]:
    """The true line and some foils of every verse that is learned from."""
    foils = rng.permuted(np.broadcast_to(np.arange(1, KINDS.size), (TRAINING, KINDS.size - 1)), axis=1)
    return np.column_stack([np.zeros(TRAINING, dtype=np.int64), foils[:, :FOILS]])


def train(model: nn.Module, task: VerseTask, seed: int, log: Log) -> None:
    """Train HAVAE and its predecessor, and beside them the versions that their scores are compared with.

    Args:
        model: A fresh `Both`, changed in place.
        task: The verses.
        seed: Of their order.
        log: Told of the loss of every epoch; in the end of the scores of all versions on unseen verses.
    """
    assert isinstance(model, Both)
    versions: dict[str, Ranker] = {
        "meaning": Plain("meaning"),
        "prosody": Plain("prosody"),
        "concatenation": Plain("meaning", "prosody"),
        "HAVAE without attention": HAVAE(attention=False),
        "HAVAE": model.havae,
        "predecessor": model.predecessor,
    }
    results: dict[str, float] = {}
    for name, version in versions.items():
        fit(version, task, seed, partial(_named, log, name))
        recall, rank = scores(version, task)
        results |= {name: recall, f"{name}: mean reciprocal rank": rank}
    log(results)


def fit(model: Ranker, task: VerseTask, seed: int, log: Callable[[int, float], None]) -> None:
    """Train a network in place by Adam; it is in evaluation mode afterwards.

    Args:
        model: A fresh one.
        task: The verses.
        seed: Of their order, and of what its encoder draws.
        log: Told of the number of each pass over the verses and its mean cross-entropy of a label, in nats.
    """
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    truth = torch.zeros(1 + FOILS)
    truth[0] = 1
    model.train()
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for rows in torch.split(torch.randperm(TRAINING, generator=order), BATCH):
            judged = model.judged(task.meaning[rows], task.prosody[rows])
            labels = truth.expand_as(judged.scores)
            label_loss = nn.functional.binary_cross_entropy_with_logits(judged.scores, labels)
            optimiser.zero_grad()
            (label_loss + AUTOENCODING * judged.cost.mean()).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += float(label_loss.detach()) * len(rows)
        log(epoch, total / TRAINING)
    model.eval()


@torch.no_grad()
def scores(model: Ranker, task: VerseTask) -> tuple[float, float]:
    """How often the true line is first of the thirty, and its mean reciprocal rank (chance: 0.033, 0.133).

    Among candidates of one score the order is drawn by lot: the expected share is given, and the mean rank.
    """
    rows = torch.split(torch.arange(UNSEEN), 250)
    given = torch.cat([model(task.unseen_meaning[some], task.unseen_prosody[some]) for some in rows])
    ahead = (given[:, 1:] > given[:, :1]).sum(dim=1)
    equal = (given[:, 1:] == given[:, :1]).sum(dim=1)
    first = (ahead == 0) / (1.0 + equal)
    return float(first.mean()), float((1 / (1 + ahead + equal / 2)).mean())


def _named(log: Log, name: str, epoch: int, loss: float) -> None:
    log({"epoch": epoch, f"loss of {name}": loss})
