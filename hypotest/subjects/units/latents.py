"""Latents of a sparse autoencoder that was trained on the network: directions of the stream, or of an MLP.

What the autoencoder does not explain stays: with latents f at x, setting some of them to f' gives

    x + (f' - f) W_dec

so that an ablation changes what its latents say and keeps the reconstruction error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy.examination import mlp_is_added, stream_obstacle
from hypotest.subjects.units.autoencoder import Autoencoder, read_autoencoder
from hypotest.subjects.units.kind import Host, Kind, Site
from hypotest.subjects.units.neurons import NEURONS
from hypotest.subjects.units.residual import Residual

_LAYER_NORMS = ("layer", "layer_plain")
"""Final norms of networks whose stream can do without its mean."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Latents(Kind):
    """One coordinate each, with its row of the decoder."""

    autoencoder: Autoencoder
    place: Kind
    """Neurons or residual, whose path to the logits is that of the autoencoder's site."""

    def vectors(self, host: Host) -> Tensor:
        """Rows of the decoder."""
        return self.autoencoder.decoder

    def input_vectors(self, host: Host) -> Tensor:
        """Columns of the encoder."""
        return self.autoencoder.encoder.T

    def looking(self, host: Host) -> tuple[int, ...]:
        """Blocks whose attention reaches the site."""
        return self.place.looking(host)

    def coordinates(self, host: Host, seen: Tensor) -> Tensor:
        """Latents."""
        return self.autoencoder.encode(seen)

    def edited(self, seen: Tensor, columns: NDArray[np.int64], after: Tensor) -> Tensor:
        """Moved by the change of the latents."""
        latents = self.autoencoder.encode(seen)[:, :, columns]
        return seen + (after.to(latents) - latents) @ self.autoencoder.decoder[columns].to(latents)

    def identity_obstacle(self, host: Host) -> str:
        """What follows the site."""
        return self.place.identity_obstacle(host)

    def identity_reason(self) -> str:
        """The site's path."""
        return self.place.identity_reason()

    @property
    def settings(self) -> dict[str, Any]:
        """Name and content of the autoencoder."""
        return {"kind": self.name, "sha256": self.autoencoder.sha256}

    @property
    def described(self) -> dict[str, str]:
        """What a report says of it."""
        config = self.autoencoder.config
        return {"autoencoder": self.autoencoder.name, "site": config.hook, "activation": config.activation}


def latents_of(name: str, host: Host, model: Any, base: Path | None) -> Latents:
    """Read an autoencoder, and see that it belongs to the tested block of a network.

    Args:
        name: Its folder, as the protocol names it.
        host: The network, whose anatomy is proved.
        model: The ``transformers`` model itself.
        base: Folder that a relative path starts from; the current one by default.

    Raises:
        SubjectError: If it cannot be read, or belongs to another network, block or site.
    """
    autoencoder = read_autoencoder(name, base)
    site, layer = _site_of(autoencoder, host)
    hook, width = autoencoder.config.hook, autoencoder.config.d_in
    said = f"subject.units.sae: {name}"
    if width != host.d_model:
        raise SubjectError(
            f"{said} reads vectors of width {width} (d_in), and the residual stream of {host.name} is "
            f"{host.d_model} wide: it was trained on another network"
        )
    if layer != host.layer:
        raise SubjectError(
            f"{said} was trained on {hook}, of block {layer}, and block {host.layer} of {host.name} is "
            "tested (subject.layer): "
            + (f"write `layer: {layer}`" if layer < host.n_layers else "there is no such block")
        )
    if autoencoder.config.centred and host.anatomy.norm not in _LAYER_NORMS:
        raise SubjectError(
            f"{said} was trained on a stream without its mean (center_writing_weights), which {host.name} "
            "cannot do without, since its norms are no LayerNorms"
        )
    if site == "block":
        place: Kind = Residual(obstacle=stream_obstacle(model, host.anatomy, layer, host.name))
    elif not host.anatomy.experts and mlp_is_added(model, host.anatomy, layer, host.name):
        place = NEURONS
    else:
        raise SubjectError(
            f"{said} was trained on {hook}, and what the MLPs of {host.name} give is not what they add to "
            "the residual stream (a norm follows, or they are mixtures of experts); take one of that stream"
        )
    module = host.module("down_projection" if site == "mlp" else "block")
    device = next(module.parameters()).device
    return Latents(
        name="sae",
        site=site,
        read="down_projection" if site == "mlp" else "block",
        side="output",
        autoencoder=autoencoder.to(device),
        place=place,
    )


def _site_of(autoencoder: Autoencoder, host: Host) -> tuple[Site, int]:
    if autoencoder.config.site is not None:
        return autoencoder.config.site
    for layer in range(host.n_layers):
        for site in ("block", "mlp"):
            if autoencoder.config.hook == host.anatomy.at(site, layer):
                return site, layer
    block, mlp = host.anatomy.at("block", 0), host.anatomy.at("mlp", 0)
    raise SubjectError(
        f"subject.units.sae: {autoencoder.name} was trained on {autoencoder.config.hook}, which is no block "
        f"and no MLP of {host.name}, such as {block} or {mlp}"
    )
