"""What can be checked in a second is checked in the first second: before text, weights or evidence.

What a protocol says of its network is checked when it is loaded
(`hypotest.registration.checks.configuration`); here is what a command adds to it: where results go, the
cache, the device, the numbers of its options. What depends on the text is found next, before any weights are
read (`hypotest.pipeline.prepare`).
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hypotest.engine.session import cache_folder
from hypotest.errors import OutputError, ProtocolError, RunError
from hypotest.pipeline.cache.quota import quota_bytes
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.stored.files import file_obstacle, require_run
from hypotest.report.results_file import require_schema

DEVICES = ("auto", "cpu", "cuda", "mps", "balanced")
"""What ``device`` can be, whether a machine has it or not."""
_LARGEST_SEED = 2**63


def check_command(
    *,
    out: str | Path | None = None,
    cache: bool = True,
    device: str | None = None,
    memory: float | None = None,
    seed: int | None = None,
) -> None:
    """Refuse a command that could not be finished, before it begins.

    Args:
        out: Folder that results go to, which need not be there; None where nothing is written.
        cache: Whether evidence will be kept in the cache.
        device: One of `DEVICES`; None where no model is run.
        memory: GB that ablation may take.
        seed: Instead of the protocol's.

    Raises:
        ProtocolError: If an option cannot be followed here: all that are wrong, at once; or the cache's
            quota.
        OutputError: If the cache cannot be written, or has reached its quota.
    """
    problems = []
    if out is not None and (obstacle := place_obstacle(out)):
        problems.append(f"out={out}: {obstacle}")
    if device is not None and (obstacle := device_obstacle(device)):
        problems.append(f"device={device}: {obstacle}")
    if memory is not None and not (math.isfinite(memory) and memory > 0):
        problems.append(f"memory={memory:g}: must be a finite number of GB above 0")
    if seed is not None and not 0 <= seed < _LARGEST_SEED:
        problems.append(f"seed={seed}: must be from 0 to 2**63 - 1, as in a protocol")
    if problems:
        raise ProtocolError("\n".join(problems))
    if cache and quota_bytes() is not None:
        from hypotest.pipeline.cache.full import require_quota_left  # what it imports takes its time

        require_quota_left(cache_folder())
    if cache and (obstacle := place_obstacle(cache_folder())):
        raise OutputError(f"the cache {cache_folder()}: {obstacle} in HYPOTEST_CACHE")


def no_bundle(file: Path) -> OutputError:
    """What is said of a file that is to be verified and is no zip."""
    return OutputError(
        f"{file}: must be the folder of a run, or a bundle of one; found a file that is no zip"
    )


_ZIP = b"PK\x03\x04"
"""How a file of zip begins."""


def check_verification(folder: Path, *, device: str | None, protocol: str | Path | None) -> None:
    """Refuse to verify what cannot be, before anything is loaded.

    Args:
        folder: Of a run, perhaps; or a file, perhaps a bundle of one.
        device: One of `DEVICES`; None where no model is run.
        protocol: The protocol's file, if one was named.

    Raises:
        ProtocolError: If there is no such device, or no such protocol.
        OutputError: If the folder is not that of a run, or of one that another version wrote.
    """
    check_command(device=device, cache=False)
    if protocol is not None and (obstacle := file_obstacle(protocol)):
        raise ProtocolError(f"protocol={protocol}: {obstacle}")
    if folder.is_file():
        with folder.open("rb") as file:
            if file.read(len(_ZIP)) == _ZIP:
                return
        raise no_bundle(folder)
    require_run(folder)
    results = folder / "results.json"
    with suppress(OSError, ValueError, RecursionError):  # a damaged run is for `verify` to describe
        data = json.loads(results.read_text(encoding="utf-8"))
        if isinstance(data, dict) and "schema_version" in data:
            require_schema(data["schema_version"], str(results))


def results_folder(protocol: Protocol, out: str | Path | None) -> Path:
    """What all studies of a protocol leave behind lies here: ``<out>/<protocol id>``."""
    return Path(out or "reports") / protocol.id


def require_single(protocol: Protocol, path: Path, command: str) -> None:
    """Refuse a series where one layer of one checkpoint is needed.

    Args:
        protocol: A valid protocol.
        path: Its file.
        command: What was asked for, such as ``register``.

    Raises:
        ProtocolError: If the protocol is a series.
    """
    if axes := protocol.subject.axes:
        axis, subject = axes[0], protocol.subject
        value = subject.models if axis == "model" else getattr(subject, axis)
        several = len(value) if isinstance(value, tuple) else value
        raise ProtocolError(
            f"{path} subject.{axis}: must be one {axis} for `hypotest {command}`; found {several}: name one "
            "(only `hypotest run` goes through a series)"
        )


def require_places(folder: Path, *names: str) -> None:
    """Refuse a folder in which files of these names could not be written.

    Raises:
        OutputError: With the first obstacle.
    """
    obstacle = place_obstacle(folder)
    wrong = [name for name in names if (folder / name).is_dir()]
    if wrong and not obstacle:
        obstacle = f"a folder stands where {wrong[0]} belongs: move it"
    if obstacle:
        raise OutputError(f"{folder}: {obstacle}")


def place_obstacle(folder: str | Path) -> str:
    """Why nothing can be written into a folder, which need not be there yet; empty if it can.

    The nearest folder that is there gets a temporary file, which goes again: permissions alone say nothing of
    a disk that is full or can only be read.
    """
    place = Path(folder).absolute()
    try:
        there = next(path for path in (place, *place.parents) if os.path.lexists(path))
        for part in place.relative_to(there).parts:
            with suppress(FileNotFoundError, NotADirectoryError):
                os.lstat(there / part)  # which fails otherwise for names that no folder can have
    except (OSError, ValueError) as error:
        return f"cannot be written: {getattr(error, 'strerror', None) or error}; name another folder"
    if not there.is_dir():
        return f"cannot be written: {there} is no folder; name another one"
    return _trial(there)


def device_obstacle(name: str) -> str:
    """Why no model can run on a device; empty if it can. A wrong name is refused without loading torch."""
    if name not in DEVICES:
        return f"there is no such device; name one of {', '.join(DEVICES)}"
    if name in ("auto", "cpu"):
        return ""
    from hypotest.subjects.loading.devices import available_devices, require_balanced  # loads torch

    if name == "balanced":
        try:
            require_balanced()
        except RunError as error:
            return str(error).removeprefix("device=balanced ")
        return ""
    there = sorted({device.name for device in available_devices()})
    return "" if name in there else f"is not available on this machine, which has {', '.join(there)}"


def _trial(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".hypotest-") as stream:
            stream.write(bytes(4096))
            stream.flush()
    except OSError as error:
        reason = error.strerror or str(error)
        return f"cannot be written: {reason} ({folder}); name a folder that can be written"
    return ""
