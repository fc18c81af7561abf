"""The members of a series: the plan of each, what it is called, and what loads its subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hypotest.errors import SubjectError
from hypotest.pipeline.subject import at_layer, load_subject, require_checkpoints, subject_in_memory
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.series import checkpoint_step
from hypotest.report.text import file_slug
from hypotest.studies.series.courses import MemberName
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel


def members_of(
    plan: Protocol, path: Path, model: Any, tokenizer: Any, device: str, skipped: list[str]
) -> Iterator[tuple[MemberName, Protocol, Callable[[], Subject]]]:
    """Plan of each member, and what loads its subject; of checkpoints, one model at a time.

    Args:
        plan: The series.
        path: Its file.
        model: As for `hypotest.run`; for a series of layers.
        tokenizer: As for `hypotest.run`.
        device: As for `hypotest.run`.
        skipped: Gets the members that cannot be tested, and why.

    Raises:
        SubjectError: If the model cannot be had, or a member is not one of its layers or checkpoints.
    """
    if isinstance(plan.subject.revision, tuple):
        if model is not None:
            raise SubjectError("a model in memory is one checkpoint, and this protocol names several")
        require_checkpoints(plan, path.parent)
        for number, revision in enumerate(plan.subject.revision, start=1):
            member = plan.member(revision=revision)
            name = MemberName(revision, checkpoint_step(revision) or 0, f"{number:03d}-{file_slug(revision)}")
            yield name, member, partial(load_subject, member, path.parent, device)
        return
    last = plan.member(layer=-1)
    subject = (
        load_subject(last, path.parent, device)
        if model is None
        else subject_in_memory(last, model, tokenizer, path.parent)
    )
    assert isinstance(subject, LanguageModel)  # a network has no layers to go through
    for layer in _numbers(plan.subject.layer, subject):
        member = plan.member(layer=layer)
        here = at_layer(subject, member, path.parent)
        if here.reaching_layers:
            yield MemberName(f"layer {layer}", layer, f"layer-{layer:03d}"), member, partial(_itself, here)
        else:
            skipped.append(f"layer {layer}: no attention reaches its MLP")


def _itself(subject: LanguageModel) -> Subject:
    """What is loaded already."""
    return subject


def _numbers(layers: object, subject: LanguageModel) -> list[int]:
    """Of the blocks that a plan names, counted from 0, in the order of the network.

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
