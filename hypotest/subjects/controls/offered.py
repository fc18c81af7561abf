"""The controls as functions, as ``hypotest.controls`` has them."""

from __future__ import annotations

from collections.abc import Callable

from hypotest.subjects.controls.control import Trained
from hypotest.subjects.controls.registry import CONTROLS


class Controls:
    """Networks whose organisation is known, by name.

    ``hypotest.controls.two_blocks(seed=1)`` gives one with its data: ``.network`` for any protocol,
    ``.module``, ``.data``, ``.log`` of its training. It is trained on first use, and kept in the cache.
    """

    def __getattr__(self, name: str) -> Callable[[int], Trained]:
        """The function of a name."""
        if name.replace("_", "-") not in CONTROLS:
            raise AttributeError(f"hypotest.controls has no {name!r}; there are {', '.join(dir(self))}")
        return CONTROLS[name.replace("_", "-")].trained

    def __dir__(self) -> list[str]:
        """All of them."""
        return [name.replace("-", "_") for name in CONTROLS]


controls = Controls()
"""All of them."""
