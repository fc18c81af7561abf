"""The tool itself: what it can do here, how often it is wrong, the model that it brings."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hypotest.cli.app import (
    TOOL,
    ClusterOption,
    SchedulerOption,
    WorkersOption,
    app,
    check,
    open_page,
    require_unset,
    say,
    working,
)
from hypotest.errors import ProtocolError
from hypotest.pages.text import terminal_text

command = partial(app.command, rich_help_panel=TOOL)

reference = typer.Typer(help="The model that ships with hypotest.", no_args_is_help=True)
app.add_typer(reference, name="reference", rich_help_panel=TOOL)


@command(epilog="Example: hypotest demo")
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the demo's run is put.")] = Path(
        "reports/demo"
    ),
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Whether to open its report.")] = True,
) -> None:
    """Show a finished run and its report in seconds: no model, nothing is computed."""
    from hypotest.studies.demo.study import demo as unpack
    from hypotest.studies.view.study import view

    run = unpack(out)
    Console().print(run)
    if browser:
        open_page(view(out))


@command(epilog="Example: hypotest doctor")
def doctor() -> None:
    """Say what this machine has, what can be run on it, and what is missing."""
    from hypotest.studies.doctor.page import diagnosis_page
    from hypotest.studies.doctor.study import examine_machine

    diagnosis = examine_machine()
    say(diagnosis_page(diagnosis))
    if not diagnosis.is_well:
        raise typer.Exit(1)


@command(epilog="Example: hypotest calibrate --protocol protocols/rare-tokens.yaml")
def calibrate(
    protocol: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own, at its own sizes, on the rows of its own text."),
    ] = None,
    simulations: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of each scenario, all together; 2,000, with --protocol 100.", show_default=False
        ),
    ] = None,
    first: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of the first, where others are done elsewhere.")
    ] = 0,
    minutes: Annotated[
        float | None,
        typer.Option(min=0, metavar="MIN", help="Begin no more after so long; 0: tables of what is there."),
    ] = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Add a counts.json from elsewhere; may be repeated."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="2 of each: shows that it works, in seconds.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write calibration.json and .md there.")
    ] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="This measure alone, also one of another package."),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    cluster: ClusterOption = None,
) -> None:
    """Run the tests on simulated layers whose truth is known: levels, coverage, verdicts.

    Of the shipped protocols; with --protocol of your own, on layers as wide as its own and on the documents
    and token types that a run would sample. That loads no model and takes minutes: two scenarios, in which
    nothing is true, and in which everything differs from type to type.

    What is counted is kept, and the same command goes on from there as long as the code that simulations come
    from is the same; a range of their numbers can be done on another machine and added.
    """
    check(protocol, single=None if protocol is None else "calibrate")
    check(out=out)
    if quick:
        require_unset("--quick says how many: leave it out", simulations=simulations)
    if protocol is not None and measure is not None:
        raise ProtocolError("--measure is calibrated in the shipped protocol: leave out --protocol")
    from hypotest.engine.cluster import Cluster
    from hypotest.pages.document import document
    from hypotest.studies.calibration.calibrate import (
        COUNTS,
        QUICK_SIMULATIONS,
        SIMULATIONS,
        calibrate,
        kept_counts,
        write_calibration,
    )
    from hypotest.studies.calibration.cases import choose_cases
    from hypotest.studies.calibration.own_text import OWN_SIMULATIONS, own_cases
    from hypotest.studies.calibration.page import calibration_page, conclusion

    with working("the same command goes on from what is counted") as display:
        if protocol is None:
            cases, usual = choose_cases(scenario or (), measure), SIMULATIONS
            counted = "shipped" if measure is None else f"measure {measure}"
        else:
            cases = own_cases(protocol, scenario or (), start_stage=display.start_stage)
            usual, counted = OWN_SIMULATIONS, f"protocol {cases[0].simulated.name}"
        calibration = calibrate(
            cases,
            QUICK_SIMULATIONS if quick else simulations or usual,
            kept_counts(counted) if out is None else out / COUNTS,
            first=first,
            parts=add or (),
            where=Cluster.named(workers, scheduler, cluster),
            minutes=minutes,
            start_stage=display.start_stage,
        )
    say(calibration_page(calibration))
    say(document((conclusion(calibration),)))
    if out is not None:
        write_calibration(calibration, out)
        print(terminal_text(out / "calibration.md"))


@command(epilog="Example: hypotest controls --only two-blocks")
def controls(
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this network; may be repeated.")
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="N or A-B",
            help="How many of each network, up to 20, or 5 of those that train in minutes; or which: 4-7.",
        ),
    ] = "1",
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Lesion every two units of the first seed, too; takes minutes.")
    ] = False,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Instead: which networks this measure tells apart, also one of another package; or all.",
        ),
    ] = None,
    merge: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Take over what another machine computed: its controls.json; with --measure measures.json.",
        ),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    cluster: ClusterOption = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where DIR/controls is written.")] = Path(
        "reports"
    ),
) -> None:
    """Train networks whose organisation is known, and see whether their verdicts are right.

    Each is trained here, in seconds or minutes, and put to its protocol in protocols/controls. What lies in
    DIR/controls/controls.json is not computed again unless the code behind it has changed. With --measure no
    verdict is asked for, but how often the measure is greater in one network than in another: over several
    --seeds.
    """
    check(out=out)
    if measure is not None:
        require_unset("--measure lesions nothing: leave it out", pairs=pairs)
    which = _seeds(seeds)
    from hypotest.engine.cluster import Cluster

    with working("finished networks are kept, and the same command goes on from them") as display:
        if measure is not None:
            from hypotest.studies.controls.measures import measure_controls
            from hypotest.studies.controls.measures_page import measures_page

            asked = () if measure == ["all"] else measure
            measured = measure_controls(
                asked,
                only=only or (),
                seeds=which,
                merge=merge or (),
                out=out,
                where=Cluster.named(workers, scheduler, cluster),
                start_stage=display.start_stage,
            )
            say(measures_page(measured))
            print(terminal_text(measured.folder / "measures.md"))
            return
        from hypotest.studies.controls.page import controls_summary
        from hypotest.studies.controls.study import examine_controls

        whole = examine_controls(
            only or (),
            seeds=which,
            pairs=pairs,
            merge=merge or (),
            out=out,
            where=Cluster.named(workers, scheduler, cluster),
            start_stage=display.start_stage,
        )
    say(controls_summary(whole))
    print(terminal_text(whole.folder / "controls.md"))


def _seeds(text: str) -> int | range:
    """How many, or which ones: ``20``, ``4-7``."""
    if match := re.fullmatch(r"(\d+)-(\d+)", text):
        first, last = int(match[1]), int(match[2])
        if first <= last:
            return range(first, last + 1)
    elif text.isdecimal() and int(text):
        return int(text)
    raise ProtocolError(f"seeds={text}: must be a number of seeds from 1 on, or a range such as 4-7")


@reference.command(epilog="Example: hypotest reference info")
def info() -> None:
    """Say what the reference model is, what it was trained on, and how well it predicts."""
    from hypotest.studies.reference import model_card

    print(model_card())


@reference.command(epilog="Example: hypotest reference train --out /tmp/reference --steps 20")
def train(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the checkpoints.")],
    steps: Annotated[
        int | None, typer.Option(min=1, help="Fewer steps than the shipped model's 3,000.")
    ] = None,
    device: Annotated[
        str, typer.Option(help="cpu, where it takes about an hour; cuda or mps, which were not timed.")
    ] = "cpu",
) -> None:
    """Train the reference model again, with checkpoints in Hugging Face format."""
    check(cache=False, out=out, device=device)
    from hypotest.studies.reference import reference_plan, train_reference

    plan = reference_plan(steps)
    with working("the same command goes on from the last saved state") as display:
        task = display.add_task("training", total=plan.steps)
        folder = train_reference(
            out, plan, lambda step, loss: display.update(task, completed=step), device=device
        )
    print(terminal_text(folder))
