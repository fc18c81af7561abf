"""A sparse autoencoder read from its folder: weights in safetensors beside their configuration.

    f = activation((x - b_dec) W_enc + b_enc),    x^ = f W_dec + b_dec

with ``relu``; ``jumprelu``, which lets pass what exceeds a threshold of each latent; ``topk``, which keeps
the k largest at a position, as far as they are positive; or ``gated``, where f = relu(exp(r_mag) (x - b_dec)
W_enc + b_mag) at latents whose gate, (x - b_dec) W_enc + b_gate, is positive.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.records.stored.autoencoders import (
    CONFIG,
    AutoencoderConfig,
    read_autoencoder_config,
    weights_file,
)


@dataclass(frozen=True, slots=True, eq=False)
class Autoencoder:
    """An autoencoder on the device of its site."""

    name: str
    """As the protocol names its folder."""
    config: AutoencoderConfig
    sha256: str
    """Of configuration and weights."""
    encoder: Tensor
    """W_enc, shape (d_in, d_sae), float32."""
    encoder_bias: Tensor
    """b_enc, shape (d_sae,); of ``gated`` b_gate."""
    decoder: Tensor
    """What each latent adds per unit, shape (d_sae, d_in): rows of W_dec."""
    decoder_bias: Tensor
    """b_dec, shape (d_in,)."""
    threshold: Tensor
    """Of ``jumprelu``, shape (d_sae,); empty elsewhere."""
    scale: Tensor
    """Of pre-activations, shape (d_sae,); empty where they are not rescaled."""
    stretch: Tensor
    """Of ``gated``, exp(r_mag), shape (d_sae,); empty elsewhere."""
    magnitude_bias: Tensor
    """Of ``gated``, b_mag, shape (d_sae,); empty elsewhere."""

    def encode(self, x: Tensor) -> Tensor:
        """Latents of vectors (..., d_in), shape (..., d_sae), computed in their type."""
        config, like = self.config, x
        if config.centred:
            x = x - x.mean(dim=-1, keepdim=True)
        if config.subtracts_bias:
            x = x - self.decoder_bias.to(like)
        read = x @ self.encoder.to(like)
        before = read + self.encoder_bias.to(like)
        if config.activation == "gated":
            return (read * self.stretch.to(like) + self.magnitude_bias.to(like)).relu() * (before > 0)
        if config.activation == "topk":
            if config.rescaled:
                before = before * self.scale.to(like)
            largest = torch.topk(before, config.k, dim=-1)
            return torch.zeros_like(before).scatter(-1, largest.indices, largest.values.relu())
        active = before.relu()
        return active * (before > self.threshold.to(like)) if config.activation == "jumprelu" else active

    def to(self, device: torch.device) -> Autoencoder:
        """The same elsewhere."""
        moved = {name: getattr(self, name).to(device) for name in _TENSORS}
        return Autoencoder(self.name, self.config, self.sha256, **moved)


_TENSORS = (
    *("encoder", "encoder_bias", "decoder", "decoder_bias"),
    *("threshold", "scale", "stretch", "magnitude_bias"),
)


def read_autoencoder(name: str, base: Path | None) -> Autoencoder:
    """Read an autoencoder from its folder.

    Args:
        name: The folder, as the protocol names it.
        base: Folder that a relative one starts from; the current one by default.

    Raises:
        SubjectError: If something is missing, of another shape, not finite, or not supported; says what.
    """
    folder = (base or Path()) / name
    try:
        config = read_autoencoder_config(folder)
        file = weights_file(folder)
        content = file.read_bytes()
        tensors = _tensors(content, file.name)
        return _autoencoder(name, config, tensors, _sha256((folder / CONFIG).read_bytes(), content))
    except ValueError as error:
        raise SubjectError(f"subject.units.sae: {folder} {error}") from None
    except OSError as error:
        raise SubjectError(f"subject.units.sae: {folder} cannot be read: {error.strerror or error}") from None


def _tensors(content: bytes, file: str) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        stored: dict[str, Any] = load(content)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"holds {file}, which is no safetensors file, or damaged: {error}") from None
    return stored


def _autoencoder(name: str, config: AutoencoderConfig, tensors: dict[str, Any], sha256: str) -> Autoencoder:
    wide, many = config.d_in, config.d_sae
    bias = "b_gate" if config.activation == "gated" else "b_enc"
    shapes: dict[str, tuple[int, ...]] = {
        "W_enc": (wide, many), bias: (many,), "W_dec": (many, wide), "b_dec": (wide,)
    }  # fmt: skip
    if config.activation == "gated":
        shapes |= {"r_mag": (many,), "b_mag": (many,)}
    if config.activation == "jumprelu":
        if "log_threshold" in tensors and "threshold" not in tensors:
            tensors["threshold"] = tensors["log_threshold"].float().exp()
        shapes["threshold"] = (many,)
    for key, shape in shapes.items():
        if key not in tensors:
            raise ValueError(f"lacks {key} in its weights; found {', '.join(sorted(tensors)) or 'none'}")
        if tuple(tensors[key].shape) != shape:
            raise ValueError(
                f"must hold {key} of shape {shape}, by d_in and d_sae in its {CONFIG}; found "
                f"{tuple(tensors[key].shape)}"
            )
        if not bool(torch.isfinite(tensors[key]).all()):
            raise ValueError(f"holds values in {key} that are not finite; the file is damaged")
    if config.k > many:
        raise ValueError(f"keeps the {config.k} largest (k) of {many} latents (d_sae)")
    kept = {key: tensors[key].float() for key in shapes}
    none = torch.empty(0)
    lengths = torch.linalg.vector_norm(kept["W_dec"], dim=1) if config.rescaled else none
    return Autoencoder(
        name=name,
        config=config,
        sha256=sha256,
        encoder=kept["W_enc"],
        encoder_bias=kept[bias],
        decoder=kept["W_dec"] / lengths[:, None].clamp_min(1e-30) if config.rescaled else kept["W_dec"],
        decoder_bias=kept["b_dec"],
        threshold=kept.get("threshold", none),
        scale=lengths,
        stretch=kept["r_mag"].exp() if "r_mag" in kept else none,
        magnitude_bias=kept.get("b_mag", none),
    )


def _sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()
