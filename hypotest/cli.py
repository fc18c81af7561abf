"""The commands. One function each, no logic: they read arguments, call, and print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from hypotest.errors import ProtocolError, RunError
from hypotest.report.text import terminal_text

if TYPE_CHECKING:
    from hypotest.report.console import StageProgress

app = typer.Typer(
    name="hypotest",
    help="Preregistered hypothesis tests for what is inside a neural network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hypotest {installed('hypotest-nn')}")
        raise typer.Exit


@app.callback()
def _every_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    pass


reference = typer.Typer(help="The model that ships with hypotest.", no_args_is_help=True)
app.add_typer(reference, name="reference")
registry = typer.Typer(help="The registrations of a folder of protocols.", no_args_is_help=True)
app.add_typer(registry, name="registry")
corpus = typer.Typer(help="The text of a protocol.", no_args_is_help=True)
app.add_typer(corpus, name="corpus")

ProtocolArgument = Annotated[Path, typer.Argument(metavar="PROTOCOL", help="A protocol in YAML.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
DeviceOption = Annotated[
    str, typer.Option(help="cpu, cuda, mps, auto, or balanced: over all GPUs, as device_map.")
]
MemoryOption = Annotated[
    float, typer.Option(min=0.1, metavar="GB", help="What ablation may take beside the model.")
]


@app.command(epilog="Example: hypotest run protocols/rare-tokens.yaml --limit 512")
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
) -> None:
    """Run a protocol: collect, measure, test, print the verdict, write the report.

    With --limit it is a trial: whether everything works, seen on some positions of the selection split, with
    few draws. Nothing of the evaluation split is run through the model, and there is no p-value, no outcome
    and no verdict.
    """
    from hypotest.records.series import SeriesResult
    from hypotest.records.trial import require_positions
    from hypotest.report.series import series_summary
    from hypotest.report.trial import trial_summary

    if limit is not None:
        require_positions(limit)
    _check(protocol, out=out, device=device, memory=memory * 1e9, seed=seed)
    with _working("finished evidence is kept, and the next run goes on from it") as display:
        # imported late: `hypotest --help` and `validate` answer without loading torch
        from hypotest.studies.series import run_protocol, try_protocol

        if limit is not None:
            tried = try_protocol(
                protocol,
                limit,
                out=out,
                seed=seed,
                device=device,
                memory=memory * 1e9,
                force=force,
                start_stage=display.start_stage,
            )
            for item in tried:
                Console().print(trial_summary(item))
            return
        finished = run_protocol(
            protocol,
            out=out,
            seed=seed,
            device=device,
            memory=memory * 1e9,
            force=force,
            start_stage=display.start_stage,
            on_registration=display.say_status,
        )
    Console().print(series_summary(finished) if isinstance(finished, SeriesResult) else finished)


@app.command(epilog="Example: hypotest register protocols/rare-tokens.yaml")
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
) -> None:
    """Lock a protocol before its evaluation data are seen: its run is confirmatory then.

    The cache logs over which documents a network was run. Evaluation documents that were seen, at any layer
    and under any plan, are named, and the run is exploratory; --fresh-documents keeps them out of the
    evaluation split.

    With --subject-later plan, rule, text and code are locked before the model exists, for the first one that
    satisfies the words; --family and --parameters are checked as well. The first run binds its weights, in
    the registry and before anything is evaluated; a second, different model is exploratory.
    """
    from hypotest.report.registration import registered_text

    if subject_later is None and (family or parameters):
        raise ProtocolError("--family and --parameters say which later model will do: add --subject-later")
    if subject_later is not None and fresh_documents:
        raise ProtocolError(
            "--fresh-documents asks what a model has seen, and --subject-later has none yet: choose one"
        )
    _check(protocol, single="register", subject=subject_later is None, cache=False, device=device)
    with _working("nothing was registered") as display:
        if subject_later is not None:
            from hypotest.studies.register_later import register_later

            done = register_later(
                protocol,
                subject_later,
                families=tuple(family or ()),
                parameters=parameters,
                start_stage=display.start_stage,
            )
        else:
            from hypotest.studies.register import register as register_protocol

            done = register_protocol(
                protocol, fresh_documents=fresh_documents, device=device, start_stage=display.start_stage
            )
    Console().print(registered_text(done), soft_wrap=True)


@registry.command("verify", epilog="Example: hypotest registry verify protocols")
def verify_registrations(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the protocols.")] = Path("protocols"),
) -> None:
    """Find registrations that were altered, reordered, removed or doubled, and locks without entry."""
    from hypotest.registration.registry import verify_registry
    from hypotest.report.registration import verified_text

    n_entries, problems = verify_registry(folder)
    Console().print(verified_text(folder, n_entries, problems), soft_wrap=True)
    if problems:
        raise RunError(f"{folder}: the registry does not verify")


@app.command(epilog="Example: hypotest multiverse protocols/rare-tokens.yaml")
def multiverse(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where reports are kept.")] = Path("reports"),
    device: DeviceOption = "auto",
    memory: MemoryOption = 4.0,
    full: Annotated[
        bool, typer.Option("--full", help="As many draws as the protocol's nulls, not multiverse.draws.")
    ] = False,
) -> None:
    """Test a protocol under every alternative that it declares: which outcomes flip, and with what."""
    from hypotest.report.multiverse import summary

    _check(protocol, single="multiverse", out=out, device=device, memory=memory * 1e9)
    with _working("finished evidence is kept, and the next run goes on from it") as display:
        from hypotest.studies.multiverse import multiverse as test_all

        found = test_all(
            protocol,
            out=out,
            device=device,
            memory=memory * 1e9,
            full=full,
            start_stage=display.start_stage,
        )
    Console().print(summary(found))
    print(terminal_text(found.folder / "multiverse.md"))


@app.command(epilog="Example: hypotest validate protocols/rare-tokens.yaml")
def validate(protocol: ProtocolArgument) -> None:
    """Check a protocol and report everything that is wrong with it, without a model."""
    from hypotest.registration import read_protocol
    from hypotest.registration.margins import left_to_power

    plan, problems = read_protocol(protocol)
    if plan is None or any(item.severity == "error" for item in problems):
        raise ProtocolError(problems)
    for item in problems:
        print(terminal_text(f"{item.severity}: {item}"))
    print(
        f"{terminal_text(protocol)}: valid ({len(plan.predictions)} predictions, {len(plan.deciding)} of "
        f"them deciding {'between' if len(plan.hypotheses) > 1 else 'on'} {' and '.join(plan.hypotheses)})"
    )
    if left := left_to_power(plan):
        print(
            f"margins of {', '.join(left)}: `hypotest power` says whether they are too wide or out of reach"
        )


@app.command(epilog="Example: hypotest init --from rare-tokens my-study.yaml")
def init(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="File to write; by default TEMPLATE.yaml.")
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "--from", metavar="TEMPLATE", help="minimal, rare-tokens, rare-tokens-as-published or smollm2."
        ),
    ] = "minimal",
    model: Annotated[
        str | None,
        typer.Option(metavar="M", help="For this model (Hub id, folder or file), with values that fit."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="T", help="And this text: a file, folder or quoted pattern; may be repeated."),
    ] = None,
) -> None:
    """Write a commented protocol to begin with, and the schema that lets editors explain it.

    With --model or --text, values of the template that do not fit are changed: context, group size,
    positions, percentiles, token counts. It says which and why.
    """
    from hypotest.registration import start_protocol
    from hypotest.report.explanation import proposal_lines, start_text

    if model is not None or text:
        with _working("nothing was written") as display:
            from hypotest.studies.proposal import propose

            proposal = propose(
                template, path, model or "reference", text or (), start_stage=display.start_stage
            )
        for line in proposal_lines(proposal.changes, proposal.notes):
            print(terminal_text(line))
        Console().print(start_text(proposal.started), soft_wrap=True)
        return
    Console().print(start_text(start_protocol(template, path)), soft_wrap=True)


@app.command(epilog="Example: hypotest schema > hypotest.schema.json")
def schema() -> None:
    """Print the protocol language as a JSON Schema, with units, ranges and defaults."""
    from hypotest.registration import schema_text

    print(schema_text())


@app.command(epilog="Example: hypotest explain protocols/rare-tokens.yaml")
def explain(protocol: ProtocolArgument) -> None:
    """Say in plain words what will be done, what each hypothesis predicts, and what would refute it."""
    from hypotest.registration import explain_protocol, load_protocol
    from hypotest.report.explanation import Explanation

    _check(protocol, subject=False, cache=False)
    Console().print(Explanation(explain_protocol(load_protocol(protocol, subject=False))))


@app.command(epilog="Example: hypotest power protocols/rare-tokens.yaml")
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
) -> None:
    """Before any evaluation data: what the plan can see, and what the run will take.

    With --quick a first look, with the interval in which its probabilities lie: to choose between plans, not
    to register one.
    """
    from hypotest.report.power import power_summary

    _check(protocol, single="power", out=out, device=device, memory=memory * 1e9)
    with _working("finished evidence is kept, and the next call goes on from it") as display:
        from hypotest.studies.power import power as foresee

        result = foresee(
            protocol,
            out=out,
            device=device,
            memory=memory * 1e9,
            quick=quick,
            start_stage=display.start_stage,
        )
    Console().print(power_summary(result))
    if result.refused:
        raise RunError("\n".join(result.refused))


@app.command(epilog="Example: hypotest explore protocols/rare-tokens.yaml")
def explore(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where DIR/<id>/explore is written.")] = Path(
        "reports"
    ),
    device: DeviceOption = "auto",
    memory: MemoryOption = 4.0,
) -> None:
    """Look at the selection split: curve, group, covariates, counts. Never at the evaluation split."""
    from hypotest.report.exploration import exploration_summary

    _check(protocol, single="explore", out=out, device=device, memory=memory * 1e9)
    with _working("finished evidence is kept, and the next call goes on from it") as display:
        from hypotest.studies.explore import explore as look

        result = look(protocol, out=out, device=device, memory=memory * 1e9, start_stage=display.start_stage)
    Console().print(exploration_summary(result))


@app.command(epilog="Example: hypotest export protocols/rare-tokens.yaml --out registration.md")
def export(
    protocol: ProtocolArgument,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="What this run did otherwise than registered, instead.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")
    ] = None,
) -> None:
    """Write the registration under the headings of the OSF preregistration form; needs no model.

    It ends with an empty table of deviations. With --run, that table is written for a finished run: what was
    registered and what was done, from lock and manifest, and which numbers the difference can reach; the
    reasons are left to the author.
    """
    if run is None:
        from hypotest.studies.export import export_registration

        text = export_registration(protocol, out)
    else:
        from hypotest.studies.export_deviations import export_deviations

        text = export_deviations(protocol, run, out)
    print(text if out is None else terminal_text(out))


@app.command(epilog="Example: hypotest report reports/rare-tokens/example")
def report(run: RunArgument) -> None:
    """Render a run's report and figures again from its results; needs no model."""
    from hypotest.report.export import render_again

    render_again(run)
    print(terminal_text(run / "report.md"))


