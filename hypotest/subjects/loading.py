"""Subjects and their tokenizers, loaded from where they are kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from hypotest.errors import SubjectError
from hypotest.subjects.admission import require_testable
from hypotest.subjects.asking import ask_hub
from hypotest.subjects.beginning import Beginning, beginning_of
from hypotest.subjects.devices import BALANCED, require_balanced, resolve_device, spread
from hypotest.subjects.gguf import gguf_config, gguf_model
from hypotest.subjects.gguf_tokenizers import gguf_tokenizer
from hypotest.subjects.hub import of_folder, pinned, require_tokenizer, why_not_loaded
from hypotest.subjects.language_model import (
    LanguageModel,
    WeightsFile,
    encode,
    tokenizer_fingerprint,
    wrap_language_model,
)
from hypotest.subjects.memory import require_memory
from hypotest.subjects.modules import longest_context
from hypotest.subjects.recognition import n_neurons, row_of
from hypotest.subjects.sources import ADAPTER, Source, adapter_problem, source_of


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
    def tokenizer_fingerprint(self) -> str:
        """SHA-256 of the tokenizer's definition."""
        return tokenizer_fingerprint(self.tokenizer)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        return encode(self.tokenizer, texts)


def load_reader(name: str, *, revision: str | None = None, base: Path | None = None) -> Reader:
    """Load a tokenizer and the configuration that belongs to it.

    Args:
        name: As `hypotest.subjects.sources.source_of` takes it.
        revision: As for `load_language_model`.
        base: Folder that relative paths start from; the current one by default.

    Raises:
        SubjectError: If they cannot be found or read.
    """
    with _readable(name, base, source_of(name, revision, base)) as source:
        config = _config(source, name)
        tokenizer = _tokenizer(source, name)
    vocab_size = int(config.get_text_config().vocab_size)
    return Reader(name, tokenizer, vocab_size, longest_context(config), config)


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
        name: As `hypotest.subjects.sources.source_of` takes it.
        layer: ``last``, or a block's number, from the end if negative.
        revision: Branch, tag or commit of a Hub model, or the folder of a checkpoint within a local one.
        dtype: ``float32`` or ``float64``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``; ``balanced`` spreads a model that is larger than one
            GPU over all of them.
        base: Folder that relative paths start from; the current one by default.
        anatomy: As for `wrap_language_model`.

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
    model, loading = transformers.AutoModelForCausalLM.from_pretrained(
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
    _require_complete(loading, config, name)
    _require_all_used(loading, name)
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
    _require_plausible(config, name)
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


_LARGEST = {
    "num_hidden_layers": 1_000,
    "num_attention_heads": 10_000,
    "hidden_size": 2**18,
    "intermediate_size": 2**20,
    "n_inner": 2**20,
    "vocab_size": 2**24,
}
"""Of a configuration; the largest models have a tenth. A damaged one could ask for any time and memory."""


def _require_complete(loading: Mapping[str, Any], config: Any, name: str) -> None:
    """Transformers draws weights at random that it does not find, with no more than a warning."""
    shapes = sorted((str(key), tuple(has), tuple(wants)) for key, has, wants in loading["mismatched_keys"])
    if shapes:
        key, has, wants = shapes[0]
        raise SubjectError(
            f"subject.model: {len(shapes)} of the weights of {name!r} have other shapes than its config.json "
            f"asks for, such as {key}: {has}, not {wants}. They belong to another configuration"
        )
    missing = sorted(map(str, loading["missing_keys"]))
    kind = ", ".join(config.architectures or ())
    if missing == ["lm_head.weight"] and "CausalLM" not in kind:
        raise SubjectError(
            f"subject.model: {name!r} has no head that predicts the next token (lm_head.weight): "
            f"{f'it was saved as {kind}' if kind else 'its weights lack it'}. Save the causal language model"
        )
    if missing:
        raise SubjectError(
            f"subject.model: the weights of {name!r} lack parameters that its config.json asks for "
            f"({len(missing)}, such as {missing[0]}); they belong to another configuration, or are damaged"
        )


_WITHOUT_EFFECT = re.compile(r"(^|[._])(inv_freq|masked_bias|position_ids)$|\.(attn|attention)\.bias$")
"""Of tensors: masks, numbers of positions and frequencies that older versions of transformers saved."""
_NAMED = 3


def _require_all_used(loading: Mapping[str, Any], name: str) -> None:
    """And passes over weights that it has no place for."""
    unused = sorted(
        key for item in loading["unexpected_keys"] if not _WITHOUT_EFFECT.search(key := str(item))
    )
    if unused:
        more = f" and {len(unused) - _NAMED:,} more" if len(unused) > _NAMED else ""
        raise SubjectError(
            f"subject.model: {name!r} holds weights for which its config.json has no place: "
            f"{', '.join(unused[:_NAMED])}{more}. It would be tested as another network than it is: correct "
            "config.json (num_hidden_layers, biases), or save the model without them"
        )


def _require_plausible(config: Any, name: str) -> None:
    for key, largest in _LARGEST.items():
        value = getattr(config.get_text_config(), key, None)
        if value is None and key in ("intermediate_size", "n_inner"):
            continue  # families have one of the two, or its default
        if not isinstance(value, int) or not 0 < value <= largest:
            raise SubjectError(
                f"subject.model: {key} in the configuration of {name!r} must be a whole number from 1 to "
                f"{largest:,}; found {value!r:.60}"
            )
