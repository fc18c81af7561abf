"""Where a subject is kept: shipped, in a package, in a GGUF file, in a folder, or on the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypotest.errors import SubjectError
from hypotest.records.protocol.packaged import PACKAGED
from hypotest.records.stored.gguf import SUFFIX
from hypotest.records.stored.hub import is_hub_name
from hypotest.subjects.gguf.files import SAFE, GgufFile, open_gguf
from hypotest.subjects.reference import REFERENCE

ADAPTER = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a subject is kept, and how it is read from there."""

    place: str
    """Folder or file, or an id of the Hub."""
    options: Mapping[str, Any] = field(default_factory=lambda: dict(SAFE))
    """For transformers."""
    gguf: GgufFile | None = None
    """If it is such a file."""

    @property
    def is_here(self) -> bool:
        """Whether it lies on this machine, so that no Hub is asked."""
        return self.gguf is not None or os.path.isdir(self.place)


def source_of(name: str, revision: str | None, base: Path | None) -> Source:
    """Find a subject.

    Args:
        name: As the protocol names it: ``reference``, a name of `PACKAGED`, a GGUF file or a folder (relative
            to `base`), or a Hub id.
        revision: Of a Hub model, or the folder of a checkpoint within a local one.
        base: Folder that relative paths start from; the current one by default.

    Raises:
        SubjectError: If there is nothing of that name, or it is no model.
    """
    if name == "reference":
        return Source(str(REFERENCE))
    if name in PACKAGED:
        return _packaged(name, revision)
    folder = (base or Path()) / name
    if name.lower().endswith(SUFFIX):
        return _file(folder, revision)
    is_folder = os.path.isdir(folder)  # which answers also for names that no file can have
    if not is_folder and not is_hub_name(name):
        raise SubjectError(
            f"subject.model: no folder {str(folder)!r}, and {name!r} is no name of the Hugging Face Hub "
            "(OWNER/NAME)"
        )
    if not is_folder:
        return Source(name, dict(SAFE) if revision is None else {**SAFE, "revision": revision})
    folder = folder if revision is None else _checkpoint(folder, revision)
    # the files of an unfinished download or training are a folder without a configuration
    if not (folder / "config.json").exists():
        raise SubjectError(f"subject.model: {_no_model(folder)}")
    if (folder / ADAPTER).exists():
        raise SubjectError(f"subject.model: {adapter_problem(str(folder))}")
    return Source(str(folder))


def adapter_problem(place: str) -> str:
    """What is wrong with a model beside whose weights an adapter lies."""
    return (
        f"{place} holds an adapter ({ADAPTER}), which would be left out: the network that was fine-tuned is "
        "the base with its adapter. Merge it (peft: model.merge_and_unload(), then save_pretrained) and name "
        f"the merged model; or remove {ADAPTER}, if the base alone is meant"
    )


def _packaged(name: str, revision: str | None) -> Source:
    model = PACKAGED[name]
    _without_revision(name, revision)
    path = model.path()
    if path is None:
        raise SubjectError(
            f"subject.model: {name} is {model.title}, which comes in a package that is not installed: "
            f"{model.command}"
        )
    file = open_gguf(path, name)
    if file.sha256 != model.sha256:
        raise SubjectError(
            f"subject.model: {path} is not the file that {name} stands for (SHA-256 {file.sha256[:12]}..., "
            f"expected {model.sha256[:12]}...); install it again: {model.command}"
        )
    return Source(str(path), gguf=file)


def _file(path: Path, revision: str | None) -> Source:
    _without_revision(str(path), revision)
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is not there"
        raise SubjectError(f"subject.model: the GGUF file {path} {what}; check the path")
    return Source(str(path), gguf=open_gguf(path, str(path)))


def _without_revision(name: str, revision: str | None) -> None:
    if revision is not None:
        raise SubjectError(
            f"subject.revision: found {revision!r}, and {name} is one file, which has no revisions; remove it"
        )


def _checkpoint(folder: Path, revision: str) -> Path:
    """The folder of one checkpoint within that of a training."""
    place = folder / revision
    if not os.path.isdir(place):
        there = sorted(item.name for item in folder.iterdir() if (item / "config.json").exists())
        contents = f"there are {', '.join(there[:8])}" if there else "it holds no checkpoints"
        raise SubjectError(
            f"subject.revision: the folder {folder} has no checkpoint {revision!r}; {contents}"
        )
    return place


def _no_model(folder: Path) -> str:
    if (folder / ADAPTER).exists():
        return (
            f"the folder {folder} holds an adapter alone ({ADAPTER}), no model; load its base with it, merge "
            "it (peft: model.merge_and_unload(), then save_pretrained) and name the merged model"
        )
    files = sorted(item.name for item in folder.glob(f"*{SUFFIX}"))
    also = f"; to test the GGUF file in it, name {folder / files[0]}" if files else ""
    return f"the folder {folder} holds no config.json; a model folder in Hugging Face format is needed{also}"
