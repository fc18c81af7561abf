"""How JTAV and the versions that it is compared with learn, and how well they do.

In two stages, as in the public code: each encoder learns all labels alone, with a dense layer of its own;
then the fusion learns them from the vectors that the encoders give, which no longer change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from hypotest.subjects.controls.jtav.model import JTAV, MODALITIES
from hypotest.subjects.controls.jtav.songs import LABELS, Songs, songs
from hypotest.subjects.controls.recipe import Log

TRAINING, UNSEEN = 3000, 2000
"""Songs."""
EPOCHS, FUSION_EPOCHS = 8, 10
"""Of an encoder; of a fusion."""
BATCH, RATE = 64, 3e-3


@dataclass(frozen=True, slots=True)
class SongTask:
    """Songs to learn from, and songs that no network ever learns from."""

    training: Songs
    unseen: Songs

    @classmethod
    def made(cls, seed: int) -> SongTask:
        """From a seed."""
        rng = np.random.default_rng(seed)
        return cls(songs(TRAINING, rng), songs(UNSEEN, rng))


def train(model: nn.Module, task: SongTask, seed: int, log: Log) -> None:
    """Train a JTAV, and beside it the versions that its score is compared with.

    Args:
        model: A fresh one of all modalities, changed in place.
        task: The songs.
        seed: Of their order.
        log: Told of the loss of every epoch; in the end of the scores of all versions: mean area under the
            curve over the labels of unseen songs, and that of each label.
    """
    assert isinstance(model, JTAV)
    alone = {name: JTAV((name,)) for name in MODALITIES}
    alone["text without attention"] = JTAV(("text",), attention=False)
    for name, one in alone.items():
        fit(one, task.training.inputs, task.training.labels, seed, EPOCHS, partial(_named, log, name))
    versions = {
        "JTAV": model,
        "concatenation": JTAV(fusing="concatenation"),
        "no attention": JTAV(attention=False),
    }
    unseen: dict[str, Tensor] = {}
    for name, version in versions.items():
        encoders = {key: alone[key].encoders[key] for key in MODALITIES}
        if name == "no attention":
            encoders["text"] = alone["text without attention"].encoders["text"]
        version.encoders.load_state_dict(nn.ModuleDict(encoders).state_dict())
        version.eval()
        vectors = in_parts(version.vectors, task.training.inputs)
        unseen[name] = in_parts(version.vectors, task.unseen.inputs)
        fit(version.fusion, (vectors,), task.training.labels, seed, FUSION_EPOCHS, partial(_named, log, name))
    odds = {name: in_parts(one, task.unseen.inputs) for name, one in alone.items()}
    odds |= {name: in_parts(version.fusion, (unseen[name],)) for name, version in versions.items()}
    results: dict[str, float] = {}
    for name, given in odds.items():
        each = scores(given, task.unseen)
        results[name] = float(np.mean(list(each.values())))
        results |= {f"{name}: {label}": score for label, score in each.items()}
    log(results)


def fit(
    model: nn.Module,
    inputs: Sequence[Tensor],
    labels: Tensor,
    seed: int,
    epochs: int,
    log: Callable[[int, float], None],
) -> None:
    """Train a network in place by Adam; it is in evaluation mode afterwards.

    Args:
        model: Gives log odds of labels.
        inputs: Rows first.
        labels: 0 or 1, shape (n, labels).
        seed: Of the order of the rows.
        epochs: Passes over them.
        log: Told of the number of each pass and its mean cross-entropy of a label, in nats.
    """
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    model.train()
    for epoch in range(1, epochs + 1):
        total = 0.0
        for rows in torch.split(torch.randperm(len(labels), generator=order), BATCH):
            odds = model(*(item[rows] for item in inputs))
            loss = nn.functional.binary_cross_entropy_with_logits(odds, labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += float(loss.detach()) * len(rows)
        log(epoch, total / len(labels))
    model.eval()


@torch.no_grad()
def in_parts(function: Callable[..., Tensor], inputs: Sequence[Tensor]) -> Tensor:
    """A function of many rows, 256 at a time."""
    parts = torch.split(torch.arange(len(inputs[0])), 256)
    return torch.cat([function(*(item[rows] for item in inputs)) for rows in parts])


def scores(odds: Tensor, unseen: Songs) -> dict[str, float]:
    """Area under the curve of each label; 0.5 is chance."""
    return {
        label: float(roc_auc_score(unseen.labels[:, place].numpy(), odds[:, place].numpy()))
        for place, label in enumerate(LABELS)
    }


def _named(log: Log, name: str, epoch: int, loss: float) -> None:
    log({"epoch": epoch, f"loss of {name}": loss})
