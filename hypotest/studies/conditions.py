"""Whether a run's numbers must come out the same here to the last bit: versions and machine, then and now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from hypotest.pipeline.manifest import hardware, versions

_DRAWING = ("matplotlib", "numpy", "pillow")
_MACHINE = ("machine", "processor", "system", "cores")


def other_conditions(manifest: Mapping[str, Any], device: str | None = None) -> tuple[str, ...]:
    """What differs between a run and this process; empty where every bit should come out the same.

    Args:
        manifest: Of the run; what it does not name counts as different.
        device: Where the model runs now; None if it does not.
    """
    then = {
        "hypotest": manifest.get("hypotest"),
        **section(manifest, "versions"),
        **section(manifest, "hardware"),
    }
    now: dict[str, object] = {"hypotest": metadata.version("hypotest-nn"), **versions(), **hardware()}
    names = ["hypotest", *versions(), *_MACHINE]
    if device is not None:
        now["device"] = device
        names.append("device")
    return tuple(_compared(then, now, names))


def other_drawing(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs of that on which the bytes of a figure depend."""
    then = {
        "hypotest": manifest.get("hypotest"),
        **section(manifest, "versions"),
        **section(manifest, "hardware"),
    }
    now: dict[str, object] = {"hypotest": metadata.version("hypotest-nn"), **versions(), **hardware()}
    return tuple(_compared(then, now, ["hypotest", *_DRAWING, "machine"]))


def section(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a manifest, empty where it is missing or no mapping."""
    found = manifest.get(name)
    return found if isinstance(found, Mapping) else {}


def _compared(then: Mapping[str, Any], now: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    for name in names:
        if then.get(name) != now.get(name):
            was = "unknown" if then.get(name) is None else then[name]
            yield f"{name} {was} then, {now.get(name)} now"
