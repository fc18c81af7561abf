"""The kind of units that a protocol names, made ready for a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypotest.records.protocol.units import SparseAutoencoder, UnitName
from hypotest.subjects.anatomy.examination import stream_obstacle
from hypotest.subjects.units.experts import experts_of
from hypotest.subjects.units.heads import HEADS
from hypotest.subjects.units.kind import Host, Kind
from hypotest.subjects.units.latents import latents_of
from hypotest.subjects.units.neurons import NEURONS
from hypotest.subjects.units.residual import Residual


def kind_of(units: UnitName | SparseAutoencoder, host: Host, model: Any, base: Path | None) -> Kind:
    """Make a kind of units ready.

    Args:
        units: As a protocol says it.
        host: The network, whose anatomy is proved.
        model: The ``transformers`` model itself.
        base: Folder that the path of an autoencoder starts from; the current one by default.

    Raises:
        SubjectError: If the network has no such units.
    """
    match units:
        case "neurons":
            return NEURONS
        case "heads":
            return HEADS
        case "experts":
            return experts_of(host)
        case SparseAutoencoder():
            return latents_of(units.sae, host, model, base)
    return Residual(obstacle=stream_obstacle(model, host.anatomy, host.layer, host.name))
