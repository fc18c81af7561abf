"""Writing a protocol and checking it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hypotest.cli.app import PROTOCOL, ProtocolArgument, app, check, say, working
from hypotest.errors import ProtocolError
from hypotest.pages.text import terminal_text

command = partial(app.command, rich_help_panel=PROTOCOL)

corpus = typer.Typer(help="The text of a protocol.", no_args_is_help=True)
app.add_typer(corpus, name="corpus", rich_help_panel=PROTOCOL)


@command(epilog="Example: hypotest init --from rare-tokens my-study.yaml")
def init(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="File to write; by default TEMPLATE.yaml.")
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TEMPLATE",
            help="minimal, rare-tokens, rare-tokens-as-published, smollm2, numbers, induction, code, "
            "language or agreement.",
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
    from hypotest.registration.template import start_protocol
    from hypotest.report.explanation import start_page
    from hypotest.studies.propose.page import proposal_lines

    if model is not None or text:
        with working("nothing was written") as display:
            from hypotest.studies.propose.study import propose

            proposal = propose(
                template, path, model or "reference", text or (), start_stage=display.start_stage
            )
        for line in proposal_lines(proposal.changes, proposal.notes):
            print(terminal_text(line))
        say(start_page(proposal.started), soft_wrap=True)
        return
    say(start_page(start_protocol(template, path)), soft_wrap=True)


@command(epilog="Example: hypotest validate protocols/rare-tokens.yaml")
def validate(protocol: ProtocolArgument) -> None:
    """Check a protocol and report everything that is wrong with it, without a model."""
    from hypotest.registration import read_protocol
    from hypotest.registration.checks.margins import left_to_power

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


@command(epilog="Example: hypotest explain protocols/rare-tokens.yaml")
def explain(protocol: ProtocolArgument) -> None:
    """Say in plain words what will be done, what each hypothesis predicts, and what would refute it."""
    from hypotest.registration import load_protocol
    from hypotest.registration.checks.configuration import predicted_token
    from hypotest.registration.explained.explain import explain_protocol
    from hypotest.report.explanation import explanation

    check(protocol, subject=False, cache=False)
    plan = load_protocol(protocol, subject=False)
    say(explanation(explain_protocol(plan, predicted_token(plan, protocol.parent))))


@command(epilog="Example: hypotest schema > hypotest.schema.json")
def schema() -> None:
    """Print the protocol language as a JSON Schema, with units, ranges and defaults."""
    from hypotest.registration.template import schema_text

    print(schema_text())


@corpus.command("check", epilog="Example: hypotest corpus check protocols/rare-tokens.yaml")
def check_corpus(
    protocol: ProtocolArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the figure is kept.")] = Path("reports"),
) -> None:
    """Say how many positions of either condition a text gives, before a model is loaded."""
    from hypotest.studies.corpus_check.page import corpus_summary

    check(protocol, out=out)
    with working("nothing was written") as display:
        from hypotest.studies.corpus_check.study import check_corpus as count_positions

        corpus_check = count_positions(protocol, out=out, start_stage=display.start_stage)
    say(corpus_summary(corpus_check))
