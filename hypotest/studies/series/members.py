"""The members of a series: the plan of each, what it is called, and what loads its subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hypotest.errors import SubjectError
from hypotest.pipeline.subject import at_layer, load_subject, subject_in_memory
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.series.checkpoints import Checkpoint, layers_in
from hypotest.studies.series.names import MemberName, name_member
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel

_UNREACHED = re.compile(r"subject\.layer: no attention of .* reaches the MLP of layer \d+", re.DOTALL)
"""What loading says of a layer that cannot be tested."""


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """One run of a series, before it is run."""

    name: MemberName
    plan: Protocol
    load: Callable[[], Subject] | Exception
    """What loads its subject, or why its model cannot be had."""
    is_early: bool = False
    """Whether it is an earlier checkpoint of a training, which may know no more than chance."""
    n_members: int = 1
    """Runs that it stands for, where its model cannot be had."""


def loaded(member: PlannedMember) -> Subject:
    """The subject of a member.

    Raises:
        SubjectError: If it cannot be had.
    """
    if isinstance(member.load, Exception):
        raise member.load
    return member.load()


def planned(
    plan: Protocol, checkpoint: Checkpoint, base: Path, device: str, skipped: list[str]
) -> Iterator[PlannedMember]:
    """The members of one network, in their order, each of which loads its own subject; none is loaded here.

    Args:
        plan: The series.
        checkpoint: The network.
        base: Folder that relative paths of the protocol start from.
        device: As for `hypotest.run`.
        skipped: Gets the members that cannot be tested, and why.
    """
    of_checkpoint = checkpoint.plan
    called = partial(name_member, plan, checkpoint.model, checkpoint.revision)
    skipped += [unreached(called(layer)) for layer in checkpoint.unreached]
    if checkpoint.problem is not None:
        yield PlannedMember(
            called(None), of_checkpoint, checkpoint.problem, checkpoint.is_early, checkpoint.n_members
        )
        return
    for layer in checkpoint.layers if plan.subject.several_layers else (None,):
        member = of_checkpoint.member(layer=layer)
        load = partial(load_subject, member, base, device)
        yield PlannedMember(called(layer), member, load, checkpoint.is_early)


def members_of(
    plan: Protocol, checkpoints: Sequence[Checkpoint], base: Path, device: str, skipped: list[str]
) -> Iterator[PlannedMember]:
    """The members of a series in their order, one network at a time: it is loaded once for all its layers.

    Args:
        plan: The series.
        checkpoints: Its networks.
        base: Folder that relative paths of the protocol start from.
        device: As for `hypotest.run`.
        skipped: Gets the members that cannot be tested, and why.
    """
    for checkpoint in checkpoints:
        own = planned(plan, checkpoint, base, device, skipped)
        yield from _sharing(own, base, skipped) if checkpoint.layers else own


def members_in_memory(
    plan: Protocol, model: Any, tokenizer: Any, base: Path, skipped: list[str]
) -> Iterator[PlannedMember]:
    """The members of a series over the layers of a model in memory.

    Args:
        plan: The series.
        model: As for `hypotest.run`.
        tokenizer: As for `hypotest.run`.
        base: Folder that relative paths of the protocol start from.
        skipped: Gets the members that cannot be tested, and why.

    Raises:
        SubjectError: If the series is not over layers alone, or the model is not of use, or has not the
            layers.
    """
    if plan.subject.axes != ("layer",):
        raise SubjectError("a model in memory is one checkpoint, and this protocol names several")
    here = subject_in_memory(plan.member(layer=-1), model, tokenizer, base)
    layers = tuple(layers_in(plan.subject.layer, here.n_layers, here.name))
    whole = Checkpoint(plan.subject.name, None, plan, "", False, layers)
    yield from _sharing(planned(plan, whole, base, "auto", skipped), base, skipped, here)


def _sharing(
    members: Iterable[PlannedMember], base: Path, skipped: list[str], here: LanguageModel | None = None
) -> Iterator[PlannedMember]:
    """Members at layers of one network, which is loaded once; twice and for another layer if it fails."""
    failed: list[Exception] = []
    for member in members:
        try:
            if here is None:
                here = _first(member, failed)
                own = here
            else:
                own = at_layer(here, member.plan, base)
        except (SubjectError, MemoryError, OSError) as error:
            if is_unreached(str(error)):
                skipped.append(unreached(member.name))
                continue
            failed.append(error.with_traceback(None))  # which would hold what was loaded of it
            yield replace(member, load=failed[-1])
            continue
        if own.reaching_layers:
            yield replace(member, load=partial(_itself, own))
        else:
            skipped.append(unreached(member.name))
        del own


def _first(member: PlannedMember, failed: Sequence[Exception]) -> LanguageModel:
    """The network, loaded for one layer; not once more where it failed alike for two others."""
    if len(failed) > 1 and str(failed[-1]) == str(failed[-2]):
        raise failed[-1]
    subject = loaded(member)
    assert isinstance(subject, LanguageModel)  # a network has no layers to go through
    return subject


def is_unreached(error: str) -> bool:
    """Whether an error is that of a layer without attention, which is left out and has not failed."""
    return _UNREACHED.fullmatch(error) is not None


def unreached(name: MemberName) -> str:
    """What is said of such a member."""
    return f"{name.shown}: no attention reaches its MLP"


def _itself(subject: LanguageModel) -> Subject:
    """What is loaded already."""
    return subject
