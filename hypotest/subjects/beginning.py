"""The token with which a text begins for a model: what its tokenizer does by itself, and who needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypotest.errors import SubjectError

_NEED_IT = ("gemma",)
"""Beginnings of the names of families whose loss without it is that of another model."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How texts begin for a model."""

    by_itself: int | None
    """Token id that its tokenizer puts before a text; None if it puts nothing there."""
    token: int | None
    """Its beginning-of-sequence token; None if it has none."""
    is_needed: bool
    """Whether its family breaks without it."""


def beginning_of(tokenizer: Any, family: str, name: str) -> Beginning:
    """Ask a fast tokenizer, whose post-processor is what acts (``add_bos_token`` has made it).

    Args:
        tokenizer: The fast tokenizer.
        family: ``config.model_type``.
        name: Of the model, for errors.

    Raises:
        SubjectError: If it puts several tokens before a text.
    """
    encode = tokenizer.backend_tokenizer.encode
    plain, whole = (encode("a", add_special_tokens=special).ids for special in (False, True))
    added = next(
        (place for place in range(len(whole)) if whole[place : place + len(plain)] == plain), len(whole)
    )
    if added > 1:
        raise SubjectError(
            f"subject.model: the tokenizer of {name} puts {added} tokens before a text; write corpus.bos: "
            "true for its beginning-of-sequence token alone, or false for none"
        )
    token = tokenizer.bos_token_id
    return Beginning(
        by_itself=int(whole[0]) if added else None,
        token=None if token is None else int(token),
        is_needed=family.startswith(_NEED_IT),
    )
