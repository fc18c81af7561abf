"""Memory that a run takes."""

from __future__ import annotations

import sys

from hypotest.records.evidence.split import SplitEvidence


def evidence_bytes(split: SplitEvidence) -> int:
    """Bytes of a split's arrays."""
    heads = () if split.heads is None else (split.heads.base, split.heads.single, split.heads.layer)
    return sum(int(array.nbytes) for array in (*split.channels.values(), *heads))


def peak_memory() -> int | None:
    """Largest memory of this process so far, in bytes; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
