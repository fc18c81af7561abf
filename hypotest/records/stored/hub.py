"""The Hugging Face Hub: what a name on it looks like, what it answers, what a model in its cache lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["model", "dataset"]

TOKENIZERS = ("tokenizer.json", "vocab.json", "tokenizer.model", "spiece.model")
"""Files, one of which a tokenizer is made from."""


@dataclass(frozen=True, slots=True)
class HubAnswer:
    """What the Hub said of a repository."""

    commit: str | None
    """Where the revision stands; None if the Hub did not say."""
    obstacle: str = ""
    """Why it did not say."""
    reached: bool = True
    """Whether it was asked and answered."""


def is_hub_name(name: str) -> bool:
    """Whether a name can be one of the Hub: OWNER/NAME, or NAME alone for the oldest ones."""
    return re.fullmatch(r"\w[\w.-]{0,95}(/\w[\w.-]{0,95})?", name) is not None and ".." not in name


def is_commit(revision: str | None) -> bool:
    """Whether a revision is a whole commit, which stays what it is, rather than a branch or a tag."""
    return revision is not None and re.fullmatch(r"[0-9a-f]{40}", revision) is not None


def lacking_files(snapshot: Path) -> Iterator[str]:
    """What a folder in the cache of Hugging Face lacks to be a model, such as "its config.json"."""
    if not (snapshot / "config.json").exists():
        yield "its config.json"
    if not any((snapshot / name).exists() for name in TOKENIZERS):
        yield "its tokenizer.json"
    index = snapshot / "model.safetensors.index.json"
    if not index.exists():
        if not any(snapshot.glob("*.safetensors")) and not any(snapshot.glob("pytorch_model*.bin")):
            yield "its weights (.safetensors or .bin)"
        return
    try:
        files = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return  # damaged; loading has said so
    absent = sum(not (snapshot / str(file)).exists() for file in files)
    if absent:
        yield f"{absent} of the {len(files)} files of its weights"
