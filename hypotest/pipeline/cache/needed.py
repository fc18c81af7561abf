"""Which evidence finished runs need: what their manifests name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypotest.records.cache import CacheUse

KEY = re.compile(r"[0-9a-f]{32}")
"""A name of evidence in the cache."""
_DEEPEST = 12
"""Folders below the one that is asked for."""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A finished run that needs evidence of the cache."""

    folder: Path
    model: str
    """Name of its network; empty where the results do not tell."""
    use: CacheUse
    keys: frozenset[str]


def kept_runs(folders: Sequence[Path]) -> tuple[KeptRun, ...]:
    """Every run below some folders.

    A manifest that cannot be read as one protects nothing, and is none of a run whose evidence could be
    verified.

    Args:
        folders: To look through; links to other folders are not followed.
    """
    places = sorted({place for folder in folders for place in _run_folders(folder, _DEEPEST)})
    runs = (_kept_run(place) for place in places)
    return tuple(run for run in runs if run is not None)


def keys_of(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Names of all evidence that a manifest names: of the tested network with its lesions, and of others.

    Args:
        manifest: Of a run.

    Returns:
        Folder of the cache -> keys, each in the order of the manifest and once.
    """
    own = [*_keys(manifest.get("evidence")), *_keys({"lesions": manifest.get("lesions")})]
    others = manifest.get("other_networks")
    networks = others.get("networks") if isinstance(others, Mapping) else None
    theirs = [key for item in (networks if isinstance(networks, list) else ()) for key in _keys(item)]
    return {"evidence": tuple(dict.fromkeys(own)), "other-networks": tuple(dict.fromkeys(theirs))}


def _keys(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name in ("selection", "evaluation", "lesions"):
            value = part.get(name)
            if isinstance(value, str) and KEY.fullmatch(value):
                yield value


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "manifest.json").is_file():
        yield folder
    if not depth:
        return
    try:
        inner = sorted(folder.iterdir())
    except OSError:
        return
    for place in inner:
        if place.is_dir() and not place.is_symlink():
            yield from _run_folders(place, depth - 1)


def _kept_run(folder: Path) -> KeptRun | None:
    manifest, results = _read(folder / "manifest.json"), _read(folder / "results.json")
    keys = frozenset(key for of_kind in keys_of(manifest).values() for key in of_kind)
    if not keys:
        return None
    hashes, subject = manifest.get("hashes"), results.get("subject")
    weights = hashes.get("weights") if isinstance(hashes, Mapping) else None
    name = subject.get("name") if isinstance(subject, Mapping) else None
    layer = manifest.get("layer")
    use = CacheUse(
        plan=str(results.get("protocol_id", "")) or folder.parent.name,
        weights=weights if isinstance(weights, str) else "",
        layer=layer if isinstance(layer, int | str) else "",
    )
    return KeptRun(folder, name if isinstance(name, str) else "", use, keys)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
