"""Running protocols."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hypotest.cli.app import (
    RUN,
    ClusterOption,
    DeviceOption,
    EvidenceOption,
    MemoryOption,
    ProtocolArgument,
    SchedulerOption,
    WorkersOption,
    app,
    check,
    recorded,
    require_unset,
    say,
    working,
)
from hypotest.cli.options import as_options
from hypotest.pages.text import terminal_text

command = partial(app.command, rich_help_panel=RUN)


@command(epilog="Example: hypotest run protocols/rare-tokens.yaml --limit 512")
def run(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where runs are kept.")] = Path("reports"),
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the protocol's seed.")] = None,
    device: DeviceOption = "auto",
    limit: Annotated[
        int | None,
        typer.Option(help="A trial: so many positions of the selection split; no p, no outcome."),
    ] = None,
    memory: MemoryOption = 4.0,
    force: Annotated[
        bool, typer.Option("--force", help="Go on with a model that is worse than chance on the text.")
    ] = False,
    contexts: Annotated[
        bool,
        typer.Option("--contexts/--no-contexts", help="Whether results may hold lines of the text."),
    ] = True,
    evidence: EvidenceOption = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say first what it will take: runs, hours, gigabytes; run nothing.")
    ] = False,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    cluster: ClusterOption = None,
) -> None:
    """Run a protocol: collect, measure, test, print the verdict, write the report.

    With --limit it is a trial: whether everything works, seen on some positions of the selection split, with
    few draws. Nothing of the evaluation split is run through the model, and there is no p-value, no outcome
    and no verdict. With --plan and --workers N it is said, too, how long the members of a series take where N
    are run at a time.
    """
    from hypotest.engine.cluster import Cluster
    from hypotest.records.results.trial import require_positions
    from hypotest.report.trial import trial_summary
    from hypotest.studies.series.page import series_summary
    from hypotest.studies.series.record import SeriesResult

    if limit is not None:
        require_positions(limit)
        require_unset(
            "a trial is not handed out: leave it out", workers=workers, scheduler=scheduler, cluster=cluster
        )
    if plan:
        require_unset(
            "nothing that --plan says would change: leave it out, or leave out --plan",
            limit=limit,
            seed=seed,
            evidence=evidence,
            scheduler=scheduler,
            cluster=cluster,
        )
    where = Cluster.named(workers, scheduler, cluster)
    known = device if where.is_here else None  # that of other machines is not looked at
    check(protocol, evidence=evidence, out=out, device=known, memory=memory, seed=seed)
    if plan:
        _say_plan(protocol, device, memory, workers)
        return
    with working("finished evidence is kept, and the next run goes on from it") as display:
        # imported late: `hypotest --help` and `validate` answer without loading torch
        from hypotest.studies.series.study import run_protocol, try_protocol

        subject = recorded(evidence)
        if limit is not None:
            tried = try_protocol(
                protocol,
                limit,
                out=out,
                seed=seed,
                device=device,
                memory=memory,
                force=force,
                start_stage=display.start_stage,
                subject=subject,
            )
            for item in tried:
                say(trial_summary(item))
            return
        finished = run_protocol(
            protocol,
            out=out,
            seed=seed,
            device=device,
            memory=memory,
            force=force,
            contexts=contexts,
            workers=workers,
            scheduler=scheduler,
            cluster=cluster,
            start_stage=display.start_stage,
            on_registration=display.say_status,
            on_missing=display.say_missing,
            subject=subject,
        )
    if isinstance(finished, SeriesResult):
        failed = tuple(map(as_options, finished.failed))
        say(series_summary(replace(finished, failed=failed)))
        if finished.failed:
            raise typer.Exit(1)
    else:
        Console().print(finished)


def _say_plan(protocol: Path, device: str, memory: float, workers: int | None) -> None:
    """What a run, or every run of a series, will take."""
    from hypotest.studies.forecast.page import forecast_page

    with working("what was collected is kept") as display:
        from hypotest.studies.forecast.study import forecast

        foreseen = forecast(
            protocol, device=device, memory=memory, workers=workers, start_stage=display.start_stage
        )
    say(forecast_page(foreseen))


@command(epilog="Example: hypotest multiverse protocols/rare-tokens.yaml")
def multiverse(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where reports are kept.")] = Path("reports"),
    device: DeviceOption = "auto",
    memory: MemoryOption = 4.0,
    full: Annotated[
        bool, typer.Option("--full", help="As many draws as the protocol's nulls, not multiverse.draws.")
    ] = False,
    evidence: EvidenceOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    cluster: ClusterOption = None,
) -> None:
    """Test a protocol under every alternative that it declares: which outcomes flip, and with what."""
    from hypotest.studies.multiverse.page import multiverse_summary

    check(protocol, single="multiverse", evidence=evidence, out=out, device=device, memory=memory)
    with working("finished evidence is kept, and the next run goes on from it") as display:
        from hypotest.studies.multiverse.study import multiverse as test_all

        result = test_all(
            protocol,
            out=out,
            device=device,
            memory=memory,
            full=full,
            workers=workers,
            scheduler=scheduler,
            cluster=cluster,
            start_stage=display.start_stage,
            subject=recorded(evidence),
        )
    say(multiverse_summary(result))
    print(terminal_text(result.folder / "multiverse.md"))


@app.command(
    rich_help_panel=RUN,
    epilog="Example: hypotest compare RUN --with protocols/papers/arxiv-2509.21163.yaml",
)
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    claims: Annotated[
        Path | None,
        typer.Option("--with", metavar="CLAIMS", help="Claims of a paper, as in protocols/papers."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where DIR/comparisons/<time>-<hash> is written.")
    ] = Path("reports"),
) -> None:
    """Put finished runs side by side and pool them, or hold them against what a paper claims.

    A claimed range agrees if the run's 95 % interval lies inside it, disagrees if it lies wholly outside, and
    is open else. A claimed outcome agrees with that outcome of the run, disagrees with another one, and is
    open where the run is inconclusive. Runs are pooled over models where they ask the same question.
    """
    check(cache=False, out=out / "comparisons")
    from hypotest.studies.compare.summary import comparison_summary

    with working("nothing was written") as display:
        from hypotest.studies.compare.study import compare as compare_runs

        comparison = compare_runs(runs, claims=claims, out=out, start_stage=display.start_stage)
    say(comparison_summary(comparison))
