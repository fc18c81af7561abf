"""What functions and modules are, for the names of evidence: whatever they compute with."""

from __future__ import annotations

import hashlib
import inspect
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_DEPTH = 8
_OF_OTHERS = frozenset({*vars(nn.Module()), "forward"})
"""What torch keeps in a module (weights, hooks, whether it is training), and nnsight, where it wraps one."""


def add_to(digest: Any, value: Any) -> None:
    """Add a value to a hash.

    Of functions their bytecode, constants, defaults, what they close over, and what they call or read in
    their own module; of mappings and sequences what they hold; of other objects their class.

    Args:
        digest: Of `hashlib`.
        value: Anything.
    """
    _add(digest, value, 0, set())


def settings_of(module: nn.Module) -> dict[str, str]:
    """What a module holds beside its weights: buffers that are not saved, numbers, texts, arrays.

    Args:
        module: Any.

    Returns:
        Path and name -> SHA-256; what passes leave behind (the last states, a count) among it.
    """
    settings = {}
    for path, item in module.named_modules():
        unsaved = item._non_persistent_buffers_set
        buffers = {name: buffer for name, buffer in item.named_buffers(recurse=False) if name in unsaved}
        own = {
            name: value
            for name, value in vars(item).items()
            if name not in _OF_OTHERS and not name.startswith("__")
        }
        for name, value in {**own, **buffers}.items():
            digest = hashlib.sha256()
            add_to(digest, value)
            settings[f"{path}.{name}"] = digest.hexdigest()
    return settings


def _add(digest: Any, value: Any, depth: int, seen: set[int]) -> None:
    if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):  # which weights are hashed as
        held = value.detach().cpu()
        value = (held.float() if held.dtype == torch.bfloat16 else held).numpy()
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes() if value.dtype != object else b"")
    elif isinstance(value, types.CodeType):
        digest.update(value.co_code + " ".join(value.co_names).encode())
        for constant in value.co_consts:
            _add(digest, constant, depth + 1, seen)
    elif isinstance(value, str | bytes | int | float | bool | None):
        digest.update(repr(value).encode())
    elif isinstance(value, tuple | list | Mapping) and depth < _DEPTH:
        items = [part for pair in value.items() for part in pair] if isinstance(value, Mapping) else value
        for item in items:
            _add(digest, item, depth + 1, seen)
    elif inspect.isfunction(value) and depth < _DEPTH:
        digest.update(value.__qualname__.encode())
        if id(value) in seen:  # it calls itself
            return
        seen.add(id(value))
        _add(digest, value.__code__, depth + 1, seen)
        for item in _held(value):
            _add(digest, item, depth + 1, seen)
    else:
        digest.update(f"{type(value).__module__}.{type(value).__qualname__}".encode())


def _held(function: types.FunctionType) -> list[Any]:
    """Defaults, what it closes over, and what its own module holds under the names that it reads."""
    closed = [cell.cell_contents for cell in function.__closure__ or ()]
    names = sorted(set(function.__code__.co_names) & function.__globals__.keys())
    read = [function.__globals__[name] for name in names]
    own = [
        item
        for item in read
        if not isinstance(item, types.ModuleType)
        and (not inspect.isfunction(item) or item.__module__ == function.__module__)
    ]
    return [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values(), *closed, *own]
