"""Independent pieces of work on all cores; the same results on any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.blas import one_blas_thread
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.share import ALONE, Share

Values = NDArray[np.float64]


class Kept(Protocol):
    """Where finished pieces are kept."""

    def stage(self, name: str, n_pieces: int) -> list[Path]:
        """Where the pieces of a stage go; stages come in the same order in every run."""

    def read(self, place: Path) -> Values | None:
        """A finished piece; None if it is not there, or damaged."""

    def write(self, place: Path, values: Values) -> None:
        """Keep a finished piece."""


class Workers:
    """Runs pieces of work on all cores and tells how far they are.

    Args:
        start_stage: Told of each stage and its pieces.
        kept: Where finished pieces are kept, and found if a run was killed.
        share: Of this process, where several make the same pieces and keep them in the same place.
    """

    def __init__(
        self, start_stage: StartStage = silent, kept: Kept | None = None, share: Share = ALONE
    ) -> None:
        self.start_stage = start_stage
        self._kept = kept
        self._share = share

    def telling(self, start_stage: StartStage) -> Workers:
        """The same, telling another display of its pieces."""
        return Workers(start_stage, self._kept, self._share)

    def keeping(self, kept: Kept, share: Share = ALONE) -> Workers:
        """The same, with finished pieces kept, as a share of those that several processes make."""
        return Workers(self.start_stage, kept, share)

    def __call__(
        self, stage: str, function: Callable[..., Values], calls: Sequence[dict[str, Any]]
    ) -> list[Values]:
        """Call a function with each set of keywords, in threads, which need no copy of a layer's matrix.

        What a call returns must depend on its keywords alone; randomness comes as a generator of its own. The
        function should spend its time in numpy or compiled, and touch nothing global. Results are arrays, so
        that finished ones can be kept.
        """
        if len(calls) == 1:
            return [function(**calls[0])]
        step = self.start_stage(stage, len(calls))
        kept = self._kept
        places = [] if kept is None else kept.stage(stage, len(calls))
        order = self._share.order(len(calls), lambda number: kept is not None and places[number].exists())
        turn = Lock()

        def next_piece(_: int) -> tuple[int, Values]:
            with turn:
                number = next(order)
            piece = None if kept is None else kept.read(places[number])
            if piece is None:
                piece = function(**calls[number])
                if kept is not None:
                    kept.write(places[number], piece)
            return number, piece

        from joblib import effective_n_jobs  # a protocol is checked without it

        n_threads = min(effective_n_jobs(-1), len(calls))
        threads = ThreadPoolExecutor(n_threads) if n_threads > 1 else None
        results = {}
        # Set here for all threads: each restores what it found, and the last would restore another's limit.
        with one_blas_thread():
            try:
                mapped = map if threads is None else threads.map
                for number, piece in mapped(next_piece, range(len(calls))):
                    results[number] = piece
                    step()
            finally:
                if threads is not None:
                    threads.shutdown(cancel_futures=True)
        return [results[number] for number in range(len(calls))]


def chunks(length: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size`."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))
