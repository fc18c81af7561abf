"""The members of a series: the plan of each, what it is called, and what loads its subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hypotest.errors import SubjectError
from hypotest.pipeline.subject import at_layer, load_subject, require_readers, subject_in_memory
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.series.names import MemberName, name_member
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """One run of a series, before it is run."""

    name: MemberName
    plan: Protocol
    load: Callable[[], Subject] | SubjectError
    """What loads its subject, or why its model cannot be had."""
    is_early: bool = False
    """Whether it is an earlier checkpoint of a training, which may know no more than chance."""


def loaded(member: PlannedMember) -> Subject:
    """The subject of a member.

    Raises:
        SubjectError: If it cannot be had.
    """
    if isinstance(member.load, SubjectError):
        raise member.load
    return member.load()


def members_of(
    plan: Protocol, path: Path, model: Any, tokenizer: Any, device: str, skipped: list[str]
) -> Iterator[PlannedMember]:
    """The members of a series in their order, one model at a time: it is loaded once for all its layers.

    Args:
        plan: The series.
        path: Its file.
        model: As for `hypotest.run`; for a series of layers.
        tokenizer: As for `hypotest.run`.
        device: As for `hypotest.run`.
        skipped: Gets the members that cannot be tested, and why.

    Raises:
        SubjectError: If a configuration or tokenizer cannot be had, before any member is run; or if the only
            model of a series of layers cannot be, or has not the layers.
    """
    subject, base = plan.subject, path.parent
    axes = subject.axes
    if model is not None and axes != ("layer",):
        raise SubjectError("a model in memory is one checkpoint, and this protocol names several")
    if axes != ("layer",):
        require_readers(plan, base)
    for name in subject.models:
        of_model = plan.member(model=name)
        revisions = subject.revision if isinstance(subject.revision, tuple) else (None,)
        for revision in revisions:
            member, is_early = of_model.member(revision=revision), revision != revisions[-1]
            if "layer" not in axes:
                called = name_member(plan, name, revision, None)
                yield PlannedMember(called, member, partial(load_subject, member, base, device), is_early)
                continue
            try:
                last = member.member(layer=-1)
                here = (
                    load_subject(last, base, device)
                    if model is None
                    else subject_in_memory(last, model, tokenizer, base)
                )
                assert isinstance(here, LanguageModel)  # a network has no layers to go through
                numbers = layers_in(subject.layer, here)
            except SubjectError as error:
                if axes == ("layer",):
                    raise
                yield PlannedMember(name_member(plan, name, revision, None), last, error)
                continue
            for item in _layers(plan, member, (name, revision), here, numbers, base, skipped):
                yield replace(item, is_early=is_early)
            del here  # before the next model is loaded


def _layers(
    plan: Protocol,
    of_checkpoint: Protocol,
    checkpoint: tuple[str, str | None],
    subject: LanguageModel,
    numbers: list[int],
    base: Path,
    skipped: list[str],
) -> Iterator[PlannedMember]:
    for layer in numbers:
        member = of_checkpoint.member(layer=layer)
        here = at_layer(subject, member, base)
        name = name_member(plan, *checkpoint, layer)
        if here.reaching_layers:
            yield PlannedMember(name, member, partial(_itself, here))
        else:
            skipped.append(f"{name.shown}: no attention reaches its MLP")


def _itself(subject: LanguageModel) -> Subject:
    """What is loaded already."""
    return subject


def layers_in(layers: object, subject: LanguageModel) -> list[int]:
    """Blocks that a plan names, counted from 0, in the order of the network.

    Args:
        layers: ``subject.layer`` of a series.
        subject: The network.

    Raises:
        SubjectError: If a number stands for no block of the network, or two for the same one.
    """
    n_layers = subject.n_layers
    if not isinstance(layers, tuple):
        return list(range(n_layers))
    for layer in layers:
        if not -n_layers <= layer < n_layers:
            message = f"{subject.name} has the layers 0 to {n_layers - 1}, from the end -1 to -{n_layers}"
            raise SubjectError(f"subject.layer: {message}; found {layer}")
    numbers = sorted({layer % n_layers for layer in layers})
    if len(numbers) < len(layers):
        listed = ", ".join(map(str, layers))
        raise SubjectError(f"subject.layer: must list each layer of {subject.name} once; found [{listed}]")
    return numbers
