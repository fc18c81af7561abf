"""Weights and settings as hashes."""

from __future__ import annotations

import hashlib
import json
from operator import itemgetter
from typing import Any

_BOOKKEEPING = frozenset(
    {
        "_attn_implementation", "_commit_hash", "_name_or_path", "architectures", "attn_implementation",
        "bos_token_id", "dtype", "eos_token_id", "pad_token_id", "torch_dtype", "transformers_version",
        "use_cache",
    }
)  # fmt: skip
"""Keys of a configuration on which no number depends; the precision is that of the parameters themselves."""


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


def settings_fingerprint(config: Any, **further: Any) -> str:
    """SHA-256 of a configuration, and of what else numbers depend on.

    The same weights compute other numbers under another activation function, number of heads, epsilon or
    base of rotary positions. What says where a file came from, and which texts end where, is left out.
    """
    settings = {name: value for name, value in config.to_dict().items() if name not in _BOOKKEEPING}
    return hashlib.sha256(
        json.dumps({**settings, **further}, sort_keys=True, default=str).encode()
    ).hexdigest()
