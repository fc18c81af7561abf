"""Runs, hours and gigabytes of a protocol, foreseen from a few documents of its selection split."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session
from hypotest.errors import ProtocolError, SubjectError, error_line
from hypotest.pages.notebook import show_as
from hypotest.pipeline.cache.contents import free_bytes
from hypotest.pipeline.cache.room import split_bytes
from hypotest.pipeline.checks.plausibility import measure_cross_entropy
from hypotest.pipeline.checks.preflight import check_command
from hypotest.pipeline.collection import collect_selected
from hypotest.pipeline.prepare import prepare
from hypotest.pipeline.registered.manifest import Stopwatch
from hypotest.pipeline.registered.registered import kept_out_of_evaluation
from hypotest.pipeline.subject import at_layer, load_subject
from hypotest.pipeline.untrained import networks_of
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.studies.forecast.page import forecast_page
from hypotest.studies.forecast.record import Forecast, RunsAlike
from hypotest.studies.power.costs import foresee_costs
from hypotest.studies.selection_split import SelectionLook, some_documents
from hypotest.studies.series.checkpoints import Checkpoint, checkpoints_of, layers_in
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel

POSITIONS = 1024
"""Of each condition that are collected, about."""

show_as(Forecast, forecast_page)


def forecast(
    protocol: str | Path,
    *,
    device: str = "auto",
    memory: float = MEMORY,
    workers: int | None = None,
    start_stage: StartStage | None = None,
) -> Forecast:
    """Foresee what the runs of a protocol will take, of a series or of a single run.

    Of each model the first checkpoint that can be had is loaded, and at each kind of layer (the last one, and
    others, which are ablated by whole forward passes) some documents of the selection split are collected and
    tested, as `hypotest.power` does it. Nothing of the evaluation split is run. Other checkpoints take as
    long, and so do other layers of the kind as the one in their middle. What of a series cannot be had is
    listed with the reason, and is not among its runs.

    Args:
        protocol: Path of the protocol.
        device: As for `hypotest.run`.
        memory: As for `hypotest.run`.
        workers: Processes that members of a series are handed out to: how long that takes is told, too.
        start_stage: As for `hypotest.run`.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem. If there are workers, and no
            series.
        RunError: If no model can be had, or nothing can be collected.
    """
    path = protocol_file(protocol)
    plan = load_protocol(path)
    if workers is not None:
        _require_members(plan, path, workers)
    check_command(device=device, memory=memory)
    session = Session.start(plan.seed, stages_shown(start_stage), device, memory)
    checkpoints = checkpoints_of(plan, path.parent)
    kinds: list[RunsAlike] = []
    missing: dict[str, Exception] = {item.name: item.problem for item in checkpoints if item.problem}
    for name in plan.subject.models:
        told = session.within(name) if len(plan.subject.models) > 1 else session
        there = [item for item in checkpoints if item.model == name and not item.problem]
        kinds += _of_model(plan, there, path, told, missing)
        gc.collect()  # nnsight leaves cycles that hold a model
    if missing and not kinds:
        raise next(iter(missing.values()))
    return Forecast(
        protocol_id=plan.id,
        title=plan.title,
        kinds=tuple(kinds),
        free_bytes=free_bytes(session.cache),
        timed_at=f"about {POSITIONS} positions of each condition of the selection split",
        workers=workers or 1,
        missing=tuple(f"{name}: {error_line(error)}" for name, error in missing.items()),
    )


def _require_members(plan: Protocol, path: Path, workers: int) -> None:
    """Refuse workers that time cannot be divided among."""
    if workers < 1:
        raise ProtocolError(f"workers={workers}: must be at least 1")
    if not plan.is_series:
        raise ProtocolError(
            f"workers={workers}: {path} is a single run, which workers share; what that saves is not "
            "foreseen: leave it out. Only members of a series are run side by side"
        )


def _of_model(
    plan: Protocol, there: Sequence[Checkpoint], path: Path, session: Session, missing: dict[str, Exception]
) -> Iterator[RunsAlike]:
    """Of the checkpoints of a model that can be had, by the first one whose weights can be."""
    for place, checkpoint in enumerate(there):
        first, n_checkpoints = checkpoint.plan, len(there) - place
        one = first.member(layer=-1) if plan.subject.several_layers else first
        try:
            subject = load_subject(one, path.parent, session.device, session.stage)
        except SubjectError as error:
            missing[checkpoint.name] = error
            continue
        if not isinstance(subject, LanguageModel):
            yield _timed(one, path, subject, (), n_checkpoints, session)
            return
        for layers in _kinds_of(plan, first, subject, path.parent):
            middle = first.member(layer=layers[len(layers) // 2]) if plan.subject.several_layers else first
            here = at_layer(subject, middle, path.parent)
            yield _timed(middle, path, here, layers, n_checkpoints, session)
        return


def _kinds_of(
    plan: Protocol, first: Protocol, subject: LanguageModel, base: Path
) -> Iterator[tuple[int, ...]]:
    """Layers that are ablated in one way: the others by whole forward passes, the last one not."""
    if not plan.subject.several_layers:
        yield (subject.layer,)
        return
    numbers = [
        layer
        for layer in layers_in(plan.subject.layer, subject.n_layers, subject.name)
        if at_layer(subject, first.member(layer=layer), base).reaching_layers
    ]
    last = subject.n_layers - 1
    for kind in (tuple(n for n in numbers if n != last), tuple(n for n in numbers if n == last)):
        if kind:
            yield kind


def _timed(
    plan: Protocol, path: Path, subject: Subject, layers: Sequence[int], n_checkpoints: int, session: Session
) -> RunsAlike:
    watch = Stopwatch(session.start_stage)
    telling = session.telling(watch)
    prepared = prepare(plan, path.parent, telling, subject, kept_out=kept_out_of_evaluation(path), force=True)
    measure_cross_entropy(prepared, telling, force=True)
    preparing = dict(watch.seconds)
    sample = some_documents(prepared.samples["selection"], POSITIONS, session.streams("some documents"))
    selection = collect_selected(plan, prepared, sample, session)
    looked = SelectionLook(plan, prepared, sample, selection, False, session, preparing, path.parent)
    costs = foresee_costs(looked)
    networks = networks_of(plan)
    testing = sum(item.seconds for item in costs.stages if item.is_test)
    return RunsAlike(
        model=subject.name,
        layers=tuple(layers),
        n_checkpoints=n_checkpoints,
        engine=selection.ablation.engine,
        collecting=costs.seconds_from_nothing - testing,
        testing=testing,
        evidence_bytes=sum(split_bytes(subject, item) for item in prepared.samples.values())
        + (0 if networks is None else networks.number)
        * sum(split_bytes(subject, item, attention=False) for item in prepared.samples.values()),
        model_bytes=costs.model_bytes,
        notes=costs.notes,
    )
