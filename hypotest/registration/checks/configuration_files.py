"""Configurations of models that lie on this machine: in a folder, or in the cache of Hugging Face."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from hypotest.records.stored.hub import is_hub_name
from hypotest.registration.checks.shapes import Shape, shape_in

REFERENCE_FOLDER = pathlib.Path(__file__).parents[2] / "subjects" / "reference"
"""Of the model that ships with hypotest."""
_LARGEST = 2**24  # bytes of a config.json; those of the largest models have a thousandth


def shape_here(name: str, revision: str | None, base: pathlib.Path) -> Shape | None:
    """The shape of a network by its configuration on this machine; see `configuration_here`."""
    data = configuration_here(name, revision, base)
    return None if data is None else shape_in(data)


def configuration_here(name: str, revision: str | None, base: pathlib.Path) -> Mapping[str, Any] | None:
    """The configuration of a model, without asking the network.

    Args:
        name: A folder, or an id of the Hub.
        revision: Of the Hub, or the folder of a checkpoint within it.
        base: Folder that relative paths start from.

    Returns:
        None where none can be read here.
    """
    folder = base / name
    if os.path.isdir(folder):
        return read_configuration((folder if revision is None else folder / revision) / "config.json")
    return cached_configuration(name, revision) if is_hub_name(name) else None


def read_configuration(file: pathlib.Path) -> Mapping[str, Any] | None:
    """What a ``config.json`` holds; None where it is no JSON object."""
    try:
        if file.stat().st_size > _LARGEST:
            return None
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def cached_configuration(name: str, revision: str | None) -> Mapping[str, Any] | None:
    """That of a model of the Hub, if it lies in the cache."""
    file = cached_file(name, "config.json", revision)
    return None if file is None else read_configuration(file)


def cached_file(name: str, file: str, revision: str | None) -> pathlib.Path | None:
    """A file of a model of the Hub, if it lies in the cache."""
    from huggingface_hub import try_to_load_from_cache  # takes longer to import than all else here

    try:
        cached = try_to_load_from_cache(name, file, revision=revision)
    except (OSError, ValueError):  # a name or revision that no repository can have
        return None
    return pathlib.Path(cached) if isinstance(cached, str) else None
