"""What sums are taken with here: threads and libraries, on which the last bits of numbers depend."""

from __future__ import annotations

import os

import torch
from threadpoolctl import threadpool_info

_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "MKL_CBWR",
)  # fmt: skip


def arithmetic() -> dict[str, str | int | None]:
    """Threads, BLAS and vector instructions of this process, as plain data for a manifest.

    A sum that is divided among threads is taken in another order than by one, and rounds otherwise; so does a
    BLAS of another version, or with kernels for another processor. `hypotest.subjects` asks torch's MKL for
    one order whatever the threads; the BLAS of numpy and other builds of torch know no such thing. The
    variables count since worker processes read them.

    Returns:
        ``torch_threads``; ``blas_threads``, the most that a BLAS of numpy or scipy takes, None where there is
        none to ask; ``thread_variables``, those that are set; ``blas``, each with version, kernels and
        threading; ``instructions``, torch's.
    """
    libraries = [item for item in threadpool_info() if item["user_api"] == "blas"]
    variables = [f"{name}={os.environ[name]}" for name in _VARIABLES if os.environ.get(name)]
    return {
        "torch_threads": torch.get_num_threads(),
        "blas_threads": max((int(item["num_threads"]) for item in libraries), default=None),
        "thread_variables": ", ".join(variables),
        "blas": ", ".join(sorted({_described(item) for item in libraries})),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


def _described(item: dict[str, object]) -> str:
    """``openblas 0.3.30 (SkylakeX, pthreads)``."""
    kind = ", ".join(str(item[name]) for name in ("architecture", "threading_layer") if item.get(name))
    return f"{item['internal_api']} {item.get('version')}" + (f" ({kind})" if kind else "")
