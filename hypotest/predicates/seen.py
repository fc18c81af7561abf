"""Whether a token occurred before in its block: what induction can copy."""

from __future__ import annotations

import numpy as np
from pydantic import StrictBool

from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About, BoolArray, Rows


def bind(options: bool, about: About | None, setting: Setting) -> Bound:
    """Nothing of it depends on the tokenizer."""
    ahead = 1 if about == "target" else 0
    return Bound(lambda rows: seen_before(rows, ahead) == options)


def seen_before(rows: Rows, ahead: int) -> BoolArray:
    """Whether the token `ahead` places behind each row stands earlier in the block, shape (n_rows,)."""
    tokens = rows.blocks.tokens
    order = np.argsort(tokens, axis=1, kind="stable")  # equal tokens side by side, the first place first
    ordered = np.take_along_axis(tokens, order, axis=1)
    again = np.zeros(tokens.shape, dtype=bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    repeated = np.empty_like(again)
    np.put_along_axis(repeated, order, again, axis=1)
    return np.asarray(repeated[rows.block, rows.index + ahead])


PREDICATE = Predicate(
    name="seen",
    about=("target", "token"),
    options=StrictBool,
    words=PredicateWords(
        summary="the token occurred before in the block (`true`), or did not (`false`)",
        clause=lambda options, subject: (
            f"{subject} {'occurred' if options else 'did not occur'} before in the block"
        ),
    ),
    exchange="within_type",
    bind=bind,
)
