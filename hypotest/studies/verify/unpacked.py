"""A bundle, unpacked to be verified: the run, its protocol's folder, and a cache of its own."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypotest.errors import OutputError
from hypotest.pipeline.checks.preflight import no_bundle
from hypotest.studies.archive import unpack
from hypotest.studies.verify.record import Check

CONTENTS = "bundle.json"
"""Within a bundle: what it is."""
RUN, PROTOCOL, CACHE = "run", "protocol", "cache"
"""Folders within a bundle."""
VERSION = 1
"""Of the layout; raised when it changes."""


@dataclass(frozen=True, slots=True)
class UnpackedBundle:
    """Where the parts of a bundle lie, and what it says of itself."""

    run: Path
    protocol: Path
    """A file in the folder of the protocol, which need not be there."""
    cache: Path
    evidence: bool
    """Whether the evidence is in it."""
    left_out: tuple[str, ...]
    taken_out: tuple[str, ...]
    """What was made anonymous."""

    def named(self, check: Check) -> Check:
        """A check of the bundle's own evidence, for readers who have no such cache."""
        if not check.name.startswith("evidence: ") or check.status != "not checked":
            return check
        detail = "not in this bundle" if self.evidence else "left out of this bundle, which was made small"
        return Check(check.name, check.status, detail)

    @property
    def check(self) -> Check:
        """What it says of itself."""
        parts = ["run, protocol and evidence" if self.evidence else "without evidence"]
        parts += [f"left out: {', '.join(self.left_out)}"] if self.left_out else []
        parts += ["anonymous: names, machine and times were taken out"] if self.taken_out else []
        return Check("the bundle", "agrees", "; ".join(parts))


def is_bundle(run: object) -> bool:
    """Whether what is to be verified is a file, as bundles are."""
    return isinstance(run, str | Path) and Path(run).is_file()


@contextmanager
def unpacked(bundle: Path) -> Iterator[UnpackedBundle]:
    """The parts of a bundle in a temporary folder, which is gone afterwards.

    Raises:
        OutputError: If it is no bundle, of another version, damaged, or holds what no bundle does.
    """
    if not zipfile.is_zipfile(bundle):
        raise no_bundle(bundle)
    with tempfile.TemporaryDirectory(prefix="hypotest-bundle-") as place:
        folder = Path(place)
        unpack(bundle, folder)
        told = _contents(bundle, folder)
        strange = sorted(item.name for item in folder.iterdir() if item.name not in _PARTS)
        if strange:
            raise OutputError(f"{bundle}: holds {strange[0]}, which no bundle does")
        protocol = told.get("protocol")
        if not isinstance(protocol, str) or "/" in protocol or protocol in ("", ".", ".."):
            protocol = "protocol.yaml"
        yield UnpackedBundle(
            run=folder / RUN,
            protocol=folder / PROTOCOL / protocol,
            cache=folder / CACHE,
            evidence=told.get("evidence") is True,
            left_out=_words(told.get("left_out")),
            taken_out=_words(told.get("taken_out")),
        )


_PARTS = (CONTENTS, RUN, PROTOCOL, CACHE)


def _contents(bundle: Path, folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or "bundle" not in told:
        raise OutputError(f"{bundle}: is no bundle; `hypotest bundle RUN` makes one of a run's folder")
    if told["bundle"] != VERSION:
        raise OutputError(
            f"{bundle}: must be a bundle of version {VERSION}; found {str(told['bundle'])[:40]!r}: verify it "
            f"with the version of hypotest that made it ({str(told.get('hypotest'))[:40]})"
        )
    return told


def _words(items: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in items) if isinstance(items, list) else ()
