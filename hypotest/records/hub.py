"""The Hugging Face Hub: what a name on it looks like, and at which commit a repository stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["model", "dataset"]

TIMEOUT = 10.0
"""Seconds to wait for the Hub before it counts as out of reach."""
TOKENIZERS = ("tokenizer.json", "vocab.json", "tokenizer.model", "spiece.model")
"""Files, one of which a tokenizer is made from."""
_WORDS: dict[Kind, str] = {"model": "model", "dataset": "data set"}


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


def ask_hub(kind: Kind, name: str, revision: str | None) -> HubAnswer:
    """Ask the Hub for the commit of a repository: once, so that a missing network is known at once.

    Clients that ask for files repeat the question for half a minute, file by file.

    Args:
        kind: Of the repository.
        name: Its id, as `is_hub_name` wants it.
        revision: Branch, tag or commit; None for the main branch.
    """
    from huggingface_hub import HfApi, constants  # heavier than the rest of the records together
    from huggingface_hub.errors import OfflineModeIsEnabled, RepositoryNotFoundError, RevisionNotFoundError

    api = HfApi()
    try:
        if kind == "model":
            commit = api.model_info(name, revision=revision, timeout=TIMEOUT).sha
        else:
            commit = api.dataset_info(name, revision=revision, timeout=TIMEOUT).sha
    except OfflineModeIsEnabled:
        return HubAnswer(None, "the Hub was not asked, since HF_HUB_OFFLINE is set", reached=False)
    except RevisionNotFoundError:
        return HubAnswer(
            None, f"the Hub has the {_WORDS[kind]}, but no revision {revision or 'main'!r} of it"
        )
    except RepositoryNotFoundError:
        return HubAnswer(
            None,
            f"the Hub has no {_WORDS[kind]} of that name, or it is private: check the name, or log in with "
            "`hf auth login`",
        )
    except Exception as error:  # of the network, the proxy, the server or its answer: anything may happen
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return HubAnswer(None, f"the Hub ({constants.ENDPOINT}) did not answer: {reason:.200}", reached=False)
    return HubAnswer(commit, "" if commit else "the Hub named no commit")


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
