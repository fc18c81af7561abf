"""Where models can run on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch

from hypotest.errors import SubjectError

BALANCED = "balanced"
"""Of a model that is larger than one GPU: spread over all of them, as by ``device_map="auto"``."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device that PyTorch can use."""

    name: str
    """As ``device=`` takes it."""
    description: str
    memory: int | None
    """Bytes; None for the CPU, whose memory is the machine's, and where it is not known."""


def available_devices() -> tuple[Device, ...]:
    """The devices of this machine, the fastest first."""
    devices = []
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(number)
        devices.append(Device("cuda", properties.name, int(properties.total_memory)))
    if torch.backends.mps.is_available():
        devices.append(Device("mps", "Apple GPU", None))
    devices.append(Device("cpu", f"{torch.get_num_threads()} threads", None))
    return tuple(devices)


def resolve_device(name: str) -> torch.device:
    """Turn ``auto`` into the best device there is.

    Raises:
        SubjectError: If the device is not there.
    """
    there = {device.name for device in available_devices()}
    if name == "auto":  # never mps, which lacks float64
        return torch.device("cuda" if "cuda" in there else "cpu")
    if name not in there:
        usable = ", ".join(sorted(there | {BALANCED}))
        raise SubjectError(f"device={name} is not available on this machine; available: {usable}")
    return torch.device(name)


def require_balanced() -> None:
    """Say what is missing before a long download.

    Raises:
        SubjectError: If the library that spreads models is not installed.
    """
    if find_spec("accelerate") is None:
        raise SubjectError(
            f"device={BALANCED} needs the package accelerate; install it with pip install accelerate"
        )


def spread(model: Any) -> Any:
    """Spread a model that lies in the machine's memory over all GPUs, its blocks whole.

    Args:
        model: The ``transformers`` model; on a machine without GPUs it stays where it is.
    """
    from accelerate import dispatch_model, infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    whole = list(model._no_split_modules or ())
    memory = get_balanced_memory(model, no_split_module_classes=whole)
    return dispatch_model(model, infer_auto_device_map(model, memory, no_split_module_classes=whole))


def take_gpu(number: int) -> None:
    """Make one of several GPUs the one that ``cuda`` means in this process: of so many, each in its turn.

    Args:
        number: Of the process, counted from 0.
    """
    if torch.cuda.is_available() and torch.cuda.device_count() > 1:
        torch.cuda.set_device(number % torch.cuda.device_count())
