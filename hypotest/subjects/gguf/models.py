"""Configuration and weights of GGUF files.

Transformers reads the file and expands its weights; what it does not carry over is looked for here, and
refused, since it would silently be another network: tensors without a place in the model, and settings of
the architecture that its configuration does not have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import transformers

from hypotest.errors import SubjectError
from hypotest.records.stored.gguf import GgufHead
from hypotest.subjects.gguf.files import ADVICE, SAFE, GgufFile, quietly

_NAMED = 3
_SETTINGS = {
    "attention.key_length": ("head_dim",),
    "attention.layer_norm_rms_epsilon": ("rms_norm_eps",),
    "attention.sliding_window": ("sliding_window",),
    "attn_logit_softcapping": ("attn_logit_softcapping",),
    "expert_count": ("num_experts", "num_local_experts", "n_routed_experts"),
    "final_logit_softcapping": ("final_logit_softcapping",),
    "attention.scale": ("attention_multiplier",),
    "embedding_scale": ("embedding_multiplier",),
    "logit_scale": ("logit_scale", "logits_scaling"),
    "residual_scale": ("residual_multiplier",),
}
"""Settings on which numbers depend, and their names in configurations; zero is the same as none."""


def gguf_config(file: GgufFile, name: str) -> Any:
    """The configuration that a file's metadata amount to.

    Raises:
        SubjectError: If transformers does not know the architecture, or leaves out a setting.
    """
    with quietly() as folder:
        try:
            config = transformers.AutoConfig.from_pretrained(
                folder, gguf_file=str(file.path.absolute()), **SAFE
            )
        except ValueError as error:
            if "architecture" not in str(error):
                raise
            raise SubjectError(
                f"subject.model: {name} is of the architecture {file.head.architecture!r}, which "
                "transformers does not read from GGUF" + ADVICE
            ) from None
    config = _plain(config)
    for problem in _left_out(file.head, config):
        raise SubjectError(f"subject.model: {name}: {problem}")
    return config


def gguf_model(file: GgufFile, dtype: torch.dtype, name: str) -> Any:
    """The model with its weights expanded, as if they had never been quantised.

    Args:
        file: From `open_gguf`.
        dtype: Of its parameters.
        name: For errors.

    Raises:
        SubjectError: If the file lacks weights that its metadata ask for, or has others.
    """
    with quietly() as folder:
        read, loading = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            gguf_file=str(file.path.absolute()),
            **SAFE,
            dtype=dtype,
            attn_implementation="eager",
            output_loading_info=True,
        )
    missing = sorted(map(str, loading["missing_keys"]))
    if missing:
        raise SubjectError(
            f"subject.model: {name} lacks the weights of {len(missing)} parameters that its metadata ask "
            f"for, such as {missing[0]}"
        )
    _require_all_used(file, read, name)
    # what was read stays marked as quantised; a model of the same configuration is not
    with torch.random.fork_rng(devices=[]):
        model = transformers.AutoModelForCausalLM.from_config(
            _plain(read.config), attn_implementation="eager", dtype=dtype
        )
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    return model


def _left_out(head: GgufHead, config: Any) -> Iterator[str]:
    """Settings of the file that the configuration does not have."""
    inner = config.get_text_config()
    for key, names in _SETTINGS.items():
        stated = head.setting(key)
        if not isinstance(stated, int | float) or not stated:
            continue
        values = [value for name in names if (value := getattr(inner, name, None)) is not None]
        if key == "attention.key_length" and not values:
            values = [inner.hidden_size // inner.num_attention_heads]
        if not any(math.isclose(stated, value, rel_tol=1e-5) for value in values):
            yield (
                f"the file says {key} = {stated:g}, which transformers does not carry over to {names[0]}"
                + ADVICE
            )
    scaling, factor = head.setting("rope.scaling.type"), head.setting("rope.scaling.factor")
    rotary = getattr(inner, "rope_parameters", None)
    ours = rotary.get("rope_type", "default") if isinstance(rotary, Mapping) else "default"
    if scaling not in (None, "", "none", ours) and factor != 1:
        yield f"the file says rope.scaling.type = {scaling}, which transformers does not carry over" + ADVICE


def _require_all_used(file: GgufFile, model: Any, name: str) -> None:
    """Transformers passes over tensors for which it finds no place."""
    parameters = {id(item): item.numel() for item in (*model.parameters(), *_kept_buffers(model))}
    in_file = sum(tensor.size for tensor in file.head.tensors) - _repeated(file, model)
    if in_file == sum(parameters.values()):
        return
    places = _places(model)
    odd = sorted(tensor.name for tensor in file.head.tensors if tensor.name not in places)
    such_as = ", ".join(odd[:_NAMED]) + (f" and {len(odd) - _NAMED} more" if len(odd) > _NAMED else "")
    raise SubjectError(
        f"subject.model: {name} holds {in_file:,} weights, and the model that its metadata describe has "
        f"{sum(parameters.values()):,}"
        + (f"; these have no place in it: {such_as}" if odd else "")
        + ". It would be tested as another network than it is"
    )


def _repeated(file: GgufFile, model: Any) -> int:
    """Entries of an unembedding that repeats the embedding to which it is tied."""
    tensors = {tensor.name: tensor for tensor in file.head.tensors}
    one, two = tensors.get("token_embd.weight"), tensors.get("output.weight")
    if one is None or two is None or not model.config.get_text_config().tie_word_embeddings:
        return 0
    same = one.type_number == two.type_number and file.content(one) == file.content(two)
    return two.size if same else 0


def _kept_buffers(model: Any) -> Iterator[torch.Tensor]:
    """Buffers that are saved with a model."""
    saved = model.state_dict(keep_vars=True)
    yield from (saved[name] for name, _ in model.named_buffers() if name in saved)


def _places(model: Any) -> set[str]:
    """Names that the tensors of a model have in GGUF files, as the package gguf knows them."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    family = {"gemma3_text": "gemma3"}.get(model.config.model_type, model.config.model_type)
    family = "llama" if family == "mistral" else family
    numbers = [number for number, known in MODEL_ARCH_NAMES.items() if known == family]
    if not numbers:
        return set()
    names = get_tensor_name_map(numbers[0], int(model.config.num_hidden_layers))
    places = (names.get_name(name, try_suffixes=(".weight", ".bias")) for name in model.state_dict())
    return {name for name in places if name}


def _plain(config: Any) -> Any:
    """A configuration without what says that weights came quantised, and from which file."""
    for key in ("quantization_config", "_model_name_or_path"):
        if hasattr(config, key):
            delattr(config, key)
    return config
