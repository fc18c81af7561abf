"""Which pieces of the same work a process makes, where several make it together.

They do not talk to each other: each makes every `of`-th piece, in order, and then, from the end, what others
have not made by then. Nobody claims a piece, so that a process which is killed leaves no claim behind, and
what it had not finished is made by another. Two processes meet at one piece of a stage, which is then made
twice, the same both times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """One of several processes."""

    number: int = 0
    """Counted from 0."""
    of: int = 1
    """How many there are; they need not all be at work."""

    def order(self, n_pieces: int, is_there: Callable[[int], bool]) -> Iterator[int]:
        """Every piece once, those of other processes as late as may be.

        Args:
            n_pieces: Numbered from 0.
            is_there: Whether a piece was made, by whomever; asked again whenever one of others is chosen.
        """
        yield from range(self.number, n_pieces, self.of)
        left = [piece for piece in range(n_pieces) if piece % self.of != self.number]
        while left:
            made = [piece for piece in left if is_there(piece)]
            yield from made
            left = [piece for piece in left if piece not in made]
            if left:  # from the end, and processes that have finished their own do not begin at the same
                yield left.pop(-1 - self.number * len(left) // self.of)


ALONE = Share()
"""Nobody else works on it."""
