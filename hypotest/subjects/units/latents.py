"""Latents of a sparse autoencoder that was trained on the network: directions of the stream, or of an MLP.

What the autoencoder does not explain stays: with latents f at x, setting some of them to f' gives

    x + (f' - f) W_dec

so that an ablation changes what its latents say and keeps the reconstruction error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.records.stored.autoencoders import Site as Place
from hypotest.subjects.anatomy.examination import attention_is_added, mlp_is_added, stream_obstacle
from hypotest.subjects.anatomy.modules import by_input
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
    written: Tensor
    """What each latent adds to the output of its module, shape (d_sae, d_model): its row of the decoder, by
    way of a projection where one follows what is read."""

    def vectors(self, host: Host) -> Tensor:
        """Rows of the decoder, as they arrive."""
        return self.written

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
    hook = autoencoder.config.hook
    said = f"subject.units.sae: {name}"
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
    _require_added(site, host, model, f"{said} was trained on {hook}, and")
    read = _READ[site] or host.anatomy.attends[-1]
    module = host.module(read)
    projection = by_input(module) if site in _THROUGH else None
    width, what = host.d_model, "the residual stream"
    if projection is not None:
        width, what = len(projection), f"what its {_THROUGH[site]} lie side by side in"
    if autoencoder.config.d_in != width:
        raise SubjectError(
            f"{said} reads vectors of width {autoencoder.config.d_in} (d_in), and {what} of {host.name} is "
            f"{width} wide: it was trained on another network"
        )
    place: Kind = NEURONS
    if site == "block":
        place = Residual(obstacle=stream_obstacle(model, host.anatomy, layer, host.name))
    elif site in ("attention", "heads"):
        place = Residual(obstacle="the MLP reads what the attention of its block adds")
    autoencoder = autoencoder.to(next(module.parameters()).device)
    decoder = autoencoder.decoder
    return Latents(
        name="sae",
        site=_ADDS[site],
        read=read,
        side="output" if projection is None else "input",
        autoencoder=autoencoder,
        place=place,
        written=decoder if projection is None else decoder.to(projection) @ projection,
    )


_READ: Mapping[Place, str] = {
    "block": "block", "mlp": "down_projection", "neurons": "down_projection", "heads": "attention_projection",
    "attention": "",
}  # fmt: skip
"""Module of the anatomy where they are read; of the attention the last of those that it is made of."""
_ADDS: Mapping[Place, Site] = {
    "block": "block", "mlp": "mlp", "neurons": "mlp", "heads": "attention", "attention": "attention"
}  # fmt: skip
"""Module whose output they add to."""
_THROUGH: Mapping[Place, str] = {"heads": "heads", "neurons": "neurons"}
"""Read in front of a projection: what lies side by side there."""


def _require_added(site: Place, host: Host, model: Any, said: str) -> None:
    """Refuse what a mixture has not, and outputs that are not what the block adds to its stream."""
    inside = (model, host.anatomy, host.layer, host.name)
    if site in ("mlp", "neurons") and host.anatomy.experts:
        raise SubjectError(f"{said} {host.name} has mixtures of experts; take one of its residual stream")
    if (site == "mlp" and not mlp_is_added(*inside)) or (
        site == "attention" and not attention_is_added(*inside)
    ):
        raise SubjectError(
            f"{said} what that gives in {host.name} is not what it adds to the residual stream (a norm "
            "follows); take one of that stream"
        )


def _site_of(autoencoder: Autoencoder, host: Host) -> tuple[Place, int]:
    if autoencoder.config.site is not None:
        return autoencoder.config.site
    for layer in range(host.n_layers):
        sites: tuple[Place, ...] = ("block", "mlp")
        for site in sites:
            if autoencoder.config.hook == host.anatomy.at(site, layer):
                return site, layer
    block, mlp = host.anatomy.at("block", 0), host.anatomy.at("mlp", 0)
    raise SubjectError(
        f"subject.units.sae: {autoencoder.name} was trained on {autoencoder.config.hook}, which is no block "
        f"and no MLP of {host.name}, such as {block} or {mlp}"
    )
