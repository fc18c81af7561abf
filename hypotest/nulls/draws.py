"""How many groups are drawn, in words."""

from __future__ import annotations


def plain_draws(number: int, stop_after: int | None) -> str:
    """For a reader who knows the question.

    Examples:
        >>> plain_draws(9999, None)
        '9,999'
    """
    if stop_after is None:
        return f"{number:,}"
    return f"up to {number:,} (stopped early once {stop_after:,} in either tail are as extreme)"


def exact_draws(number: int, stop_after: int | None) -> str:
    """For the methods, which explain stopping elsewhere.

    Examples:
        >>> exact_draws(9999, 50)
        'up to 9,999'
    """
    return ("up to " if stop_after else "") + f"{number:,}"


RANDOM_GROUPS_LIMIT = (
    "Random groups answer whether the group is unlike other neurons of this layer. Where neurons are "
    "correlated or were selected for influence, they reject far more often than their level where the "
    "conditions make no difference (`hypotest calibrate` measures how often); such a p-value says "
    "nothing of them."
)
