"""The configuration of a sparse autoencoder in its folder: ``cfg.json``, as SAELens saves it.

Keys of its versions before 4, of 4 and 5, and since 6 (where what was trained on stands under ``metadata``)
are understood. What hypotest cannot compute is refused by name; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Activation = Literal["relu", "jumprelu", "topk", "gated"]
Site = Literal["block", "mlp", "attention", "heads", "neurons"]
"""What is read: the output of a block, MLP or attention; the heads side by side; the neurons of the MLP."""

CONFIG = "cfg.json"
_WEIGHTS = "sae_weights.safetensors"
_BESIDE = ("sparsity.safetensors",)
"""Files of the same kind that hold no weights."""
_LARGEST = 2**20
"""Bytes of a configuration."""
_FORMERLY = {
    "hook_point": "hook_name",
    "hook_point_layer": "hook_layer",
    "hook_point_head_index": "hook_head_index",
    "activation_fn": "activation_fn_str",
}
_ARCHITECTURES: Mapping[str, Activation] = {
    "standard": "relu",
    "jumprelu": "jumprelu",
    "topk": "topk",
    "gated": "gated",
}
_NESTED = ("metadata", "meta")
"""Keys of what was trained on."""
_PLACES: Mapping[str, Site] = {
    "hook_resid_post": "block",
    "hook_resid_pre": "block",
    "hook_mlp_out": "mlp",
    "hook_attn_out": "attention",
    "attn.hook_z": "heads",
    "mlp.hook_post": "neurons",
}
_HOOK = re.compile(rf"^blocks\.([0-9]+)\.({'|'.join(map(re.escape, _PLACES))})$")
_SITES = (
    f"{', '.join(f'blocks.L.{name}' for name in _PLACES)} (hook_resid_pre: L from 1), or the path of a block "
    "or MLP"
)


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """What is computed, and of what."""

    d_in: int
    d_sae: int
    """Latents."""
    activation: Activation
    k: int
    """Latents that are active at once, of ``topk``; 0 elsewhere."""
    rescaled: bool
    """Of ``topk``: whether pre-activations are multiplied by the lengths of the decoder's rows, by which they
    are divided again when decoded."""
    subtracts_bias: bool
    """Whether the decoder's bias is taken off the input."""
    centred: bool
    """Whether it was trained on a residual stream, or on what is added to it, without its mean, as in a
    network whose writing weights were centred."""
    hook: str
    """Name of the site, as it stands there."""

    @property
    def site(self) -> tuple[Site, int] | None:
        """Module and number of the block that it reads the output of; None where the name is a path."""
        named = _HOOK.match(self.hook)
        if named is None:
            return None
        number, place = int(named[1]), named[2]  # what enters a block has left the one before
        return _PLACES[place], number - (place == "hook_resid_pre")


def read_autoencoder_config(folder: Path) -> AutoencoderConfig:
    """Read the configuration of an autoencoder.

    Args:
        folder: That holds it.

    Raises:
        ValueError: If there is none, or it asks for something that is not supported; continues the name of
            the folder.
    """
    if not folder.is_dir():
        raise ValueError("is no folder: check the path, which is seen from the protocol's folder")
    file = folder / CONFIG
    if not file.is_file():
        raise ValueError(f"holds no {CONFIG}; an autoencoder is a folder with {CONFIG} and {_WEIGHTS}")
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError("too large")
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"holds a {CONFIG} that cannot be read ({error})") from None
    if not isinstance(data, dict):
        raise ValueError(f"holds a {CONFIG} that is no mapping")
    return _config(_flat(data))


def weights_file(folder: Path) -> Path:
    """The file of an autoencoder's weights.

    Raises:
        ValueError: If there is none, or several; continues the name of the folder.
    """
    if (folder / _WEIGHTS).is_file():
        return folder / _WEIGHTS
    others = sorted(item for item in folder.glob("*.safetensors") if item.name not in _BESIDE)
    if len(others) != 1:
        there = ", ".join(item.name for item in others) or "none"
        raise ValueError(f"holds no {_WEIGHTS}, and not one other file of weights (.safetensors): {there}")
    return others[0]


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Keys at one level, by their newest names."""
    both: dict[str, Any] = {}
    for name in _NESTED:
        both.update(data[name] if isinstance(data.get(name), Mapping) else {})
    both.update({name: value for name, value in data.items() if name not in _NESTED})
    return {_FORMERLY.get(name, name): value for name, value in both.items()}


def _config(data: Mapping[str, Any]) -> AutoencoderConfig:
    architecture = data.get("architecture", "standard")
    if architecture not in _ARCHITECTURES:
        raise ValueError(
            f"is of the architecture {architecture!r:.60}, which is not supported; known: "
            f"{', '.join(_ARCHITECTURES)}"
        )
    activation: Activation = _ARCHITECTURES[architecture]
    given = data.get("activation_fn_str", activation)
    if activation == "relu" and given == "topk":
        activation = "topk"
    elif given not in ("relu", activation):
        raise ValueError(f"has the activation function {given!r:.60} (activation_fn), which is not supported")
    options = data.get("activation_fn_kwargs")
    k = data.get("k", options.get("k") if isinstance(options, Mapping) else None)
    for reason in _unsupported(data):
        raise ValueError(f"{reason}, which is not supported")
    hook = data.get("hook_name")
    if not isinstance(hook, str) or not hook:
        raise ValueError(f"names no site (hook_name in {CONFIG}); write that it was trained on: {_SITES}")
    if hook.startswith("blocks.") and (_HOOK.match(hook) is None or hook == "blocks.0.hook_resid_pre"):
        raise ValueError(f"was trained on {hook}, which is not supported; sites can be {_SITES}")
    named = _HOOK.match(hook)
    processed = data.get("model_from_pretrained_kwargs")
    processed = processed if isinstance(processed, Mapping) else {}
    is_centred = processed.get("center_writing_weights") is True
    if named and _PLACES[named[2]] == "heads" and processed.get("fold_value_biases", is_centred) is not False:
        raise ValueError(
            "was trained on heads without their value biases (fold_value_biases, which comes with "
            "center_writing_weights), which is not supported"
        )
    return AutoencoderConfig(
        d_in=_number(data, "d_in"),
        d_sae=_number(data, "d_sae"),
        activation=activation,
        k=_number({"k": k}, "k") if activation == "topk" else 0,
        rescaled=activation == "topk" and data.get("rescale_acts_by_decoder_norm") is True,
        subtracts_bias=bool(data.get("apply_b_dec_to_input", True)),
        centred=is_centred and not (named and _PLACES[named[2]] in ("heads", "neurons")),
        hook=hook,
    )


def _unsupported(data: Mapping[str, Any]) -> Iterator[str]:
    normalized = data.get("normalize_activations", "none")
    if normalized not in ("none", None):
        yield f"normalises its input (normalize_activations: {normalized})"
    of_heads = str(data.get("hook_name")).endswith("attn.hook_z")  # which lie side by side here, too
    if data.get("reshape_activations", "none") not in ("none", None, *(["hook_z"] if of_heads else [])):
        yield f"reshapes its input (reshape_activations: {data['reshape_activations']})"
    if data.get("hook_head_index") is not None:
        yield f"reads one attention head (hook_head_index: {data['hook_head_index']})"
    if data.get("finetuning_scaling_factor"):
        yield "rescales its latents (finetuning_scaling_factor)"
    if data.get("hook_name_out") not in (None, data.get("hook_name")):
        yield f"writes elsewhere than it reads (hook_name_out: {data['hook_name_out']})"


def _number(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"must say {name} in {CONFIG}, a whole number from 1; found {value!r:.60}")
    return value
