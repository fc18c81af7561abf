"""Independent pieces of work on all cores; the same results on any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from hypotest.measures.submatrices import one_blas_thread
from hypotest.pipeline.pieces import KeptPieces, read_piece, write_piece
from hypotest.records.progress import StartStage, silent

Values = NDArray[np.float64]


class Workers:
    """Runs pieces of work on all cores and tells how far they are.

    Args:
        start_stage: Told of each stage and its pieces.
        kept: Where finished pieces are kept, and found if a run was killed.
    """

    def __init__(self, start_stage: StartStage = silent, kept: KeptPieces | None = None) -> None:
        self._start_stage = start_stage
        self._kept = kept

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
        step = self._start_stage(stage, len(calls))
        places = [] if self._kept is None else self._kept.stage(stage, len(calls))
        results = {
            number: found for number, place in enumerate(places) if (found := read_piece(place)) is not None
        }
        for _ in results:
            step()
        left = [number for number in range(len(calls)) if number not in results]
        parallel = Parallel(n_jobs=-1, prefer="threads", return_as="generator")
        # Set here for all threads: each restores what it found, and the last would restore another's limit.
        with one_blas_thread():
            computed = parallel(delayed(function)(**calls[number]) for number in left)
            for number, result in zip(left, computed, strict=True):
                if places:
                    write_piece(places[number], result)
                results[number] = result
                step()
        return [results[number] for number in range(len(calls))]


def chunks(length: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size`."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))
