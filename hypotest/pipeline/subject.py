"""The network that a protocol names: loaded, or taken from memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypotest.engine.progress import StartStage, silent
from hypotest.errors import ProtocolError, SubjectError
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.units import SparseAutoencoder
from hypotest.registration.checks.group import neuron_findings
from hypotest.registration.checks.shapes import shape_in
from hypotest.registration.findings import key_name
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.loading.loading import Reader, load_language_model, load_reader
from hypotest.subjects.network.network import Network
from hypotest.subjects.network.offered import offered_network
from hypotest.subjects.recorded.evidence import RecordedEvidence
from hypotest.subjects.units.autoencoder import read_autoencoder
from hypotest.subjects.wrapping import wrap_language_model


def load_subject(protocol: Protocol, base: Path, device: str, start_stage: StartStage = silent) -> Subject:
    """Load the subject of a protocol; a network of hypotest's own is trained where no cache holds it.

    Args:
        protocol: A valid protocol, at one layer of one checkpoint.
        base: Folder that relative paths of the protocol start from.
        device: ``cpu``, ``cuda``, ``mps``, ``auto`` or ``balanced``.
        start_stage: Told of a network that is trained or built, which may take minutes.

    Raises:
        SubjectError: If it cannot be had, or the protocol is a series.
        OutputError: If the cache cannot be written.
    """
    wanted = protocol.subject
    if wanted.network is not None:
        return _network(wanted.network, start_stage)
    return _reached(
        load_language_model(
            wanted.name,
            layer=_one_layer(protocol),
            revision=one_checkpoint(protocol),
            dtype=wanted.dtype or "float32",
            device=device,
            base=base,
            anatomy=_anatomy(protocol),
            units=wanted.units,
        )
    )


def _network(name: str, start_stage: StartStage) -> Network:
    """One of hypotest's own, or one that a package offers."""
    from hypotest.subjects.controls.registry import CONTROLS  # imports what each is trained with

    control = CONTROLS.get(name)
    is_kept = control is not None and control.is_kept()
    doing = f"building {name}" if control is None else f"training {name}, this once"
    step = silent(doing, 1) if is_kept else start_stage(doing, 1)
    network = offered_network(name) if control is None else control.trained().network
    step()
    return network


def network_in_memory(subject: Any) -> Network | RecordedEvidence:
    """A network, or evidence, that is given in Python, in the place of a network that a package offers.

    Raises:
        SubjectError: If it is none.
    """
    if not isinstance(subject, Network | RecordedEvidence):
        raise SubjectError(
            "subject=: must be a hypotest.Network or hypotest.Evidence (a language model is given as "
            f"model=); found {type(subject).__name__}"
        )
    return subject


def one_checkpoint(protocol: Protocol) -> str | None:
    """The revision of a protocol that is no series.

    Raises:
        SubjectError: If it is one.
    """
    _require_one(protocol)
    revision = protocol.subject.revision
    assert not isinstance(revision, tuple)
    return revision


def _one_layer(protocol: Protocol) -> int | str:
    _require_one(protocol)
    layer = protocol.subject.layer
    assert not isinstance(layer, tuple)
    return layer


def _require_one(protocol: Protocol) -> None:
    if axes := protocol.subject.axes:
        raise SubjectError(
            f"subject.{axes[0]}: names several, and only `hypotest run` goes through a series; name one"
        )


def layer_width(protocol: Protocol, reader: Reader, base: Path) -> int | None:
    """Units of the layer that a protocol tests, before weights are read; of a series, of the last layer.

    Args:
        protocol: A valid protocol.
        reader: Of its subject.
        base: Folder that relative paths of the protocol start from.

    Returns:
        None where the family is not known.

    Raises:
        SubjectError: If the model cannot be tested.
    """
    layer, units = protocol.subject.layer, protocol.subject.units
    if isinstance(units, SparseAutoencoder):
        return read_autoencoder(units.sae, base).config.d_sae
    if units != "neurons":
        return shape_in(reader.config.to_dict()).n_units[units]
    return reader.n_neurons(layer if isinstance(layer, int) else "last", _anatomy(protocol))


def require_neurons(protocol: Protocol, n_neurons: int | None, layer: int | None) -> None:
    """Refuse a group that the layer cannot have.

    Args:
        protocol: A valid protocol.
        n_neurons: Neurons of the layer; None where they are not known yet.
        layer: Number of the block, counted from 0; None where it is not known.

    Raises:
        ProtocolError: With a line for each key.
    """
    problems = [
        f"{key_name(item.path, {})}: {item.message}" for item in neuron_findings(protocol, n_neurons, layer)
    ]
    if problems:
        raise ProtocolError("\n".join(problems))


def require_readers(protocol: Protocol, base: Path) -> None:
    """Look for configuration and tokenizer of every model and checkpoint of a series before one is run.

    Raises:
        SubjectError: If one cannot be had.
    """
    revisions = protocol.subject.revision
    for name in protocol.subject.models:
        for revision in revisions if isinstance(revisions, tuple) else (revisions,):
            load_reader(name, revision=revision, base=base)


def subject_in_memory(protocol: Protocol, model: Any, tokenizer: Any, base: Path) -> LanguageModel:
    """Take a model from memory in the place of the one that a protocol names.

    Args:
        protocol: A valid protocol, at one layer.
        model: As for `hypotest.subjects.wrapping.wrap_language_model`.
        tokenizer: Its fast tokenizer.
        base: Folder that relative paths of the protocol start from.

    Raises:
        SubjectError: If the model or its tokenizer is not of use.
    """
    subject = _reached(
        wrap_language_model(
            model,
            layer=_one_layer(protocol),
            tokenizer=tokenizer,
            anatomy=_anatomy(protocol),
            units=protocol.subject.units,
            base=base,
        )
    )
    if not getattr(subject.tokenizer, "is_fast", False):
        raise SubjectError(
            f"{subject.name}: needs its fast tokenizer, to read the text; pass tokenizer=, found "
            f"{type(subject.tokenizer).__name__}"
        )
    return subject


def at_layer(subject: LanguageModel, protocol: Protocol, base: Path) -> LanguageModel:
    """The same network, tested at the layer of another protocol; its anatomy is proved there.

    No attention may reach it: `LanguageModel.reaching_layers` tells.

    Raises:
        SubjectError: If there is no such layer, or the proof fails.
    """
    moved = wrap_language_model(
        subject.model,
        layer=_one_layer(protocol),
        tokenizer=subject.tokenizer,
        name=subject.name,
        anatomy=_anatomy(protocol),
        units=protocol.subject.units,
        base=base,
    )
    return replace(moved, revision=subject.revision, file=subject.file)


def _reached(subject: LanguageModel) -> LanguageModel:
    if not subject.reaching_layers:
        raise SubjectError(
            f"subject.layer: no attention of {subject.name} reaches the MLP of layer {subject.layer}"
        )
    return subject


def _anatomy(protocol: Protocol) -> dict[str, Any] | None:
    described = protocol.subject.anatomy
    return described.model_dump(exclude_none=True) if described else None
