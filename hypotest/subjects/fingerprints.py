"""Weights as a hash."""

from __future__ import annotations

import hashlib
from operator import itemgetter
from typing import Any


def weights_fingerprint(module: Any) -> str:
    """SHA-256 over names, shapes and float32 values of all parameters, and of buffers that are saved.

    Masks of pruned weights are such buffers.
    """
    digest = hashlib.sha256()
    saved = module.state_dict(keep_vars=True)
    buffers = [(name, item) for name, item in module.named_buffers() if name in saved]
    for name, parameter in sorted([*module.named_parameters(), *buffers], key=itemgetter(0)):
        digest.update(f"{name}{tuple(parameter.shape)}".encode())
        digest.update(parameter.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