@app.command(epilog="Example: hypotest show reports/rare-tokens/example")
def show(run: RunArgument) -> None:
    """Print the verdict table of a finished run."""
    from hypotest.report.run import Run

    Console().print(Run.open(run))


@app.command(epilog="Example: hypotest verify reports/rare-tokens/example")
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

    with _working("nothing of the run was changed") as display:
        from hypotest.studies.verify import verify as check

        found = check(
            run, recollect=recollect, device=device, protocol=protocol, start_stage=display.start_stage
        )
    Console().print(verification_table(found))
    if not found.verified:
        raise RunError(failure_text(found))


@app.command(epilog="Example: hypotest calibrate --quick --scenario nothing")
def calibrate(
    simulations: Annotated[int, typer.Option(min=1, help="Of each scenario.")] = 2000,
    quick: Annotated[
        bool, typer.Option("--quick", help="2 of each: shows that it works, in seconds.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write calibration.json and .md there.")
    ] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core by default.")] = None,
) -> None:
    """Run the tests on simulated layers whose truth is known: levels, coverage, verdicts."""
    _check(out=out)
    from hypotest.report.calibration import CalibrationTables
    from hypotest.studies.calibrate import (
        QUICK_SIMULATIONS,
        calibrate,
        calibration_folder,
        choose_scenarios,
        write_calibration,
    )

    chosen = choose_scenarios(scenario or ())
    with _working("the same command goes on from the last finished chunk") as display:
        found = calibrate(
            chosen,
            QUICK_SIMULATIONS if quick else simulations,
            calibration_folder(),
            n_workers=workers,
            start_stage=display.start_stage,
        )
    Console().print(CalibrationTables(found))
    if out is not None:
        write_calibration(found, out)
        print(terminal_text(out / "calibration.md"))


