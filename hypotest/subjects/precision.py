"""Float32 that is float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def full_precision() -> Iterator[None]:
    """Float32 products in float32: TF32 or bfloat16 units would cost 1e-3 nats, which no bound here knows.

    PyTorch's settings are global, and in two generations that refuse to be mixed; they are put back.
    """
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # the newer generation is in use
        # mkldnn gets `matmul` at run time, which its types do not show
        places: list[Any] = [torch.backends.mkldnn.matmul, torch.backends.cuda.matmul]  # type: ignore[attr-defined]
        kept = [place.fp32_precision for place in places]
        try:
            for place in places:
                place.fp32_precision = "ieee"
            with torch.inference_mode():
                yield
        finally:
            for place, value in zip(places, kept, strict=True):
                place.fp32_precision = value
        return
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_float32_matmul_precision(before)
