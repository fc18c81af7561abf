"""The language model of experts as a subject: each row is a window of an unseen file."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hypotest.subjects.controls.language.model import EXPERTS, UNITS
from hypotest.subjects.controls.language.texts import KINDS, CodeAndProse, coded
from hypotest.subjects.controls.language.training import window_loss
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.units import Units


def decoded(codes: Tensor) -> str:
    r"""The characters of numbers, as `coded` gives them.

    Examples:
        >>> decoded(torch.tensor([65, 0, 66, 95]))
        'a b\n'
    """
    return "".join(map(chr, (codes + 32).tolist())).replace("\x7f", "\n")


def loss_of_window(logits: Tensor, rows: Any) -> Tensor:
    """Mean cross-entropy of the characters of the second half of each row's window, in nats, shape (n,).

    Args:
        logits: Of each next character, shape (n, window, characters).
        rows: With the column `text`: a window, and the character behind it.
    """
    follows = [torch.from_numpy(coded(item)[1:]) for item in rows["text"]]
    return window_loss(logits, torch.stack(follows).to(logits.device))


def as_subject(module: nn.Module, data: CodeAndProse, *, name: str) -> Network:
    """The units of all experts behind the gate; windows of one file depend on each other.

    Args:
        module: An `ExpertLanguageModel`.
        data: Its text.
        name: Of the control.
    """
    rows: dict[str, Any] = {
        "kind": [KINDS[item] for item in data.x[:, 0].tolist()],
        "file": list(data.file),
        "text": [decoded(item) for item in torch.cat([data.x[:, 1:], data.y[:, -1:]], dim=1)],
    }
    return Network(
        module,
        units=Units("units", axis=-1),
        rows=rows,
        inputs=data.x,
        outcome=loss_of_window,
        clusters="file",
        partition=[f"expert {unit // UNITS}" for unit in range(EXPERTS * UNITS)],
        name=name,
    )
