"""Products of all pairs of a layer's neurons: one rule for how the sum of each is taken.

A product of a matrix with its own transpose, cut into blocks of fixed size, each of them computed by one
BLAS thread: its last bits do not depend on how many threads share the blocks. What is done with an entry
afterwards is done to its block while that is in the processor's cache, and to one triangle; the other is its
mirror image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.blas import blas_threads, one_blas_thread

BLOCK = 512
"""Rows and columns of a block: large enough for BLAS to be fast, small enough for the processor's cache."""

Item = TypeVar("Item")
Finish = Callable[[NDArray[np.float64], slice, slice], None]
"""Changes a block of products in place, given which rows and which columns of the layer it holds; must treat
rows and columns alike."""


def products_of_pairs(vectors: NDArray[np.float64], finish: Finish) -> NDArray[np.float64]:
    """The scalar product of every pair of vectors, each block of them finished in place.

    Args:
        vectors: Shape (n_neurons, n).
        finish: What is done with the products.

    Returns:
        Shape (n_neurons, n_neurons), exactly symmetric, the same on any number of threads.

    Examples:
        >>> def halve(block, rows, columns):
        ...     block /= 2
        >>> products_of_pairs(np.array([[1.0, 3.0], [0.0, 2.0]]), halve).tolist()
        [[5.0, 3.0], [3.0, 2.0]]
    """
    size = len(vectors)
    result = np.empty((size, size))
    blocks = [slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
    pairs = [(rows, columns) for place, rows in enumerate(blocks) for columns in blocks[place:]]

    def compute(pair: tuple[slice, slice]) -> None:
        rows, columns = pair
        # a block with its own transpose numpy knows to be symmetric: half the work, and exactly so
        block = vectors[rows] @ vectors[columns].T
        finish(block, rows, columns)
        result[rows, columns] = block
        if rows != columns:
            result[columns, rows] = block.T

    in_threads(compute, pairs)
    return result


def in_threads(function: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Call a function with each item, on as many threads as BLAS would use, one BLAS thread to each."""
    n_threads = min(blas_threads(), len(items))
    with one_blas_thread():
        if n_threads <= 1:
            for item in items:
                function(item)
            return
        with ThreadPoolExecutor(n_threads) as threads:
            list(threads.map(function, items))
