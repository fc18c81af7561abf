"""Subjects and their tokenizers from where they are kept: shipped, a folder, or the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from hypotest.errors import SubjectError
from hypotest.records.hub import ask_hub, is_hub_name
from hypotest.subjects.devices import BALANCED, require_balanced, resolve_device
from hypotest.subjects.hub import first_line, pinned, why_not_loaded
from hypotest.subjects.language_model import (
    REFERENCE,
    LanguageModel,
    encode,
    longest_context,
    tokenizer_fingerprint,
    wrap_language_model,
)
from hypotest.subjects.recognition import row_of


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A model's tokenizer and what its configuration says of text, without its weights."""

    name: str
    """As the protocol names it."""
    tokenizer: Any
    vocab_size: int
    """As the configuration has it; may exceed the tokenizer's."""
    context: int
    """Most tokens that fit into one forward pass."""

    @property
    def tokenizer_fingerprint(self) -> str:
        """SHA-256 of the tokenizer's definition."""
        return tokenizer_fingerprint(self.tokenizer)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        return encode(self.tokenizer, texts)


def load_reader(name: str, *, revision: str | None = None, base: Path | None = None) -> Reader:
    """Load a tokenizer and the configuration that belongs to it.

    Args:
        name: ``reference``, a folder (relative to `base`), or a Hub id.
        revision: As for `load_language_model`.
        base: Folder that relative paths start from; the current one by default.

    Raises:
        SubjectError: If they cannot be found or read.
    """
    source, options = _source(name, revision, base)
    with _readable(name, base, source, options) as options:
        config = _config(source, options, name)
        tokenizer = _tokenizer(source, options, name)
    return Reader(name, tokenizer, int(config.get_text_config().vocab_size), longest_context(config))


def load_language_model(
    name: str,
    *,
    layer: str | int = "last",
    revision: str | None = None,
    dtype: str = "float32",
    device: str = "auto",
    base: Path | None = None,
    anatomy: Mapping[str, Any] | None = None,
) -> LanguageModel:
    """Load the reference model, a local folder, or a model of the Hub.

    Args:
        name: ``reference``, a folder (relative to `base`), or a Hub id.
        layer: ``last``, or a block's number, from the end if negative.
        revision: Branch, tag or commit of a Hub model, or the folder of a checkpoint within a local one.
        dtype: ``float32`` or ``float64``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``; ``balanced`` spreads a model that is larger than one
            GPU over all of them (``device_map="auto"``).
        base: Folder that relative paths start from; the current one by default.
        anatomy: As for `wrap_language_model`.

    Raises:
        SubjectError: If the model cannot be found or read, its family is unknown, or it has no such layer.
    """
    target = None if device == BALANCED else resolve_device(device)
    if device == BALANCED:
        require_balanced()
    source, options = _source(name, revision, base)
    with _readable(name, base, source, options) as options:
        config = _config(source, options, name)
        row_of(config, name)  # before a long download
        tokenizer = _tokenizer(source, options, name)
        model, loading = transformers.AutoModelForCausalLM.from_pretrained(
            source,
            dtype=getattr(torch, dtype),
            attn_implementation="eager",
            weights_only=True,
            output_loading_info=True,
            **({"device_map": "auto"} if target is None else {}),
            **options,
        )
        _require_complete(loading, name)
    subject = wrap_language_model(
        model if target is None else model.to(target),
        layer=layer,
        tokenizer=tokenizer,
        name=name,
        anatomy=anatomy,
    )
    return replace(subject, revision=getattr(options.get("revision"), "resolved", None))


