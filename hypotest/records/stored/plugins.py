"""How nouns that are open are found: the files of a folder, and what installed packages add to them."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")


def discover(
    package: str,
    attribute: str,
    checked: Callable[[str, object, Mapping[str, T]], T],
    *,
    what: str = "",
) -> Mapping[str, T]:
    """Everything of a kind by name: our own in alphabetical order, then those of other packages.

    Args:
        package: Folder of our own, such as ``hypotest.measures``; also the group of entry points where
            installed packages name theirs: ``kurtosis = "package.module:MEASURE"``.
        attribute: What a file calls its object; files without it are no such thing.
        checked: Given name, object and what is known so far, gives the object of another package, or raises
            ValueError with the reason why it cannot be used.
        what: What warnings call it; by default as the attribute.
    """
    names = (item.name for item in pkgutil.iter_modules(import_module(package).__path__))
    modules = (import_module(f"{package}.{name}") for name in names)
    objects = [getattr(module, attribute) for module in modules if hasattr(module, attribute)]
    by_name: dict[str, T] = {item.name: item for item in objects}
    for entry in _entries(package):
        try:
            by_name[entry.name] = checked(entry.name, entry.load(), by_name)
        except Exception as error:  # whatever a package does when it is imported: the others are still there
            where = f"{what or attribute.lower()} {entry.name!r} of {entry.value}"
            message = f"{where} is left out: {type(error).__name__}: {error}"
            warnings.warn_explicit(message, UserWarning, entry.value, 1)  # no line of ours says more
    return MappingProxyType(by_name)


def require_place(name: str, own: str, interface: int, wanted: int, known: Iterable[str]) -> None:
    """Check what every kind of plug-in must have: a free name, its own, and this version of the interface.

    Raises:
        ValueError: If it has not.
    """
    if interface != wanted:
        raise ValueError(f"written for version {interface} of the interface; this is {wanted}")
    if own != name or name in known:
        taken = "which is taken" if name in known else f"but calls itself {own!r}"
        raise ValueError(f"is named {name!r}, {taken}")


def packages_of(group: str, names: Iterable[str]) -> dict[str, str]:
    """Which of these other packages bring -> the package and its version.

    Args:
        group: Of entry points.
        names: Of what is asked about.
    """
    asked = set(names)
    return {
        entry.name: f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
        for entry in _entries(group)
        if entry.name in asked
    }


def _entries(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda item: item.name)
