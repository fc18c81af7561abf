"""Registrations in words: what a run is, what it changed, what registering did."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from rich import box
from rich.text import Text

from hypotest.records.registration import GitState, Later, Lock, Registered, Registration
from hypotest.registration.later import is_waiting
from hypotest.registration.registry import REGISTRY
from hypotest.report.console_table import ConsoleTable
from hypotest.report.numbers import count_text
from hypotest.report.seen import UNSEEN_BY_ANY_TOOL, seen_sentence
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown, printable

_ROWS_ON_CONSOLE = 20
_LONGEST_ON_CONSOLE = 60
_LONGEST = 400
_DIGITS = 12
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_CHAIN_LIMIT = (
    "A chain cannot show that all of it was rewritten together with the locks: that is what commits that "
    "others have are for."
)


def status_words(registration: Registration) -> tuple[str, str]:
    """``Confirmatory`` or ``Exploratory``, and the rest of the sentence; not escaped."""
    if registration.status == "confirmatory":
        first = "" if registration.subject_later is None else _first(registration.subject_later)
        return "Confirmatory", (
            f"{first}run as registered on {registration.registered} (lock {_short(registration.lock)}), "
            "nothing changed since."
        )
    since = "" if registration.registered is None else f" Registered on {registration.registered}."
    return "Exploratory", f"{'; '.join(registration.reasons)}.{since}"


def _first(criterion: str) -> str:
    return f"on the first network that ran under its registration (for: {criterion}), "


def status_line(registration: Registration | None) -> list[str]:
    """The first line of a report; none for results that are older than registrations."""
    if registration is None:
        return []
    word, rest = status_words(registration)
    return [f"**{word}**: {escape_markdown(rest)}"]


def status_text(registration: Registration) -> Text:
    """The first line on the console."""
    word, rest = status_words(registration)
    style = "bold green" if registration.status == "confirmatory" else "bold yellow"
    return Text.assemble((f"{word.upper()}: ", style), printable(rest))


def deviations_section(registration: Registration | None) -> list[str]:
    """Everything that the run did otherwise than registered; nothing where there is none."""
    if registration is None or not registration.deviations:
        return []
    rows = [
        [
            f"{escape_markdown(item.key)}",
            escape_markdown(value_text(item.registered, _LONGEST)),
            escape_markdown(value_text(item.run, _LONGEST)),
        ]
        for item in registration.deviations
    ]
    return [
        "## Deviations from the registration",
        f"Registered on {escape_markdown(registration.registered)} (lock "
        f"{escape_markdown(registration.lock)}). Any deviation makes a run exploratory; which of them matter "
        "is for the reader to judge. Hashes are shortened; results.json holds them whole.",
        table(["key", "registered", "run"], rows),
    ]


def deviation_table(registration: Registration) -> ConsoleTable:
    """The same for the console: the first 20."""
    shown = registration.deviations[:_ROWS_ON_CONSOLE]
    rows = ConsoleTable(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        title=Text("Deviations from the registration", style="bold"),
        title_justify="left",
    )
    for name in ("key", "registered", "run"):
        rows.add_column(Text(name), overflow="fold")
    for item in shown:
        rows.add_row(
            Text(printable(item.key)),
            Text(printable(value_text(item.registered, _LONGEST_ON_CONSOLE))),
            Text(printable(value_text(item.run, _LONGEST_ON_CONSOLE))),
        )
    left = len(registration.deviations) - len(shown)
    if left:
        rows.add_row(Text(f"... and {count_text(left)} more: see the report"), Text(""), Text(""))
    return rows


def value_text(value: Any, longest: int) -> str:
    """A value of a protocol or a lock in one short line.

    Examples:
        >>> value_text(None, 60), value_text("mean", 60), value_text(["less", "equivalent"], 60)
        ('(absent)', 'mean', '[less, equivalent]')
        >>> value_text("0123456789ab" + 52 * "0", 60)
        '0123456789ab…'
    """
    if value is None:
        return "(absent)"
    if isinstance(value, str):
        text = _short(value) if _HASH.fullmatch(value) else value
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = f"[{', '.join(value)}]"
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def registered_text(done: Registered) -> Text:
    """What ``hypotest register`` prints."""
    lock, registry = done.lock, done.file.with_name(REGISTRY)
    protocol = done.file.with_name(lock.file)
    text = Text()
    if not done.is_new:
        text.append(f"{printable(protocol)} is registered already", style="bold")
        text.append(f", on {lock.registered}, and nothing has changed since.")
        if done.restored:
            text.append(" Its lock file was missing or altered: restored from the registry.", style="bold")
        text.append("\n")
    else:
        text.append(f"{printable(protocol)} is registered", style="bold")
        text.append(f" as of {lock.registered}.\n")
        if done.replaced is not None:
            text.append(
                f"This replaces its registration of {done.replaced}, which stays in the registry.\n",
                style="bold",
            )
    model, waits = printable(lock.plan["subject"]["model"]), is_waiting(lock)
    subject = f"{model}, layer {lock.layer} ({_short(lock.revision or lock.hashes.weights)})"
    for name, words in (
        ("lock", printable(done.file)),
        ("registry", f"{printable(registry)}, entry {done.entry} ({_short(done.hash)})"),
        ("protocol", _short(lock.hashes.protocol)),
        ("subject", later_words(lock.later) if waits and lock.later else subject),
        ("documents", "divided when the subject is there" if waits else _documents_words(lock)),
        ("git", _git_words(lock.git)),
    ):
        text.append(f"  {name:<10}{words}\n")
    if waits:
        text.append(
            "Plan, rule, text and code are fixed. The first run under this lock binds its network, in the "
            "registry and before anything is evaluated; a second, different one is exploratory, and so is "
            "one after another network that came later, was run over its evaluation documents "
            "here, under whatever plan, and would do. Whether the words above are satisfied, no tool can see."
        )
        return text
    if lock.kept_out:
        text.append(
            f"{count_text(len(lock.kept_out))} documents that were seen before are kept out of the "
            "evaluation split; the lock names them by their hashes.\n"
        )
    if lock.seen.nothing:
        text.append(
            "No evaluation document was seen here before. Its run is confirmatory as long as nothing that "
            "the lock names changes."
        )
        if lock.git is not None:
            text.append(" Commit and push lock and registry now, before the run.")
    else:
        sentence = seen_sentence(lock.seen, lock.split["evaluation_documents"])
        text.append(f"*** Its runs are exploratory: {sentence}. ***", style="bold reverse red")
        if lock.seen.documents:
            text.append(
                "\n`hypotest register --fresh-documents` evaluates on documents that no run has seen, as far "
                "as there are enough."
            )
    text.append(f"\n{UNSEEN_BY_ANY_TOOL}", style="dim")
    return text


def later_words(later: Later) -> str:
    """Which network will do."""
    parts = [f"the first that satisfies: {printable(later.criterion)}"]
    if later.families:
        parts.append(f"of the family {' or '.join(map(printable, later.families))}")
    if later.parameters is not None:
        parts.append(f"with {later.parameters[0]:,} to {later.parameters[1]:,} parameters")
    return "; ".join(parts)


def _documents_words(lock: Lock) -> str:
    selection, evaluation = (lock.split[f"{name}_documents"] for name in ("selection", "evaluation"))
    return f"{count_text(selection)} for selection, {count_text(evaluation)} for evaluation"


def verified_text(folder: Path, n_entries: int, problems: tuple[str, ...]) -> Text:
    """What ``hypotest registry verify`` prints."""
    if problems:
        return Text("\n".join(printable(folder / item) for item in problems))
    entries = f"{count_text(n_entries)} {'entry' if n_entries == 1 else 'entries'}"
    return Text(f"{printable(folder)}: {entries}, and locks that agree with them. {_CHAIN_LIMIT}")


def _git_words(git: GitState | None) -> str:
    if git is None:
        return "no commit: nobody else can show when this was registered"
    branch = "no branch" if git.branch is None else printable(git.branch)
    clean = "clean" if git.clean else "NOT clean: the commit does not hold all of this"
    pushed = "pushed" if git.pushed else "NOT pushed: nobody else may have it"
    return f"{_short(git.commit)} on {branch}, {clean}, {pushed}"


def _short(digits: str | None) -> str:
    return "" if digits is None else printable(digits)[:_DIGITS] + "…"
