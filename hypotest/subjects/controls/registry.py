"""Every control: the files of this folder that have `CONTROLS`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from hypotest.errors import ProtocolError
from hypotest.subjects.controls.control import Control

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
