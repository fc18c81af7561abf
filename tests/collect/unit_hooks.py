"""Units of other kinds than neurons, read and ablated by plain forward hooks in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from hypotest.subjects.language_model import LanguageModel
from tests.collect.families import CONTEXT

Edit = Callable[[torch.Tensor], torch.Tensor]


def hooked(
    subject: LanguageModel, tokens: np.ndarray, module: str, edit: Edit | None = None, *, output: bool
) -> tuple[np.ndarray, torch.Tensor]:
    """Losses (n_blocks, context - 1), and what a module of the anatomy read or gave before it is edited."""
    model = subject.model.double()  # and back, which loses nothing; a copy would take ten times as long
    ids = torch.from_numpy(tokens.astype(np.int64))
    seen: list[torch.Tensor] = []

    def before(_module: object, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        seen.append(arguments[0].clone())
        return None if edit is None else (edit(arguments[0].clone()), *arguments[1:])

    def after(_module: object, _arguments: object, given: object) -> object:
        first = given[0] if isinstance(given, tuple) else given
        seen.append(first.clone())
        if edit is None:
            return given
        changed = edit(first.clone())
        return (changed, *given[1:]) if isinstance(given, tuple) else changed

    place = model.get_submodule(subject.anatomy.at(module, subject.layer))
    hook = place.register_forward_hook(after) if output else place.register_forward_pre_hook(before)
    try:
        with torch.no_grad():
            logits = model(ids).logits
    finally:
        hook.remove()
        model.float()
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return loss.numpy(), seen[0].reshape(*ids.shape, -1)


def at_every_token(replacement, columns: np.ndarray, n_blocks: int) -> torch.Tensor:
    """Replacements of some coordinates, shape (n_blocks, context, k)."""
    rows = [
        np.broadcast_to(replacement.within(b, CONTEXT)[:, columns], (CONTEXT, len(columns)))
        for b in range(n_blocks)
    ]
    return torch.from_numpy(np.stack(rows).astype(np.float64))
