"""The command line's root, and what its commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from hypotest.errors import ProtocolError, StoppedError
from hypotest.pages.text import terminal_text

if TYPE_CHECKING:
    from hypotest.pages.document import Document
    from hypotest.report.progress import StageProgress
    from hypotest.subjects.recorded.evidence import RecordedEvidence


PROTOCOL, PLAN, RUN, RESULTS, TOOL = (
    "Write a protocol",
    "Before the run",
    "Run",
    "Results",
    "This tool",
)
"""Headings of commands, in the order in which one meets them."""


_WHOLE = 1000
"""Characters of a first sentence: all."""


class _Grouped(TyperGroup):
    """Lists commands under the headings of their groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write them."""
        groups: dict[str, list[tuple[str, str]]] = {
            heading: [] for heading in (PROTOCOL, PLAN, RUN, RESULTS, TOOL)
        }
        for name, command in self.commands.items():
            heading = getattr(command, "rich_help_panel", PROTOCOL)
            groups[heading].append((name, command.get_short_help_str(_WHOLE)))
        for heading, rows in groups.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


app = typer.Typer(
    name="hypotest",
    help="Preregistered hypothesis tests for what is inside a neural network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    cls=_Grouped,
)

ProtocolArgument = Annotated[Path, typer.Argument(metavar="PROTOCOL", help="A protocol in YAML.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
DeviceOption = Annotated[
    str, typer.Option(help="cpu, cuda, mps, auto, or balanced: over all GPUs, as device_map.")
]
MemoryOption = Annotated[
    float, typer.Option(min=0.1, metavar="GB", help="What ablation may take beside the model.")
]


EvidenceOption = Annotated[
    Path | None,
    typer.Option(
        "--evidence",
        metavar="FILE",
        help="Rows and activations made elsewhere: .npz, .parquet or .safetensors.",
    ),
]


WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that the work is handed out to; these divide the cores."),
]
SchedulerOption = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Hand the work out to a running Dask scheduler instead.")
]
ClusterOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Hand it out to a queueing system instead, such as slurm.yaml."),
]


def recorded(evidence: Path | None) -> RecordedEvidence | None:
    """What --evidence names, read; imported late, since that needs torch."""
    if evidence is None:
        return None
    from hypotest.subjects.recorded.evidence import RecordedEvidence

    return RecordedEvidence.read(evidence)


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


def say(document: Document, soft_wrap: bool = False) -> None:
    """Print a page; with `soft_wrap` a line is as long as it is, and paths can be copied from it."""
    from hypotest.pages.console import shown

    Console().print(shown(document), soft_wrap=soft_wrap)


@contextmanager
def working(what_stays: str) -> Iterator[StageProgress]:
    """Show progress, and turn Ctrl-C into a message that says what is not lost."""
    from hypotest.report.progress import progress

    try:
        with progress() as display:
            yield display
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; {what_stays}") from None


def require_unset(why: str, **options: Any) -> None:
    """Refuse options that are given and would be ignored.

    Args:
        why: What is said of them.
        options: Each by its name; not given is one that is None, False or empty.

    Raises:
        ProtocolError: Names all that are given.
    """
    # 0, which equals False, is given
    given = [
        name for name, value in options.items() if not (value is None or value is False or value in ("", []))
    ]
    if given:
        raise ProtocolError(f"{', '.join(f'{name}=' for name in given)}: {why}")


def open_page(file: Path) -> None:
    """Open a page in the reader's browser, or say that there is none."""
    from hypotest.studies.view.study import show_in_browser

    if not show_in_browser(file):
        Console(stderr=True).print("No browser was found here: open this file in yours.")


def check(
    protocol: Path | None = None,
    *,
    single: str | None = None,
    subject: bool = True,
    evidence: Path | None = None,
    out: Path | None = None,
    **options: Any,
) -> None:
    """Refuse in the first second what can be seen to fail, before a command loads its libraries.

    Prints a protocol's warnings.
    """
    from hypotest.pipeline.checks.preflight import check_command, require_single, results_folder
    from hypotest.registration import read_protocol

    if protocol is not None:
        network = None if evidence is None else evidence.name
        plan, problems = read_protocol(protocol, subject=subject, network=network)
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