@app.command(epilog="Example: hypotest compare RUN --with protocols/papers/arxiv-2509.21163.yaml")
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
    _check(cache=False, out=out / "comparisons")
    from hypotest.report.comparison_console import comparison_summary

    with _working("nothing was written") as display:
        from hypotest.studies.compare import compare as compare_runs

        found = compare_runs(runs, claims=claims, out=out, start_stage=display.start_stage)
    Console().print(comparison_summary(found))


@corpus.command("check", epilog="Example: hypotest corpus check protocols/rare-tokens.yaml")
def check_corpus(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the figure is kept.")] = Path("reports"),
) -> None:
    """Say how many rare and common positions a text gives, before a model is loaded."""
    from hypotest.report.corpus_check import corpus_summary

    _check(protocol, out=out)
    with _working("nothing was written") as display:
        from hypotest.studies.corpus_check import check_corpus as count_positions

        found = count_positions(protocol, out=out, start_stage=display.start_stage)
    Console().print(corpus_summary(found))


@app.command(epilog="Example: hypotest doctor")
def doctor() -> None:
    """Say what this machine has, what can be run on it, and what is missing."""
    from hypotest.report.doctor import diagnosis_table
    from hypotest.studies.doctor import examine_machine

    found = examine_machine()
    Console().print(diagnosis_table(found))
    if not found.is_well:
        raise typer.Exit(1)


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
) -> None:
    """Train the reference model again, with checkpoints in Hugging Face format."""
    _check(cache=False, out=out)
    from hypotest.studies.reference import reference_plan, train_reference

    plan = reference_plan(steps)
    with _working("the same command goes on from the last saved state") as display:
        task = display.add_task("training", total=plan.steps)
        folder = train_reference(out, plan, lambda step, loss: display.update(task, completed=step))
    print(terminal_text(folder))


@contextmanager
def _working(what_stays: str) -> Iterator[StageProgress]:
    """Show progress, and turn Ctrl-C into a message that says what is not lost."""
    from hypotest.report.console import progress

    try:
        with progress() as display:
            yield display
    except KeyboardInterrupt:
        raise RunError(f"stopped; {what_stays}") from None


def _check(
    protocol: Path | None = None,
    *,
    single: str | None = None,
    subject: bool = True,
    out: Path | None = None,
    **options: Any,
) -> None:
    """Refuse in the first second what can be seen to fail, before a command loads its libraries.

    Prints a protocol's warnings.
    """
    from hypotest.pipeline.preflight import check_command, require_single, results_folder
    from hypotest.registration import read_protocol

    if protocol is not None:
        plan, problems = read_protocol(protocol, subject=subject)
        for item in problems:
            if plan is not None and item.severity == "warning":
                line = terminal_text(f"warning: {item}")
                Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)
        if plan is None:
            raise ProtocolError(problems)
        if single is not None:
            require_single(plan, protocol, single)
        out = None if out is None else results_folder(plan, out)
    check_command(out=out, **options)
