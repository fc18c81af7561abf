"""Subjects and their tokenizers, loaded from where they are kept."""

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
from hypotest.records.protocol.units import SparseAutoencoder, UnitName
from hypotest.subjects.admission import require_plausible, require_testable
from hypotest.subjects.anatomy.modules import longest_context
from hypotest.subjects.anatomy.recognition import n_neurons, row_of
from hypotest.subjects.beginning import Beginning, beginning_of
from hypotest.subjects.gguf.models import gguf_config, gguf_model
from hypotest.subjects.gguf.tokenizers import gguf_tokenizer
from hypotest.subjects.language_model import LanguageModel, WeightsFile
from hypotest.subjects.loading.asking import ask_hub
from hypotest.subjects.loading.completeness import require_all_used, require_complete
from hypotest.subjects.loading.devices import BALANCED, require_balanced, resolve_device, spread
from hypotest.subjects.loading.hub import of_folder, pinned, require_tokenizer, why_not_loaded
from hypotest.subjects.loading.sources import ADAPTER, Source, adapter_problem, source_of
from hypotest.subjects.masking import Masking, is_masked, model_class
from hypotest.subjects.memory import require_memory
from hypotest.subjects.tokenizing import encode, tokenizer_fingerprint
from hypotest.subjects.wrapping import wrap_language_model


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
    config: Any
    """The ``transformers`` configuration."""

    @property
    def family(self) -> str:
        """``config.model_type``."""
        return str(self.config.model_type)

    def n_neurons(self, layer: str | int, anatomy: Mapping[str, Any] | None = None) -> int | None:
        """Neurons of one block's MLP; None where the family is not known. See `load_language_model`."""
        return n_neurons(self.config, layer, self.name, anatomy)

    @property
    def beginning(self) -> Beginning:
        """What texts begin with."""
        return beginning_of(self.tokenizer, self.family, self.name)

    @property
    def is_masked(self) -> bool:
        """Whether the model is an encoder, which predicts masked tokens."""
        return is_masked(self.config)

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
        name: As `hypotest.subjects.loading.sources.source_of` takes it.
        revision: As for `load_language_model`.
        base: Folder that relative paths start from; the current one by default.

    Raises:
        SubjectError: If they cannot be found or read.
    """
    with _readable(name, base, source_of(name, revision, base)) as source:
        config = _config(source, name)
        tokenizer = _tokenizer(source, name)
    vocab_size = int(config.get_text_config().vocab_size)
    ending = Masking.of(tokenizer, name).ending if is_masked(config) else ()
    return Reader(name, tokenizer, vocab_size, longest_context(config) - len(ending), config)


def load_language_model(
    name: str,
    *,
    layer: str | int = "last",
    revision: str | None = None,
    dtype: str = "float32",
    device: str = "auto",
    base: Path | None = None,
    anatomy: Mapping[str, Any] | None = None,
    units: UnitName | SparseAutoencoder = "neurons",
) -> LanguageModel:
    """Load the reference model, a local folder, or a model of the Hub.

    Args:
        name: As `hypotest.subjects.loading.sources.source_of` takes it.
        layer: ``last``, or a block's number, from the end if negative.
        revision: Branch, tag or commit of a Hub model, or the folder of a checkpoint within a local one.
        dtype: ``float32`` or ``float64``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``; ``balanced`` spreads a model that is larger than one
            GPU over all of them.
        base: Folder that relative paths start from; the current one by default.
        anatomy: As for `wrap_language_model`.
        units: As for `wrap_language_model`.

    Raises:
        SubjectError: If the model cannot be found or read, its family is unknown, or it has no such layer.
    """
    target = None if device == BALANCED else resolve_device(device)
    if device == BALANCED:
        require_balanced()
    with _readable(name, base, source_of(name, revision, base)) as source:
        config = _config(source, name)
        row_of(config, name)  # before a long download
        tokenizer = _tokenizer(source, name)
        if target is not None or source.gguf is not None:  # which is expanded on the CPU, and then spread
            require_memory(config, name, getattr(torch, dtype), target or torch.device("cpu"))
        model = _model(source, config, getattr(torch, dtype), balanced=target is None, name=name)
    subject = wrap_language_model(
        model if target is None else model.to(target),
        layer=layer,
        tokenizer=tokenizer,
        name=name,
        anatomy=anatomy,
        units=units,
        base=base,
    )
    file = source.gguf
    return replace(
        subject,
        revision=getattr(source.options.get("revision"), "resolved", None),
        file=None if file is None else WeightsFile(file.path.name, file.sha256, file.quantization),
    )


def _model(source: Source, config: Any, dtype: torch.dtype, *, balanced: bool, name: str) -> Any:
    if source.gguf is not None:
        model = gguf_model(source.gguf, dtype, name)
        return spread(model) if balanced else model
    model, loading = model_class(config).from_pretrained(
        source.place,
        config=config,
        dtype=dtype,
        attn_implementation="eager",
        weights_only=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused below, with their names
        **({"device_map": "auto"} if balanced else {}),
        **source.options,
    )
    require_complete(loading, config, name)
    require_all_used(loading, name)
    return model


def _without_conversion() -> None:
    """Keep transformers from having others convert a repository that has no safetensors.

    Checkpoints of Pythia's training are such: their weights are in ``.bin`` files, which PyTorch's restricted
    reader (``weights_only=True``) turns into tensors, and into nothing else.
    """
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"


@contextmanager
def _readable(name: str, base: Path | None, source: Source) -> Iterator[Source]:
    """No progress bars, no waiting for a Hub out of reach, and one error for the many that files give."""
    asked = source.options.get("revision")
    answer = None if source.is_here else ask_hub("model", name, asked)
    _without_conversion()
    logging = transformers.utils.logging
    progress_was_on, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what it warns of here is an error of ours, or none
    try:
        if answer is not None:
            source = replace(source, options={**source.options, **pinned(name, asked, answer)})
            _require_no_adapter(source, name)
        yield source
    except SubjectError:
        raise
    except Exception as error:  # on damaged files transformers and tokenizers raise nearly everything
        folder = (base or Path()) / name
        kind = "folder" if source.gguf is None else "file"
        reason = (
            f"cannot load {name!r} from the {kind} {source.place}: {of_folder(source.place, error)}"
            if answer is None
            else why_not_loaded(name, asked, folder, answer, error)
        )
        raise SubjectError(f"subject.model: {reason}") from None
    finally:
        logging.set_verbosity(verbosity)
        if progress_was_on:
            logging.enable_progress_bar()


def _require_no_adapter(source: Source, name: str) -> None:
    """Of a repository of the Hub; of folders, `source_of` knows."""
    beside = transformers.utils.cached_file(
        name,
        ADAPTER,
        **{key: source.options[key] for key in ("revision", "local_files_only")},
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if beside is not None:
        raise SubjectError(f"subject.model: {adapter_problem(name)}")


def _config(source: Source, name: str) -> Any:
    if source.gguf is not None:
        config = gguf_config(source.gguf, name)
    else:
        config = transformers.AutoConfig.from_pretrained(source.place, **source.options)
    require_testable(config, name)
    require_plausible(config, name)
    config._attn_implementation = "eager"  # what it names instead need not be installed
    return config


def _tokenizer(source: Source, name: str) -> Any:
    if source.gguf is not None:
        return gguf_tokenizer(source.gguf, name)
    require_tokenizer(source.place)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source.place, **source.options)
    if not getattr(tokenizer, "is_fast", False):
        raise SubjectError(f"subject.model: {name} has no fast tokenizer (tokenizer.json)")
    if not set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids):
        raise ValueError("there is no tokenizer.json")  # of some families transformers makes an empty one up
    return tokenizer
