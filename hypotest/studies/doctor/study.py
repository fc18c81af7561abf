"""What this machine has, what can be run on it, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from huggingface_hub import constants, scan_cache_dir
from huggingface_hub.errors import CacheNotFound
from packaging.requirements import Requirement

from hypotest.corpora.docstrings import EVALUATION_PACKAGES
from hypotest.corpora.hub import EXTRA, can_stream
from hypotest.engine.session import cache_folder
from hypotest.pipeline.registered.manifest import hardware
from hypotest.studies.doctor.record import Diagnosis, Observation
from hypotest.subjects.loading.devices import Device, available_devices
from hypotest.subjects.reference import REFERENCE, reference_card

DISTRIBUTION = "hypotest-nn"
ROOM = 5 * 10**9
"""Bytes of free disk below which evidence of a large model may not fit."""
SHARE_FOR_WEIGHTS = 0.6
"""Of the memory; evidence, text and libraries need the rest."""
_REFERENCE_RUN = 3 * 10**9
"""Bytes that the reference protocol takes at most, generously (`make bench`)."""


def examine_machine() -> Diagnosis:
    """Look at software, machine, storage and the reference model; nothing is downloaded or changed."""
    memory, devices = total_memory(), available_devices()
    parts = (
        _software(),
        _machine(memory, devices),
        _storage(),
        _reference(),
        _what_can_run(memory, devices),
    )
    return Diagnosis(tuple(item for part in parts for item in part))


def total_memory() -> int | None:
    """Bytes of the machine's memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _software() -> Iterator[Observation]:
    part = "software"
    yield Observation(part, "hypotest", metadata.version(DISTRIBUTION))
    yield Observation(part, "Python", platform.python_version())
    requirements = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or ()]
    needed = [item for item in requirements if item.marker is None or item.marker.evaluate({"extra": ""})]
    versions = {item.name: _version(item.name) for item in needed}
    fitting = [
        f"{item.name} {versions[item.name]}"
        for item in needed
        if versions[item.name] and item.specifier.contains(versions[item.name] or "", prereleases=True)
    ]
    yield Observation(part, "libraries", f"{len(fitting)} of {len(needed)} as needed: {', '.join(fitting)}")
    for item in needed:
        version = versions[item.name]
        advice = f"pip install '{item}'"
        if version is None:
            yield Observation(part, item.name, "not installed", "missing", advice)
        elif not item.specifier.contains(version, prereleases=True):
            yield Observation(part, item.name, f"{version}; needs {item.specifier}", "missing", advice)
    streaming = _version("datasets") if can_stream() else None
    if streaming is None:
        yield Observation(part, "datasets", "not installed; it streams texts from the Hub", "note", EXTRA)
    else:
        yield Observation(part, "datasets", f"{streaming}: texts can be streamed from the Hub")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _machine(memory: int | None, devices: tuple[Device, ...]) -> Iterator[Observation]:
    part = "machine"
    machine = hardware()
    yield Observation(
        part, "processor", f"{machine['processor'] or machine['machine']}, {machine['cores']} cores"
    )
    yield Observation(part, "memory", "unknown" if memory is None else _gigabytes(memory))
    for device in devices:
        size = "" if device.memory is None else f", {_gigabytes(device.memory)}"
        yield Observation(part, f"device {device.name}", f"{device.description}{size}")


def _storage() -> Iterator[Observation]:
    part = "storage"
    cache = cache_folder()
    name = "evidence cache"
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not os.access(place, os.W_OK):
        advice = "set HYPOTEST_CACHE to a folder that can be written"
        yield Observation(part, name, f"{cache} cannot be written", "missing", advice)
    else:
        free = shutil.disk_usage(place).free
        observed = f"{cache}: {_gigabytes(_size(cache))}, {_gigabytes(free)} free"
        short = free < ROOM
        advice = "make room, or set HYPOTEST_CACHE to a folder on another disk" if short else ""
        yield Observation(part, name, observed, "note" if short else "fine", advice)
    yield Observation(part, "Hugging Face cache", _hub_cache())
    if constants.HF_HUB_OFFLINE:
        observed = "HF_HUB_OFFLINE is set: models and texts come from caches or from folders"
        yield Observation(part, "Hugging Face Hub", observed, "note", "unset it to download")


def _hub_cache() -> str:
    folder = Path(constants.HF_HUB_CACHE)
    try:
        models = [item.repo_id for item in scan_cache_dir(folder).repos if item.repo_type == "model"]
    except (CacheNotFound, ValueError, OSError):
        models = []
    if not models:
        return f"{folder}: no models"
    more = f" and {len(models) - 5} more" if len(models) > 5 else ""
    return f"{folder}: {', '.join(sorted(models)[:5])}{more}"


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _reference() -> Iterator[Observation]:
    part = "reference"
    lacking = [name for name in ("config.json", "model.safetensors", "tokenizer.json", "card.json")
               if not (REFERENCE / name).is_file()]  # fmt: skip
    if lacking:
        observed = f"{REFERENCE} lacks {', '.join(lacking)}"
        yield Observation(part, "model", observed, "missing", "install hypotest again")
        return
    card = reference_card(REFERENCE)
    yield Observation(part, "model", f"{card['n_parameters']:,} parameters, ships with hypotest")
    pinned = {item["name"]: str(item["version"]) for item in card["evaluation_text"]["sources"]}
    other = []
    for name in EVALUATION_PACKAGES:
        version = _version(name)
        if version is None:
            yield Observation(part, "text", f"{name} is not installed", "missing", f"pip install {name}")
        elif version != pinned[name]:
            other.append(f"{name} {version} (pinned: {pinned[name]})")
    if other:
        advice = "numbers will differ from the published example; reports are stamped"
        yield Observation(part, "text", ", ".join(other), "note", advice)
    else:
        yield Observation(part, "text", f"docstrings of {len(EVALUATION_PACKAGES)} packages, as pinned")


def _what_can_run(memory: int | None, devices: tuple[Device, ...]) -> Iterator[Observation]:
    part = "what can run"
    enough = memory is None or memory >= _REFERENCE_RUN
    yield Observation(
        part,
        "reference protocols",
        "yes, in minutes" if enough else f"needs {_gigabytes(_REFERENCE_RUN)} of memory",
        "fine" if enough else "missing",
        "" if enough else "run it on a machine with more memory",
    )
    for device in devices:
        size = memory if device.memory is None else device.memory
        if size is not None:
            largest = SHARE_FOR_WEIGHTS * size / 4 / 1e9
            observed = f"models up to {largest:.1f} billion parameters in float32"
            yield Observation(part, f"on {device.name}", observed)
    if not any(device.name == "cuda" for device in devices):
        observed = "none; forward passes run on the processor"
        advice = "the last layer needs few of them; ablating earlier layers of large models takes long"
        yield Observation(part, "GPU", observed, "note", advice)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
