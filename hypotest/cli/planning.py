"""Planning a run, and registering it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hypotest.cli.app import (
    PLAN,
    DeviceOption,
    EvidenceOption,
    MemoryOption,
    ProtocolArgument,
    app,
    check,
    recorded,
    say,
    working,
)
from hypotest.errors import ProtocolError, RunError

command = partial(app.command, rich_help_panel=PLAN)

registry = typer.Typer(help="The registrations of a folder of protocols.", no_args_is_help=True)
app.add_typer(registry, name="registry", rich_help_panel=PLAN)


@command(epilog="Example: hypotest power protocols/rare-tokens.yaml")
def power(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where DIR/<id>/power is written.")] = Path(
        "reports"
    ),
    device: DeviceOption = "auto",
    memory: MemoryOption = 4.0,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="In half a minute: fewer draws and documents, one size, no times."),
    ] = False,
    evidence: EvidenceOption = None,
) -> None:
    """Before any evaluation data: what the plan can see, and what the run will take.

    With --quick a first look, with the interval in which its probabilities lie: to choose between plans, not
    to register one.
    """
    from hypotest.studies.power.page import power_summary

    check(protocol, single="power", evidence=evidence, out=out, device=device, memory=memory)
    with working("finished evidence is kept, and the next call goes on from it") as display:
        from hypotest.studies.power.study import power as predict_power

        result = predict_power(
            protocol,
            out=out,
            device=device,
            memory=memory,
            quick=quick,
            start_stage=display.start_stage,
            subject=recorded(evidence),
        )
    say(power_summary(result))
    if result.refused:
        raise RunError("\n".join(result.refused))


@command(epilog="Example: hypotest explore protocols/rare-tokens.yaml")
def explore(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where DIR/<id>/explore is written.")] = Path(
        "reports"
    ),
    device: DeviceOption = "auto",
    memory: MemoryOption = 4.0,
    evidence: EvidenceOption = None,
) -> None:
    """Look at the selection split: curve, group, covariates, counts. Never at the evaluation split."""
    from hypotest.studies.explore.page import exploration_summary

    check(protocol, single="explore", evidence=evidence, out=out, device=device, memory=memory)
    with working("finished evidence is kept, and the next call goes on from it") as display:
        from hypotest.studies.explore.study import explore as look

        result = look(
            protocol,
            out=out,
            device=device,
            memory=memory,
            start_stage=display.start_stage,
            subject=recorded(evidence),
        )
    say(exploration_summary(result))


@command(epilog="Example: hypotest register protocols/rare-tokens.yaml")
def register(
    protocol: ProtocolArgument,
    fresh_documents: Annotated[
        bool,
        typer.Option("--fresh-documents", help="Evaluate only on documents that no run has seen."),
    ] = False,
    subject_later: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="The model is not there yet: the first that satisfies these."),
    ] = None,
    family: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With it: a model_type that will do; may be repeated."),
    ] = None,
    parameters: Annotated[
        str | None, typer.Option(metavar="MIN-MAX", help="With it: how many parameters will do.")
    ] = None,
    device: DeviceOption = "auto",
    evidence: EvidenceOption = None,
) -> None:
    """Lock a protocol before its evaluation data are seen: its run is confirmatory then.

    A series gets one lock, which names all of its members.

    The cache logs over which documents a network was run. Evaluation documents that were seen, at any layer
    and under any plan, are named, and the run is exploratory; --fresh-documents keeps them out of the
    evaluation split.

    With --subject-later plan, rule, text and code are locked before the model exists, for the first one that
    satisfies the words; --family and --parameters are checked as well. The first run binds its weights, in
    the registry and before anything is evaluated; a second, different model is exploratory.
    """
    from hypotest.report.sections.registration import registered_page

    if subject_later is None and (family or parameters):
        raise ProtocolError("--family and --parameters say which later model will do: add --subject-later")
    if subject_later is not None and fresh_documents:
        raise ProtocolError(
            "--fresh-documents asks what a model has seen, and --subject-later has none yet: choose one"
        )
    if subject_later is not None and evidence is not None:
        raise ProtocolError("--evidence is there, and --subject-later has no subject yet: choose one")
    check(
        protocol,
        single=None if subject_later is None else "register",
        subject=subject_later is None,
        evidence=evidence,
        cache=False,
        device=device,
    )
    with working("nothing was registered") as display:
        if subject_later is not None:
            from hypotest.studies.register.later import register_later

            done = register_later(
                protocol,
                subject_later,
                families=tuple(family or ()),
                parameters=parameters,
                start_stage=display.start_stage,
            )
        else:
            from hypotest.studies.register.study import register as register_protocol

            done = register_protocol(
                protocol,
                fresh_documents=fresh_documents,
                device=device,
                start_stage=display.start_stage,
                subject=recorded(evidence),
            )
    say(registered_page(done), soft_wrap=True)


@registry.command("verify", epilog="Example: hypotest registry verify protocols")
def verify_registrations(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the protocols.")] = Path("protocols"),
) -> None:
    """Find registrations that were altered, reordered, removed or doubled, and locks without entry."""
    from hypotest.registration.locks.registry import verify_registry
    from hypotest.report.sections.registration import verified_page

    n_entries, problems = verify_registry(folder)
    say(verified_page(folder, n_entries, problems), soft_wrap=True)
    if problems:
        raise RunError(f"{folder}: the registry does not verify")
