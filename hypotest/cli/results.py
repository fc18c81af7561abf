"""Looking at finished runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hypotest.cli.app import RESULTS, DeviceOption, RunArgument, app, working
from hypotest.cli.options import as_options
from hypotest.errors import RunError
from hypotest.report.text import terminal_text

command = partial(app.command, rich_help_panel=RESULTS)


@command(epilog="Example: hypotest show reports/rare-tokens/example")
def show(run: RunArgument) -> None:
    """Print the verdict table of a finished run."""
    from hypotest.report.run import Run

    Console().print(Run.open(run))


@command(epilog="Example: hypotest report reports/rare-tokens/example")
def report(run: RunArgument) -> None:
    """Render a run's report and figures again from its results; needs no model."""
    from hypotest.report.export import render_again

    render_again(run)
    print(terminal_text(run / "report.md"))


@command(epilog="Example: hypotest verify reports/rare-tokens/example")
def verify(
    run: RunArgument,
    recollect: Annotated[
        bool, typer.Option("--recollect", help="Load the model again and collect the evidence anew.")
    ] = False,
    device: DeviceOption = "auto",
    protocol: Annotated[
        Path | None,
        typer.Option(metavar="PROTOCOL", help="Its folder holds relative paths and the registry."),
    ] = None,
) -> None:
    """Check a run: its hashes, and every number, verdict and figure from its evidence."""
    from hypotest.pipeline.preflight import check_verification

    check_verification(run, device=device, protocol=protocol)  # before torch is loaded
    from hypotest.report.verification import failure_text, verification_table

    with working("nothing of the run was changed") as display:
        from hypotest.studies.verify import verify as check

        found = check(
            run, recollect=recollect, device=device, protocol=protocol, start_stage=display.start_stage
        )
    checks = tuple(replace(item, detail=as_options(item.detail)) for item in found.checks)
    Console().print(verification_table(replace(found, checks=checks)))
    if not found.verified:
        raise RunError(failure_text(found))
