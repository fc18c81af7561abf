"""Networks that installed packages offer, by name: a protocol runs code of packages only."""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points

from hypotest.errors import SubjectError
from hypotest.subjects.network.network import Network

GROUP = "hypotest.subjects"
"""Entry points: ``my-network = "package.module:factory"``, a function without arguments that makes it."""


def offered_network(name: str) -> Network:
    """Make the network that a package offers under a name.

    Raises:
        SubjectError: If none does, or it cannot be made; names the nearest.
    """
    entries = {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda item: item.name)}
    if name not in entries:
        near = difflib.get_close_matches(name, entries, 3, 0.5)
        there = f"near are {', '.join(near)}" if near else f"there are {', '.join(entries) or 'none'}"
        raise SubjectError(
            f"subject.network: no installed package offers a network {name!r} (entry points {GROUP}); "
            f"{there}. In Python, give it as subject="
        )
    entry = entries[name]
    try:
        made = entry.load()()
    except SubjectError:
        raise
    except Exception as error:  # whatever a package does
        raise SubjectError(
            f"subject.network: {entry.value}, which offers {name!r}, cannot make it: {type(error).__name__}: "
            f"{error}"
        ) from error
    if not isinstance(made, Network):
        raise SubjectError(
            f"subject.network: {entry.value}, which offers {name!r}, must give a hypotest.Network; found "
            f"{type(made).__name__}"
        )
    return made
