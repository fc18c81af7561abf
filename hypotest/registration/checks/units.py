"""Checks of ``subject.units``: an autoencoder that can be read, measures that such units have values for."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import declared
from hypotest.records.evidence.channels import UNITS_LACK, Channel
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.units import SparseAutoencoder, kind_name, unit_facts
from hypotest.registration.checks.group import neuron_findings
from hypotest.registration.findings import Finding, KeyPath, shown

_UNITS: KeyPath = ("subject", "units")
_LAYER: KeyPath = ("subject", "layer")


def unit_findings(protocol: Protocol) -> Iterator[Finding]:
    """Refuse what reads a channel that units of this kind have not; no files are read.

    Args:
        protocol: A protocol whose keys and types are right.

    Yields:
        Errors.
    """
    units = protocol.subject.units
    if protocol.subject.network is not None:
        if units != "neurons":
            message = "is for language models; the units of a network come with it: remove it"
            yield Finding(_UNITS, message, depends=(("subject", "network"),))
        return
    if isinstance(units, SparseAutoencoder):
        for axis in protocol.subject.axes:
            if axis != "revision":
                message = (
                    f"is an autoencoder of one block of one model, and subject.{axis} names several: name "
                    "its own there"
                )
                yield Finding(_UNITS, message, depends=(("subject", axis),))
    lacking, many = UNITS_LACK.get(kind_name(units), frozenset()), unit_facts(units).many
    for item in declared(protocol):
        if wanted := item.null.needs & lacking:
            message = f"reads {_listed(wanted)}, and {many} have none (subject.units): take it out"
            yield Finding(("nulls", item.name), message, depends=(_UNITS,))
    for place, prediction in enumerate(protocol.predictions):
        measure = MEASURES.get(prediction.measure)
        if measure is not None and (wanted := measure.needs & lacking):
            message = (
                f"{prediction.measure} reads {_listed(wanted)}, and {many} have none (subject.units): take "
                "the prediction out, or measure something else"
            )
            yield Finding(("predictions", place, "measure"), message, depends=(_UNITS,))


def autoencoder_findings(protocol: Protocol, base: pathlib.Path) -> Iterator[Finding]:
    """Check that an autoencoder is there, can be computed, and belongs to the tested block.

    Args:
        protocol: A protocol whose keys and types are right.
        base: Folder that relative paths start from (the protocol's own).

    Yields:
        Errors.
    """
    units, layer = protocol.subject.units, protocol.subject.layer
    if not isinstance(units, SparseAutoencoder) or protocol.subject.network is not None:
        return
    from hypotest.records.stored.autoencoders import CONFIG, read_autoencoder_config, weights_file

    path: KeyPath = (*_UNITS, "sae")
    try:
        config = read_autoencoder_config(base / units.sae)
        weights_file(base / units.sae)
    except ValueError as error:
        yield Finding(path, f"{shown(str(base / units.sae))} {error}")
        return
    if config.site is not None and isinstance(layer, int) and layer >= 0 and layer != config.site[1]:
        message = (
            f"{shown(units.sae)} was trained on {config.hook} ({CONFIG}), of block {config.site[1]}, and "
            f"subject.layer is {layer}: write `layer: {config.site[1]}`"
        )
        yield Finding(path, message, depends=(_LAYER,))
    yield from neuron_findings(protocol, config.d_sae, None, (path,))


def _listed(channels: frozenset[Channel]) -> str:
    return ", ".join(sorted(channels))
