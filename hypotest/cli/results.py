"""Looking at finished runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hypotest.cli.app import (
    RESULTS,
    DeviceOption,
    EvidenceOption,
    RunArgument,
    app,
    open_page,
    recorded,
    require_unset,
    say,
    working,
)
from hypotest.cli.options import as_options
from hypotest.errors import ProtocolError, RunError, UncheckedError
from hypotest.pages.text import terminal_text

command = partial(app.command, rich_help_panel=RESULTS)


@command(epilog="Example: hypotest show reports/rare-tokens/example")
def show(run: RunArgument) -> None:
    """Print the verdict table of a finished run."""
    from hypotest.report.run import Run

    Console().print(Run.open(run))


@command(epilog="Example: hypotest view reports")
def view(
    place: Annotated[Path, typer.Argument(metavar="[RUN|FOLDER]", help="A run, or a folder of runs.")] = Path(
        "reports"
    ),
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Whether to open it, or only to say where it lies.")
    ] = True,
) -> None:
    """Open the report of a run, or an index of all runs in a folder."""
    from hypotest.studies.view.study import view as find

    file = find(place)
    print(terminal_text(file))
    if browser:
        open_page(file)


@command(epilog="Example: hypotest report reports/rare-tokens/example")
def report(
    run: RunArgument,
    page: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Print it as that instead: html, markdown, console, latex, word, or what a package adds.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --format: write it there instead of printing it."),
    ] = None,
    contexts: Annotated[
        bool,
        typer.Option(
            "--contexts/--no-contexts", help="With --format: whether it may show lines of the text."
        ),
    ] = True,
) -> None:
    """Render a run's report and figures again from its results; needs no model.

    With --format the run's folder stays as it is. A format is one file: packages that are installed add
    theirs by the entry point group `hypotest.pages`.
    """
    if page is None:
        if out is not None:
            raise ProtocolError("--out says where a page of --format goes: add --format, or leave it out")
        if not contexts:
            raise ProtocolError(
                "--no-contexts is about a page of --format: add --format. Results hold no line of the text "
                "where the run itself had --no-contexts"
            )
        from hypotest.report.export import render_again
        from hypotest.report.results_file import REPORT

        render_again(run)
        print(terminal_text(run / REPORT))
        return
    from hypotest.report.export import page_of_run
    from hypotest.studies.export.study import write_text

    text = page_of_run(run, page, contexts)
    write_text(text, out)
    print(text if out is None else terminal_text(out))


@command(epilog="Example: hypotest verify reports/rare-tokens/example")
def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or a bundle of it.")],
    recollect: Annotated[
        bool, typer.Option("--recollect", help="Load the model again and collect the evidence anew.")
    ] = False,
    device: DeviceOption = "auto",
    protocol: Annotated[
        Path | None,
        typer.Option(metavar="PROTOCOL", help="Its folder holds relative paths and the registry."),
    ] = None,
    evidence: EvidenceOption = None,
) -> None:
    """Check a run: its hashes, and every number, verdict and figure from its evidence.

    A bundle (`hypotest bundle`) brings its evidence, and needs neither cache nor model. Leaves with 0 if all
    agrees, 1 if something differs, 3 if nothing does and something could not be checked.
    """
    from hypotest.pipeline.checks.preflight import check_verification

    if not recollect:
        require_unset("it is read only with --recollect: add that, or leave it out", evidence=evidence)
    check_verification(run, device=device, protocol=protocol)  # before torch is loaded
    from hypotest.studies.verify.page import failure_text, verification_page

    with working("nothing of the run was changed") as display:
        from hypotest.studies.verify.study import verify as check

        verification = check(
            run,
            recollect=recollect,
            device=device,
            protocol=protocol,
            start_stage=display.start_stage,
            subject=recorded(evidence),
        )
    checks = tuple(replace(item, detail=as_options(item.detail)) for item in verification.checks)
    say(verification_page(replace(verification, checks=checks)))
    if not verification.verified:
        kind = RunError if verification.named("differs") else UncheckedError
        raise kind(failure_text(verification))


@command(epilog="Example: hypotest bundle reports/rare-tokens/example --out example.zip")
def bundle(
    run: RunArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The bundle.  [default: beside the run]"),
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="Without evidence: what follows from stored draws is checked.")
    ] = False,
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous", help="For double-blind review: no name, machine, folder or time is left in it."
        ),
    ] = False,
    hide: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --anonymous: a name to take out; may be repeated."),
    ] = None,
    protocol: Annotated[
        Path | None,
        typer.Option(metavar="PROTOCOL", help="Its file, beside which lock and registry lie."),
    ] = None,
) -> None:
    """Pack a run into one file that `hypotest verify` checks on a machine without cache and model.

    It holds the run's folder, its protocol with lock and registry, and the evidence that its numbers follow
    from. The same run gives the same bytes.
    """
    from hypotest.studies.bundle.page import bundled_page
    from hypotest.studies.bundle.study import bundle as pack_run

    with working("nothing of the run was changed") as display:
        bundled = pack_run(
            run,
            out=out,
            small=small,
            anonymous=anonymous,
            hide=hide or (),
            protocol=protocol,
            start_stage=display.start_stage,
        )
    left_out = tuple(map(as_options, bundled.left_out))
    say(bundled_page(replace(bundled, left_out=left_out)), soft_wrap=True)


@command(epilog="Example: hypotest export reports/rare-tokens/example --format latex")
def export(
    source: Annotated[
        Path,
        typer.Argument(metavar="PROTOCOL|RUN", help="A protocol in YAML; with --format, a run's folder."),
    ],
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="What this run did otherwise than registered, instead.")
    ] = None,
    page: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="A run as an appendix of a paper: latex, or word."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")
    ] = None,
) -> None:
    """Write a registration, or a finished run, for others; needs no model.

    A protocol is written as its registration, under the headings of the OSF preregistration form. It ends
    with an empty table of deviations. With --run, that table is written for a finished run: what was
    registered and what was done, from lock and manifest, and which numbers the difference can reach; the
    reasons are left to the author.

    With --format a run's folder becomes an appendix: verdicts, predictions, the ladder, methods and
    limitations, in FILE (appendix.tex or appendix.html, if there is no --out) with figures in a folder beside
    it. latex is part of a paper, and compiles by itself; word is HTML that word processors open, with
    tables as tables.
    """
    if page is not None:
        if run is not None:
            raise ProtocolError("--run is about a protocol, and --format about a run: choose one")
        from hypotest.studies.export.appendix import export_appendix

        with working("what was written before stays as it was") as display:
            file = export_appendix(source, page, out, start_stage=display.start_stage)
        print(terminal_text(file))
        return
    if (source / "results.json").is_file():
        raise ProtocolError(f"{source}: is the folder of a run: add --format latex, or --format word")
    if run is None:
        from hypotest.studies.export.study import export_registration

        text = export_registration(source, out)
    else:
        from hypotest.studies.export.deviations import export_deviations

        text = export_deviations(source, run, out)
    print(text if out is None else terminal_text(out))
