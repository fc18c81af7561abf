"""The networks of a series, as far as configuration and tokenizer say: no weights are read, on no device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hypotest.errors import SubjectError
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.configuration_files import shape_here
from hypotest.studies.series.names import name_member
from hypotest.subjects.anatomy.recognition import row_of
from hypotest.subjects.loading.loading import Reader, load_reader


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model of a series at one of its revisions."""

    model: str
    """As the protocol names it."""
    revision: str | None
    """None where the series has one."""
    plan: Protocol
    """The series, at this network."""
    name: str
    """All of its members together."""
    is_early: bool
    """Whether the series has later ones of the same training."""
    layers: tuple[int, ...] = ()
    """Blocks that are tested, counted from 0; empty where the series does not go through layers."""
    unreached: tuple[int, ...] = ()
    """Blocks that are not, since no attention reaches their MLP."""
    n_members: int = 1
    """Runs that it comes to; of one that cannot be had, those that it would have come to."""
    problem: SubjectError | None = None
    """Why it cannot be had."""


def checkpoints_of(plan: Protocol, base: Path) -> tuple[Checkpoint, ...]:
    """Look for configuration and tokenizer of every network of a series.

    Args:
        plan: The series, or a single run.
        base: Folder that relative paths of the protocol start from.

    Raises:
        SubjectError: If none of them can be had: why the first cannot.
    """
    checkpoints = [_looked_for(item, base) for item in _named(plan)]
    problems = [item.problem for item in checkpoints if item.problem is not None]
    if len(problems) == len(checkpoints):
        raise problems[0]
    most = max(item.n_members for item in checkpoints if item.problem is None)
    return tuple(
        item if item.problem is None else replace(item, n_members=_lost(item, base, most))
        for item in checkpoints
    )


def require_all(checkpoints: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
    """The same, where none may be missing.

    Raises:
        SubjectError: If one cannot be had.
    """
    for item in checkpoints:
        if item.problem is not None:
            raise item.problem
    return checkpoints


def missing_lines(checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """What is said of networks that cannot be had before the others are run."""
    for item in checkpoints:
        if item.problem is not None:
            yield f"{item.name} cannot be had, and the others are run: {item.problem}"


def _named(plan: Protocol) -> Iterator[Checkpoint]:
    subject = plan.subject
    revisions = subject.revision if isinstance(subject.revision, tuple) else (None,)
    for model in subject.models:
        for revision in revisions:
            member = plan.member(model=model).member(revision=revision)
            name = name_member(plan, model, revision, None).together if plan.is_series else model
            yield Checkpoint(model, revision, member, name, revision != revisions[-1])


def _looked_for(item: Checkpoint, base: Path) -> Checkpoint:
    subject = item.plan.subject
    if subject.network is not None:  # no model's, which brings its rows
        return item
    revision = subject.revision
    assert not isinstance(revision, tuple)
    try:
        reader = load_reader(item.model, revision=revision, base=base)
        if not subject.several_layers:
            return item
        numbers = layers_in(subject.layer, int(reader.config.get_text_config().num_hidden_layers), item.model)
        unreached = tuple(n for n in numbers if n == 0 and _is_parallel(item.plan, reader))
    except SubjectError as error:
        return replace(item, problem=error)
    layers = tuple(n for n in numbers if n not in unreached)
    return replace(item, layers=layers, unreached=unreached, n_members=len(layers))


def _is_parallel(plan: Protocol, reader: Reader) -> bool:
    """Whether no attention reaches the neurons of the first block, as far as the model's family says."""
    described = plan.subject.anatomy
    given: Mapping[str, object] = described.model_dump(exclude_none=True) if described else {}
    row = row_of(reader.config, reader.name)
    known = row is not None and row.parallel_residual
    return plan.subject.units == "neurons" and bool(given.get("parallel_residual", known))


def _lost(item: Checkpoint, base: Path, most: int) -> int:
    """Members that one that cannot be had stands for: by its configuration if that can be read."""
    subject = item.plan.subject
    if isinstance(subject.layer, tuple):
        return len(subject.layer)
    if not subject.several_layers:
        return 1
    assert not isinstance(subject.revision, tuple)
    shape = shape_here(item.model, subject.revision, base)
    if shape is None or shape.n_layers is None:
        return most
    return shape.n_layers - (subject.units == "neurons" and shape.is_parallel)


def layers_in(layers: object, n_layers: int, name: str) -> list[int]:
    """Blocks that a plan names, counted from 0, in the order of the network.

    Args:
        layers: ``subject.layer`` of a series.
        n_layers: Blocks of the network.
        name: The network's, for errors.

    Raises:
        SubjectError: If a number stands for no block of the network, or two for the same one.
    """
    if not isinstance(layers, tuple):
        return list(range(n_layers))
    for layer in layers:
        if not -n_layers <= layer < n_layers:
            message = f"{name} has the layers 0 to {n_layers - 1}, from the end -1 to -{n_layers}"
            raise SubjectError(f"subject.layer: {message}; found {layer}")
    numbers = sorted({layer % n_layers for layer in layers})
    if len(numbers) < len(layers):
        listed = ", ".join(map(str, layers))
        raise SubjectError(f"subject.layer: must list each layer of {name} once; found [{listed}]")
    return numbers
