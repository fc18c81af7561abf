"""What `hypotest verify` prints: every check, what agrees and what does not."""

from __future__ import annotations

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.text import Text

from hypotest.records.verification import Check, CheckStatus, Verification
from hypotest.report.console_table import ConsoleTable
from hypotest.report.text import printable

_SHOWN = 4
"""Differences of one check that are printed; the rest are counted."""
_STATUSES: dict[CheckStatus, tuple[str, str]] = {
    "agrees": ("agrees", "green"),
    "differs": ("DIFFERS", "bold red"),
    "not checked": ("not checked", "bold yellow"),
    "not asked": ("not asked for", "dim"),
}


class VerificationTable:
    """The checks of a run as a table that is legible from 80 columns on."""

    def __init__(self, found: Verification) -> None:
        self._found = found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render from the title down to the answer."""
        if self._found.title:
            yield Text(printable(self._found.title), style="bold")
        yield Text(printable(self._found.folder))
        yield Text(printable(self._found.basis), style="dim")
        yield Text()
        table = ConsoleTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        table.add_column("check", overflow="fold", max_width=30)
        table.add_column("", no_wrap=True)
        table.add_column("detail", overflow="fold", ratio=1)
        for item in self._found.checks:
            word, style = _status(item)
            table.add_row(Text(printable(item.name)), Text(word, style=style), _detail(item))
        yield table
        yield Text()
        yield answer_text(self._found)


def verification_table(found: Verification) -> ConsoleRenderable:
    """What `hypotest verify` prints when it is done."""
    return VerificationTable(found)


def answer_text(found: Verification) -> Text:
    """One line: verified or not, with the number of checks of each kind."""
    count = {status: len(found.named(status)) for status in _STATUSES}
    within = sum(item.status == "agrees" and bool(item.deviation) for item in found.checks)
    parts = [f"{count['agrees']} agree"]
    if within:
        parts[0] += f" ({within} within tolerance, largest relative difference {found.deviation:.1g})"
    parts += [f"{count['differs']} DIFFER"] if count["differs"] else []
    parts += [f"{count['not checked']} not checked"] if count["not checked"] else []
    parts += [f"{count['not asked']} not asked for"] if count["not asked"] else []
    word, style = ("Verified", "bold green") if found.verified else ("NOT VERIFIED", "bold red")
    return Text.assemble((word, style), f": {', '.join(parts)}.")


def failure_text(found: Verification) -> str:
    """What did not agree and what could not be checked, for the error; empty where nothing failed."""
    lines = []
    for status, words in (("differs", "differ"), ("not checked", "were not checked")):
        names = [printable(item.name) for item in found.checks if item.status == status]
        if names:
            shown = ", ".join(names[:_SHOWN]) + (
                f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            )
            lines.append(f"{len(names)} of {len(found.checks)} checks {words}: {shown}")
    return "\n".join(lines)


def _status(item: Check) -> tuple[str, str]:
    if item.status == "agrees" and item.deviation == 0:
        return "identical", _STATUSES["agrees"][1]
    return _STATUSES[item.status]


def _detail(item: Check) -> Text:
    lines = [Text(printable(item.detail))]
    if item.deviation:
        lines.append(
            Text(f"within tolerance (largest relative difference {item.deviation:.1g})", style="dim")
        )
    for each in item.differences[:_SHOWN]:
        lines.append(Text(f"{printable(each.where)}:"))
        lines.append(Text(f"  stored {printable(each.stored)}", style="red"))
        lines.append(Text(f"  found  {printable(each.found)}", style="red"))
    if len(item.differences) > _SHOWN:
        lines.append(Text(f"and {len(item.differences) - _SHOWN:,} more"))
    return Text("\n").join(lines)
