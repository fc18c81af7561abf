"""What a model takes in memory, known from its configuration, and what there is."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import torch

from hypotest.errors import SubjectError
from hypotest.subjects.masking import model_class

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Limit and use of a container."""


def n_parameters(config: Any) -> int:
    """Parameters of the model that a configuration describes, shared ones once; nothing is allocated."""
    return sum(item.numel() for item in without_weights(config).parameters())


def without_weights(config: Any) -> Any:
    """The model that a configuration describes, whose parameters have shapes and take no memory."""
    own = copy.deepcopy(config)
    with torch.device("meta"):
        model = model_class(own).from_config(own)
    model.tie_weights()
    return model


def require_memory(config: Any, name: str, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse a model that does not fit, before its weights are downloaded or read.

    Args:
        config: Its configuration.
        name: As the protocol names it.
        dtype: Of its parameters, once loaded.
        device: That will hold them.

    Raises:
        SubjectError: If its parameters alone take more memory than there is; says how much of both.
    """
    there = free_memory(device)
    if there is None:
        return
    number = n_parameters(config)
    needed = number * torch.finfo(dtype).bits // 8
    if needed > there:
        where = "this machine has" if device.type == "cpu" else f"the device {device} has"
        other = "" if device.type == "cpu" else ", `device=balanced` where there are several GPUs"
        raise SubjectError(
            f"subject.model: {name} has {_count(number)} parameters, which take {needed / 1e9:.1f} GB in "
            f"{str(dtype).removeprefix('torch.')}, and {where} {there / 1e9:.1f} GB of memory left. Take a "
            f"smaller model or a machine with more memory{other}; half precision is too coarse for the "
            "effect of one neuron"
        )


def free_memory(device: torch.device) -> int | None:
    """Bytes that are left on a device, within what a container may use; None where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    limits = [value for value in (_of_machine(), _of_container()) if value is not None]
    return min(limits, default=None)


def _of_machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    try:  # systems without that file: all memory there is
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _of_container() -> int | None:
    for limit, use in _CGROUPS:
        try:
            return max(0, int(Path(limit).read_text()) - int(Path(use).read_text()) + _reclaimable(use))
        except (OSError, ValueError):  # no container, or "max"
            continue
    return None


def _reclaimable(use: str) -> int:
    """Files in memory that count as used, and that the kernel gives up when memory is needed."""
    try:
        lines = (Path(use).parent / "memory.stat").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.split()[0] in ("inactive_file",))
    except (OSError, ValueError, IndexError):
        return 0


def _count(number: int) -> str:
    return f"{number / 1e9:.1f} billion" if number >= 1e9 else f"{number / 1e6:.0f} million"
