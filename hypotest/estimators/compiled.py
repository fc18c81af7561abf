"""How functions are compiled; only what has loops that numpy cannot express is."""

from __future__ import annotations

from typing import Any

from numba import njit

__all__ = ["compiled"]


def compiled(function: Any) -> Any:
    """Compile at the first call, without Python's lock while it runs and without reordered additions.

    What is compiled is kept on disk, beside the source or in the user's cache; where neither can be written,
    in memory alone. It is made again when its own file changes, not when that of a function it calls does:
    compiled functions that call each other lie in one file, or the file says what to do.
    """
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba has found no place for its cache
        return njit(nogil=True, error_model="numpy")(function)
