"""Threads of the linear algebra beneath numpy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Small matrices gain nothing from threads and lose a factor of ten to them on a busy machine."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


def blas_threads() -> int:
    """Threads that BLAS would use: the cores, or what the user or a worker process allows it."""
    return max(
        (int(library["num_threads"]) for library in _controller().select(user_api="blas").info()), default=1
    )


@cache
def _controller() -> ThreadpoolController:
    """Found once: looking for the libraries of a process takes ten times as long as a small measure."""
    from threadpoolctl import ThreadpoolController  # a protocol is checked without it

    return ThreadpoolController()
