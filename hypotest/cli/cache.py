"""The cache: what lies there, and what goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hypotest.cli.app import TOOL, app, say

cache = typer.Typer(
    help="What lies in the cache, in gigabytes; `hypotest cache prune` removes some of it.",
    epilog="Example: hypotest cache",
    invoke_without_command=True,
)
app.add_typer(cache, name="cache", rich_help_panel=TOOL)

KeepOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="Its runs need their evidence; may be repeated.  [default: reports]"),
]


@cache.callback()
def contents(context: typer.Context, keep: KeepOption = None) -> None:
    """Say what lies in the cache: of which plan and network, how much, last used when, needed by whom."""
    if context.invoked_subcommand is not None:
        return
    from hypotest.studies.cache.page import contents_page
    from hypotest.studies.cache.study import cache_contents

    say(contents_page(cache_contents(keep=keep)))


@cache.command(epilog="Example: hypotest cache prune --older-than 30 --dry-run")
def prune(
    older_than: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="What was not used for so long.")
    ] = None,
    larger_than: Annotated[
        float | None, typer.Option(min=0, metavar="GB", help="What is larger, each entry by itself.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Evidence that this run needs, and no other that is kept."),
    ] = None,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="What stopped runs left half-made.")
    ] = False,
    keep: KeepOption = None,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="Also evidence that kept runs need.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove from the cache what satisfies all options that are given.

    Evidence that the runs in reports (or --keep) need stays. The log of documents always stays, and with it
    what registrations rest on; evidence that went is collected anew when it is needed.
    """
    from hypotest.studies.cache.page import pruned_page
    from hypotest.studies.cache.study import prune_cache

    pruned = prune_cache(
        older_than=older_than,
        larger_than=larger_than,
        run=run,
        unfinished=unfinished,
        keep=keep,
        unprotected=unprotected,
        dry_run=dry_run,
    )
    say(pruned_page(pruned))
