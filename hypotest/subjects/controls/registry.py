"""Every control: the files of this folder that have `CONTROLS`; as functions in ``hypotest.controls``."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from hypotest.errors import ProtocolError
from hypotest.subjects.controls.control import Control, Trained

_PACKAGE = "hypotest.subjects.controls"


def _every() -> Mapping[str, Control]:
    names = sorted(item.name for item in pkgutil.iter_modules([str(Path(__file__).parent)]))
    homes = [import_module(f"{_PACKAGE}.{name}") for name in names if name != "registry"]
    controls = [item for home in homes for item in getattr(home, "CONTROLS", ())]
    return MappingProxyType({item.name: item for item in controls})


CONTROLS: Mapping[str, Control] = _every()
"""By name, in the order of files."""


def control_named(name: str) -> Control:
    """A control by its name, with hyphens or underscores.

    Raises:
        ProtocolError: If there is none; names the nearest.
    """
    wanted = name.replace("_", "-")
    if wanted not in CONTROLS:
        near = get_close_matches(wanted, CONTROLS, 3, 0.5)
        there = f"near are {', '.join(near)}" if near else f"there are {', '.join(CONTROLS)}"
        raise ProtocolError(f"no network of known organisation is called {name!r}; {there}")
    return CONTROLS[wanted]


class KnownNetworks:
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


controls = KnownNetworks()
"""All of them."""