def _source(name: str, revision: str | None, base: Path | None) -> tuple[str, dict[str, Any]]:
    """Where a subject is kept, and how it is read from there."""
    folder = (base or Path()) / name
    is_folder = os.path.isdir(folder)  # which answers also for names that no file can have
    if not is_folder and not is_hub_name(name):
        raise SubjectError(
            f"subject.model: no folder {str(folder)!r}, and {name!r} is no name of the Hugging Face Hub "
            "(OWNER/NAME)"
        )
    if is_folder and name != "reference" and revision is not None:
        folder, revision = _checkpoint(folder, revision), None
    source = str(REFERENCE if name == "reference" else folder if is_folder else name)
    # the files of an unfinished download or training are a folder without a configuration
    if os.path.isdir(source) and not (Path(source) / "config.json").exists():
        raise SubjectError(
            f"subject.model: the folder {source} holds no config.json; a model folder in Hugging Face "
            "format is needed"
        )
    # nothing in a model's folder is executed; see `_without_conversion` for weights
    safe: dict[str, Any] = {"trust_remote_code": False}
    return source, safe if revision is None else {**safe, "revision": revision}


def _checkpoint(folder: Path, revision: str) -> Path:
    """The folder of one checkpoint within that of a training."""
    place = folder / revision
    if not os.path.isdir(place):
        there = sorted(item.name for item in folder.iterdir() if (item / "config.json").exists())
        found = f"there are {', '.join(there[:8])}" if there else "it holds no checkpoints"
        raise SubjectError(f"subject.revision: the folder {folder} has no checkpoint {revision!r}; {found}")
    return place


def _without_conversion() -> None:
    """Keep transformers from having others convert a repository that has no safetensors.

    Checkpoints of Pythia's training are such: their weights are in ``.bin`` files, which PyTorch's restricted
    reader (``weights_only=True``) turns into tensors, and into nothing else.
    """
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"


@contextmanager
def _readable(name: str, base: Path | None, source: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """No progress bars, no waiting for a Hub out of reach, and one error for the many that files give."""
    answer = None if os.path.isdir(source) else ask_hub("model", name, options.get("revision"))
    _without_conversion()
    progress_was_on = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield options if answer is None else {**options, **pinned(name, options.get("revision"), answer)}
    except SubjectError:
        raise
    except Exception as error:  # on damaged files transformers and tokenizers raise nearly everything
        folder = (base or Path()) / name
        reason = (
            f"cannot load {name!r} from the folder {source}: {first_line(error)}"
            if answer is None
            else why_not_loaded(name, options.get("revision"), folder, answer, error)
        )
        raise SubjectError(f"subject.model: {reason}") from None
    finally:
        if progress_was_on:
            transformers.utils.logging.enable_progress_bar()


def _config(source: str, options: Mapping[str, Any], name: str) -> Any:
    config = transformers.AutoConfig.from_pretrained(source, **options)
    _require_plausible(config, name)
    return config


def _tokenizer(source: str, options: Mapping[str, Any], name: str) -> Any:
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, **options)
    if not getattr(tokenizer, "is_fast", False):
        raise SubjectError(f"subject.model: {name} has no fast tokenizer (tokenizer.json)")
    if not set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids):
        raise ValueError("there is no tokenizer.json")  # of some families transformers makes an empty one up
    return tokenizer


_LARGEST = {
    "num_hidden_layers": 1_000,
    "num_attention_heads": 10_000,
    "hidden_size": 2**18,
    "intermediate_size": 2**20,
    "n_inner": 2**20,
    "vocab_size": 2**24,
}
"""Of a configuration; the largest models have a tenth. A damaged one could ask for any time and memory."""


def _require_complete(loading: Mapping[str, Any], name: str) -> None:
    """Transformers draws weights at random that it does not find, with no more than a warning."""
    missing = sorted(map(str, loading["missing_keys"]))
    if missing:
        raise SubjectError(
            f"subject.model: the weights of {name!r} lack {len(missing)} parameters that its config.json "
            f"asks for, such as {missing[0]}; they belong to another configuration, or are damaged"
        )


def _require_plausible(config: Any, name: str) -> None:
    for key, largest in _LARGEST.items():
        value = getattr(config.get_text_config(), key, None)
        if value is None and key in ("intermediate_size", "n_inner"):
            continue  # families have one of the two, or its default
        if not isinstance(value, int) or not 0 < value <= largest:
            raise SubjectError(
                f"subject.model: {key} in the config.json of {name!r} must be a whole number from 1 to "
                f"{largest:,}; found {value!r:.60}"
            )
