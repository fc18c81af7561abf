"""Whether a run's numbers must come out the same here to the last bit: versions, machine and threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from hypotest.pipeline.registered.fence import code_hash
from hypotest.pipeline.registered.manifest import hardware, versions

_DRAWING = ("matplotlib", "numpy", "pillow")
_MACHINE = (
    "machine", "processor", "system", "cores", "torch_threads", "blas_threads", "thread_variables", "blas",
    "instructions",
)  # fmt: skip


def other_conditions(manifest: Mapping[str, Any], device: str | None = None) -> tuple[str, ...]:
    """What differs between a run and this process; empty where every bit should come out the same.

    Args:
        manifest: Of the run; what it does not name counts as different.
        device: Where the model runs now; None if it does not.
    """
    names = ["hypotest", "code", *versions(), *_MACHINE]
    if device is not None:
        names.append("device")
    return tuple(_compared(manifest, names, device))


def other_drawing(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs of that on which the bytes of a figure depend."""
    return tuple(_compared(manifest, ["hypotest", "code", *_DRAWING, "machine"]))


def section(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a manifest, empty where it is missing or no mapping."""
    part = manifest.get(name)
    return part if isinstance(part, Mapping) else {}


def recorded_networks(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a manifest says of each untrained network."""
    networks = section(manifest, "other_networks").get("networks")
    return [item for item in networks if isinstance(item, Mapping)] if isinstance(networks, list) else []


def shortened(digest: object) -> str:
    """The beginning of a hash, for a table."""
    return f"{str(digest)[:12]}..."


def _compared(manifest: Mapping[str, Any], names: list[str], device: str | None = None) -> Iterator[str]:
    then = {
        "hypotest": manifest.get("hypotest"),
        "code": section(manifest, "hashes").get("code"),
        **section(manifest, "versions"),
        **section(manifest, "hardware"),
    }
    now: dict[str, object] = {
        "hypotest": metadata.version("hypotest-nn"),
        "code": code_hash(
            section(manifest, "measures"), section(manifest, "nulls"), section(manifest, "predicates")
        ),
        **versions(),
        **hardware(),
        "device": device,
    }
    for name in names:
        if then.get(name) != now.get(name):
            was, is_now = (_named(name, of.get(name)) for of in (then, now))
            yield f"{name.replace('_', ' ')} {was} then, {is_now} now"


def _named(name: str, value: object) -> object:
    if value is None:
        return "unknown"
    if value == "":
        return "none"
    return shortened(value) if name == "code" else value
