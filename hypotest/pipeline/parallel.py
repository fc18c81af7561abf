"""Independent pieces of work on all cores; the same results on any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from hypotest.measures.submatrices import one_blas_thread
from hypotest.records.progress import StartStage, silent

Values = NDArray[np.float64]
Result = TypeVar("Result")


class Workers:
    """Runs pieces of work in worker processes and tells how far they are."""

    def __init__(self, start_stage: StartStage = silent) -> None:
        self._start_stage = start_stage

    def __call__(
        self,
        stage: str,
        function: Callable[..., Result],
        calls: Sequence[dict[str, Any]],
        *,
        threads: bool = False,
    ) -> list[Result]:
        """Call a function with each set of keywords, in worker processes if there are several.

        With ``threads``, in threads, which need no copy of a layer's matrix: for functions that spend their
        time in numpy and touch nothing global (igraph's random numbers are).

        What a call returns must depend on its keywords alone; randomness comes as a generator of its own.
        The function should live in a module that is quick to import, such as those of ``hypotest.measures``:
        every worker imports it.
        """
        if len(calls) == 1:
            return [function(**calls[0])]
        step = self._start_stage(stage, len(calls))
        results = []
        parallel = Parallel(n_jobs=-1, prefer="threads" if threads else None, return_as="generator")
        # Set here for all threads: each restores what it found, and the last would restore another's limit.
        with one_blas_thread() if threads else nullcontext():
            for result in parallel(delayed(function)(**keywords) for keywords in calls):
                results.append(result)
                step()
        return results


def chunks(length: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most `size`."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))
