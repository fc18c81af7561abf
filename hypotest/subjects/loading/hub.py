"""Models of the Hugging Face Hub that cannot be had: what was looked for, where, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import GatedRepoError
from huggingface_hub.file_download import repo_folder_name

from hypotest.errors import SubjectError
from hypotest.records.stored.files import POINTER_WORDS, is_pointer
from hypotest.records.stored.hub import TOKENIZERS, HubAnswer, lacking_files

_NAMED = 5
"""Revisions in the cache that an error names; the rest are counted."""


def pinned(name: str, revision: str | None, answer: HubAnswer) -> dict[str, Any]:
    """Options with which all files of a model come from one commit, and from the cache if the Hub is silent.

    The client notes in the cache where a branch stands, so that it is found again without a network.

    Args:
        name: Id of the model.
        revision: Branch, tag or commit; None for the main branch.
        answer: What the Hub said.

    Raises:
        RevisionResolutionError: If the Hub is silent and the cache does not know the revision.
    """
    offline = answer.commit is None
    commit = HfApi().resolve_revision(name, revision=revision, local_files_only=offline)
    return {"revision": commit, "local_files_only": offline}


def why_not_loaded(name: str, revision: str | None, folder: Path, answer: HubAnswer, error: Exception) -> str:
    """Explain why a model of the Hub could not be loaded.

    Args:
        name: Id of the model.
        revision: Branch, tag or commit; None for the main branch.
        folder: Where a folder of that name was looked for first.
        answer: What the Hub said.
        error: What loading raised.
    """
    at = f", revision {revision!r}" if revision else ""
    if answer.commit is not None:
        gated = any(isinstance(item, GatedRepoError) for item in _causes(error))
        reason = (
            f"it is gated: accept its conditions at {constants.ENDPOINT}/{name} and run `hf auth login`"
            if gated
            else f"{first_line(error)}. Check that it is a causal language model, with weights in "
            ".safetensors or .bin"
        )
        return f"cannot load {name!r}{at} from the Hub: {reason}"
    message = (
        f"cannot load {name!r}{at}: there is no folder {folder}; the cache of Hugging Face "
        f"({constants.HF_HUB_CACHE}) {in_cache(name, revision, error)}; and {answer.obstacle}"
    )
    if answer.reached:
        return message
    download = f"hf download {name}" + (f" --revision {revision}" if revision else "")
    return (
        f"{message}. Where there is a network, run `{download}`, bring its cache here and set HF_HOME to it; "
        f"or run `{download} --local-dir FOLDER`, bring that folder and name it in subject.model"
        + (" without a revision" if revision else "")
    )


def in_cache(name: str, revision: str | None, error: Exception) -> str:
    """What the cache holds of a model, and what it lacks; continues "the cache".

    Args:
        name: Id of the model.
        revision: Branch, tag or commit; None for the main branch.
        error: What loading raised; named if nothing seems to be missing.
    """
    repository = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    wanted = revision or "main"
    reference = repository / "refs" / wanted
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else wanted
    snapshot = repository / "snapshots" / commit
    if not os.path.isdir(repository / "snapshots"):
        return "holds nothing of that name"
    if not os.path.isdir(snapshot):
        return f"holds no revision {wanted!r} of it, but {_revisions(repository)}"
    lacking = list(lacking_files(snapshot))
    if lacking:
        return f"holds that revision without {' and '.join(lacking)}"
    return f"holds that revision, which cannot be loaded ({first_line(error)})"


def require_tokenizer(place: str) -> None:
    """Refuse a folder of a model that holds no tokenizer; transformers would make an empty one up, or guess.

    Raises:
        SubjectError: If so.
    """
    folder = Path(place)
    if folder.is_dir() and not any((folder / name).exists() for name in TOKENIZERS):
        raise SubjectError(
            f"subject.model: the folder {place} holds no tokenizer.json: save the tokenizer there too "
            "(tokenizer.save_pretrained), or copy the file from where the model came from"
        )


def of_folder(place: str, error: Exception) -> str:
    """Why a model in a folder, or a file, could not be loaded; continues its name."""
    files = sorted(Path(place).glob("*")) if os.path.isdir(place) else []
    pointers = [file.name for file in files if is_pointer(file)]
    return f"{pointers[0]} {POINTER_WORDS}" if pointers else first_line(error)


def first_line(error: Exception) -> str:
    """The beginning of an error's message, or its kind if it has none.

    PyTorch's own words on a file that holds more than tensors recommend the reader that executes it.
    """
    if type(error).__name__ == "UnpicklingError":  # of a module that is not imported here
        return "its weights are no plain tensors, or damaged; nothing else is read, since it could run code"
    if isinstance(error, KeyError):
        return f"transformers does not know, or does not find, {error}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
    end = next((place for place, line in enumerate(lines) if not line.endswith((":", ","))), len(lines) - 1)
    return f"{' '.join(lines[: end + 1]):.300}".rstrip(".:, ")  # a sentence may go on, as a list does


def _revisions(repository: Path) -> str:
    references = repository / "refs"
    names = sorted(str(path.relative_to(references)) for path in references.rglob("*") if path.is_file())
    names = names or sorted(path.name for path in (repository / "snapshots").iterdir())
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more if names else "an empty folder"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
