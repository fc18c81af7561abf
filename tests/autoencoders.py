"""Sparse autoencoders that the tests train, saved in the common format of configuration and safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

K = 6


def train_autoencoder(
    vectors: np.ndarray, n_latents: int, architecture: str = "standard", steps: int = 150, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Weights that explain most of the variance of some vectors; a second or less.

    Args:
        vectors: What it is trained on, shape (n_vectors, d_in).
        n_latents: How many.
        architecture: ``standard``, ``jumprelu`` or ``topk`` (the K largest).
        steps: Of Adam, each on all vectors.
        seed: Of the initial weights.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(np.asarray(vectors, dtype=np.float32))
    scale = float(x.std())
    decoder = torch.randn(n_latents, x.shape[1], generator=generator)
    decoder /= decoder.norm(dim=1, keepdim=True)
    weights = {
        "W_enc": decoder.T.clone(),
        "b_enc": torch.zeros(n_latents),
        "W_dec": decoder.clone(),
        "b_dec": x.mean(dim=0).clone(),
    }
    if architecture == "jumprelu":
        weights["threshold"] = torch.full((n_latents,), 0.3 * scale)
    trained = [item.requires_grad_() for name, item in weights.items() if name != "threshold"]
    adam = torch.optim.Adam(trained, lr=0.02)
    for _ in range(steps):
        before = (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]
        latents = activated(before, architecture, weights.get("threshold"))
        error = (x - latents @ weights["W_dec"] - weights["b_dec"]).square().sum(dim=1).mean() / scale**2
        loss = error + 0.05 * latents.sum(dim=1).mean() / scale
        adam.zero_grad()
        loss.backward()
        adam.step()
    return {name: item.detach() for name, item in weights.items()}


def activated(
    before: torch.Tensor, architecture: str, threshold: torch.Tensor | None = None, k: int = K
) -> torch.Tensor:
    """Latents of pre-activations."""
    if architecture == "topk":
        least = before.sort(dim=-1, descending=True).values[..., k - 1 : k]
        return torch.where(before >= least, before, 0.0).clamp(min=0)
    active = before.clamp(min=0)
    return active if architecture == "standard" else torch.where(before > threshold, active, 0.0)


def save_autoencoder(
    folder: Path, weights: dict[str, torch.Tensor], hook: str, architecture: str = "standard", **config: Any
) -> Path:
    """Write a folder as SAELens does since its version 6."""
    folder.mkdir(parents=True, exist_ok=True)
    d_in, d_sae = weights["W_enc"].shape
    data = {
        "architecture": architecture,
        "d_in": d_in,
        "d_sae": d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"hook_name": hook, "model_name": "small", "prepend_bos": True},
        **({"k": K} if architecture == "topk" else {}),
        **config,
    }
    (folder / "cfg.json").write_text(json.dumps(data), encoding="utf-8")
    save_file({name: item.contiguous() for name, item in weights.items()}, folder / "sae_weights.safetensors")
    return folder
