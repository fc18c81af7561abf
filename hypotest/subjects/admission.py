"""Networks that hypotest cannot test, whatever a protocol says: why, and what would be needed.

What a configuration shows is known before weights are read or downloaded; the rest before a model is proved.
"""

from __future__ import annotations

from typing import Any

import torch

from hypotest.errors import SubjectError

_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_LAYERS = ("layer_types", "layers_block_type", "block_types")
_ATTENTION = frozenset({"full_attention", "sliding_attention", "chunked_attention", "attention"})
_LARGEST = {
    "num_hidden_layers": 1_000,
    "num_attention_heads": 10_000,
    "hidden_size": 2**18,
    "intermediate_size": 2**20,
    "n_inner": 2**20,
    "vocab_size": 2**24,
}
"""Of a configuration; the largest models have a tenth. A damaged one could ask for any time and memory."""


def require_testable(config: Any, name: str) -> None:
    """Refuse what its configuration shows to be no transformer of one stack of blocks in plain numbers.

    Args:
        config: The ``transformers`` configuration.
        name: Of the model, for errors.

    Raises:
        SubjectError: Names the architecture, and what would be needed.
    """
    family = str(getattr(config, "model_type", "") or type(config).__name__)
    inner = config.get_text_config()
    reason = ""
    if getattr(config, "is_encoder_decoder", False):
        reason = (
            "an encoder with a decoder; hypotest tests models of one stack of blocks, decoders or encoders "
            "with a head for masked tokens. There is no way to describe it in a protocol"
        )
    elif getattr(inner, "num_attention_heads", None) is None and not hasattr(inner, "num_heads"):
        reason = (
            "without attention heads (its configuration has no num_attention_heads), which hypotest ablates "
            "and whose routing it measures. There is no way to describe it in a protocol"
        )
    if reason:
        raise SubjectError(f"subject.model: {name} is of the family {family!r}: {reason}")
    method = _quantized_by(config)
    if method:
        raise SubjectError(
            f"subject.model: the weights of {name} are quantised ({method}), and ablations of a thousandth "
            "of a nat need plain ones; name the model that it was made from, or a GGUF file of it, whose "
            "weights are expanded"
        )


def require_plausible(config: Any, name: str) -> None:
    """Refuse a configuration that asks for more blocks, heads, neurons or tokens than any model has.

    Args:
        config: The ``transformers`` configuration.
        name: Of the model, for errors.

    Raises:
        SubjectError: Names the key.
    """
    for key, largest in _LARGEST.items():
        value = getattr(config.get_text_config(), key, None)
        if value is None and key in ("intermediate_size", "n_inner"):
            continue  # families have one of the two, or its default
        if not isinstance(value, int) or not 0 < value <= largest:
            raise SubjectError(
                f"subject.model: {key} in the configuration of {name!r} must be a whole number from 1 to "
                f"{largest:,}; found {value!r:.60}"
            )


def require_plain(model: Any, name: str) -> None:
    """Refuse a model in memory whose weights are not plain numbers of its own modules.

    Args:
        model: In memory.
        name: Of the model, for errors.

    Raises:
        SubjectError: If adapters are attached, or weights quantised or of low precision; says what to do.
    """
    kinds = {path: type(module).__module__ for path, module in model.named_modules()}
    attached = [path for path, module in kinds.items() if module.split(".")[0] == "peft"]
    tuned = getattr(model, "peft_config", None)
    if attached or tuned is not None:
        raise SubjectError(f"{name}: {_tuned(model, tuned)}")
    quantized = [path for path, module in kinds.items() if "quantized" in module or "bitsandbytes" in module]
    dtypes = {item.dtype for item in model.parameters()}
    whole = {item for item in dtypes if not item.is_floating_point}
    if quantized or whole:
        which = (
            f"{quantized[0]} is a {_kind(model, quantized[0])}" if quantized else ", ".join(map(str, whole))
        )
        raise SubjectError(
            f"{name}: its weights are quantised ({which}), and ablations of a thousandth of a nat need plain "
            "ones; load the model without quantisation, in float32"
        )
    low = dtypes - {torch.float32, torch.float64}
    if low:
        raise SubjectError(
            f"{name}: parameters must be float32 for ablations of a thousandth of a nat; found "
            f"{', '.join(map(str, low))}. Load the model with dtype=torch.float32, or call .float() on it"
        )


def _tuned(model: Any, tuned: Any) -> str:
    """What peft has added, and what to do; only a ``PeftModel`` can merge it."""
    kinds = tuned.values() if isinstance(tuned, dict) else ()
    if any(getattr(kind, "is_prompt_learning", False) for kind in kinds):
        return (
            "a prompt that was learned stands before all that it reads (peft), and lies in no weights, so "
            "that it cannot be merged; the model without the prompt can be tested: model.get_base_model()"
        )
    merge = (
        "model = model.merge_and_unload()"
        if hasattr(model, "merge_and_unload")
        else "load it by peft.PeftModel.from_pretrained(base, ADAPTER) and call merge_and_unload() on that"
    )
    return (
        "adapters are attached to it (peft), so that its weights are in two places; merge them first: "
        + merge
    )


def beyond_description(model: Any) -> str:
    """Why no ``subject.anatomy`` could describe a model of an unknown family; empty if one might."""
    inner = model.config.get_text_config()
    kinds = {str(kind) for name in _LAYERS for kind in (getattr(inner, name, None) or ())} - _ATTENTION
    if kinds:
        return (
            f"some of its blocks have no attention ({', '.join(sorted(kinds))}), whose heads hypotest "
            "ablates and whose routing it measures"
        )
    outside = [
        type(module).__name__
        for path, module in model.named_modules()
        if not any(part.isdigit() for part in path.split("."))
    ]
    if not any("norm" in kind.lower() for kind in outside):
        return (
            "it has no norm between its last block and the unembedding, through which hypotest follows what "
            "a neuron does to the logits"
        )
    return ""


def needs_of_a_mixture(model: Any) -> str:
    """What its mixtures of experts must have, if its configuration says that it has some."""
    inner = model.config.get_text_config()
    experts = next((name for name in _EXPERTS if (getattr(inner, name, None) or 0) > 1), "")
    if not experts:
        return ""
    return (
        f". Its MLPs are mixtures of experts ({experts}: {getattr(inner, experts)}), of which a router must "
        "give logits, weights and numbers of experts, and whose experts must lie in fused tensors "
        "gate_up_proj (or up_proj) and down_proj, an expert along the first axis"
    )


def _quantized_by(config: Any) -> str:
    """Method of quantisation; of a GGUF file, whose weights transformers has expanded, none."""
    settings = getattr(config, "quantization_config", None)
    if settings is None:
        return ""
    method = (
        settings.get("quant_method")
        if isinstance(settings, dict)
        else getattr(settings, "quant_method", None)
    )
    word = str(getattr(method, "value", method) or "in an unnamed way")
    return "" if word == "gguf" else word


def _kind(model: Any, path: str) -> str:
    kind = type(model.get_submodule(path))
    return f"{kind.__module__}.{kind.__qualname__}"
