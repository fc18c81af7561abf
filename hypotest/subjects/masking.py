"""Encoders that predict a masked token: which they are, and what they are given at a row.

A row of a text is a place and the token behind it, the target. An encoder reads the whole block, the target
replaced by its mask token, and what it computes there is what counts: activations at the mask, the loss of
the target. One target is masked at a time, so that a row is what text and place make it, whichever other rows
were drawn; with several masks in a block each would hide the others' context. Every row is therefore a pass
of its own, where a decoder looks at all rows of a block in one.

What the tokenizer puts behind a text (``[SEP]``) ends each pass, behind the last token of text; nothing is
padded, since passes of one length are run together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import transformers
from numpy.typing import NDArray

from hypotest.errors import SubjectError

PADDING = -1
"""Behind the text of a short block of an encoder: it would read any token that stood there."""


def is_masked(config: Any) -> bool:
    """Whether a model of this configuration reads both ways and predicts masked tokens.

    Families of encoders that can be decoders say so (``is_decoder``).
    """
    known = type(config) in transformers.MODEL_FOR_MASKED_LM_MAPPING
    return known and not getattr(config, "is_decoder", False)


def model_class(config: Any) -> Any:
    """What loads a model of this configuration with the head that predicts tokens."""
    return transformers.AutoModelForMaskedLM if is_masked(config) else transformers.AutoModelForCausalLM


@dataclass(frozen=True, slots=True)
class Masking:
    """How a tokenizer marks what is to be predicted."""

    token: int
    """Its mask token."""
    ending: tuple[int, ...]
    """What it puts behind a text."""
    text: str = "[MASK]"
    """The mask token as it is written."""

    @classmethod
    def of(cls, tokenizer: Any, name: str) -> Masking:
        """Ask a fast tokenizer.

        Raises:
            SubjectError: If there is none, or it has no mask token.
        """
        if tokenizer is None:
            raise SubjectError(
                f"{name}: an encoder needs its fast tokenizer, whose mask token stands where the target was; "
                "pass tokenizer="
            )
        if tokenizer.mask_token_id is None:
            raise SubjectError(
                f"subject.model: {name} is an encoder, and its tokenizer has no mask token, which stands "
                "where the target was"
            )
        encode = tokenizer.backend_tokenizer.encode
        plain, whole = (encode("a", add_special_tokens=special).ids for special in (False, True))
        starts = range(len(whole) - len(plain) + 1)
        start = next((place for place in starts if whole[place : place + len(plain)] == plain), len(whole))
        return cls(
            int(tokenizer.mask_token_id), tuple(whole[start + len(plain) :]), str(tokenizer.mask_token)
        )

    def masked(self, block: NDArray[np.integer], index: int) -> NDArray[np.int64]:
        """What is run at a row.

        Args:
            block: Tokens of its block, shape (context,).
            index: Place before the target.

        Returns:
            The block's text with the target masked and the ending behind it, shape (length,).

        Examples:
            >>> Masking(9, (7,)).masked(np.array([1, 2, 3, 4, -1]), 1).tolist()
            [1, 2, 9, 4, 7]
        """
        ids = np.concatenate([block[block != PADDING], self.ending]).astype(np.int64)
        ids[index + 1] = self.token
        return ids
