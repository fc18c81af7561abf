"""JTAV as a subject: each row is a song that no network learned from, and one label that is asked of it.

The network under test is the fusion, and a row's input the vectors that its encoders give for the song: they
run once, and not for every lesion behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.jtav.model import JTAV
from hypotest.subjects.controls.jtav.songs import LABELS, PRIVATE
from hypotest.subjects.controls.jtav.training import SongTask, in_parts
from hypotest.subjects.network.network import Network

ASKED = (PRIVATE["text"], PRIVATE["audio"])
"""Labels, asked of songs in turn: one that text alone carries, one that sound alone carries."""


def label_loss(output: Tensor, rows: Any) -> Tensor:
    """Cross-entropy of the label that a row asks about, in nats."""
    asked = torch.tensor([LABELS.index(label) for label in rows["label"]], device=output.device)
    odds = output[torch.arange(len(asked), device=output.device), asked]
    truth = torch.as_tensor(rows["truth"], dtype=output.dtype, device=output.device)
    return nn.functional.binary_cross_entropy_with_logits(odds, truth, reduction="none")


def as_subject(
    module: JTAV, task: SongTask, *, units: str, name: str, asked: Sequence[str] = ASKED
) -> Network:
    """Units of a JTAV, at unseen songs that are asked about labels in turn.

    Args:
        module: In evaluation mode.
        task: The songs.
        units: `modalities`, `fused` or `dense`.
        name: Of the control.
        asked: Labels.
    """
    songs = task.unseen
    numbers = torch.arange(len(songs)) % len(asked)
    labels = [asked[number] for number in numbers.tolist()]
    places = torch.tensor([LABELS.index(label) for label in labels])
    rows = {
        "label": labels,
        "truth": songs.labels[torch.arange(len(songs)), places].int().tolist(),
    }
    fusion = module.fusion
    own = {"modalities": fusion.modality_of_unit, "fused": fusion.modality_of_fused_unit}
    return Network(
        fusion,
        units=units,
        rows=rows,
        inputs=in_parts(module.vectors, songs.inputs),
        outcome=label_loss,
        partition=own.get(units),
        name=name,
    )
