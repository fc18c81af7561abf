"""Registrations in words: what a run is, what it changed, what registering did."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypotest.pages.document import Document, Heading, Part, Table, Together, document, table, together
from hypotest.pages.inline import Inline, Tone, aside, path, prose, strong
from hypotest.records.registered import Registered
from hypotest.records.registration import Deviation, GitState, Later, Lock, Registration
from hypotest.registration.locks.later import is_waiting
from hypotest.registration.locks.registry import REGISTRY
from hypotest.report.numbers import count_text
from hypotest.report.sections.seen import UNSEEN_BY_ANY_TOOL, seen_sentence

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
    """``Confirmatory`` or ``Exploratory``, and the rest of the sentence."""
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


def status_line(registration: Registration | None) -> Inline:
    """The first line of a report; nothing for results that are older than registrations."""
    if registration is None:
        return ""
    word, rest = status_words(registration)
    return prose("**{}**: {}", word, rest)


def status_alert(registration: Registration) -> Inline:
    """The first line on the console."""
    word, rest = status_words(registration)
    tone: Tone = "good" if registration.status == "confirmatory" else "careful"
    return (strong(f"{word.upper()}: ", tone), rest)


def deviations_section(registration: Registration | None) -> Iterator[Part]:
    """Everything that the run did otherwise than registered; nothing where there is none."""
    if registration is None or not registration.deviations:
        return
    yield Heading("Deviations from the registration")
    yield (
        f"Registered on {registration.registered} (lock {registration.lock}). Any deviation makes a run "
        "exploratory; which of them matter is for the reader to judge. Hashes are shortened; results.json "
        "holds them whole."
    )
    yield _deviations(registration.deviations, _LONGEST)


def deviations_summary(registration: Registration) -> Together:
    """The same for the console: the first 20."""
    left = len(registration.deviations) - _ROWS_ON_CONSOLE
    return together(
        strong("Deviations from the registration"),
        _deviations(registration.deviations[:_ROWS_ON_CONSOLE], _LONGEST_ON_CONSOLE),
        f"... and {count_text(left)} more: see the report" if left > 0 else "",
    )


def _deviations(deviations: Sequence[Deviation], longest: int) -> Table:
    return table(
        ["key", "registered", "run"],
        [
            (item.key, value_text(item.registered, longest), value_text(item.run, longest))
            for item in deviations
        ],
    )


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


def registered_page(done: Registered) -> Document:
    """What ``hypotest register`` prints."""
    return document(_registered(done))


def _registered(done: Registered) -> Iterator[Part]:
    lock, registry = done.lock, done.file.with_name(REGISTRY)
    protocol = str(done.file.with_name(lock.file))
    if not done.is_new:
        yield (
            strong(f"{protocol} is registered already"),
            f", on {lock.registered}, and nothing has changed since.",
            strong(" Its lock file was missing or altered: restored from the registry." * done.restored),
        )
    else:
        replaced = (
            f"This replaces its registration of {done.replaced}, which stays in the registry."
            if done.replaced is not None
            else ""
        )
        new = (strong(f"{protocol} is registered"), f" as of {lock.registered}.")
        yield together(new, strong(replaced))
    waits = is_waiting(lock)
    yield table(
        ("", ""),
        [
            ("lock", path(done.file)),
            ("registry", (path(registry), f", entry {done.entry} ({_short(done.hash)})")),
            ("protocol", _short(lock.hashes.protocol)),
            ("subject", later_words(lock.later) if waits and lock.later else _subject_words(lock)),
            ("documents", "divided when the subject is there" if waits else _documents_words(lock)),
            ("git", _git_words(lock.git)),
        ],
    )
    if waits:
        yield (
            "Plan, rule, text and code are fixed. The first run under this lock binds its network, in the "
            "registry and before anything is evaluated; a second, different one is exploratory, and so is "
            "one after another network that came later, was run over its evaluation documents "
            "here, under whatever plan, and would do. Whether the words above are satisfied, no tool can see."
        )
        return
    if lock.kept_out:
        yield (
            f"{count_text(len(lock.kept_out))} documents that were seen before are kept out of the "
            "evaluation split; the lock names them by their hashes."
        )
    if lock.seen.nothing:
        push = " Commit and push lock and registry now, before the run." * (lock.git is not None)
        yield (
            "No evaluation document was seen here before. Its run is confirmatory as long as nothing that "
            f"the lock names changes.{push}"
        )
    else:
        sentence = seen_sentence(lock.seen, lock.split["evaluation_documents"])
        yield strong(f"*** Its runs are exploratory: {sentence}. ***", "alarm")
        if lock.seen.documents:
            yield prose(
                "`hypotest register --fresh-documents` evaluates on documents that no run has seen, as far "
                "as there are enough."
            )
    yield aside(UNSEEN_BY_ANY_TOOL)


def _subject_words(lock: Lock) -> str:
    named = lock.plan["subject"].get("network")
    subject = named or lock.plan["subject"]["model"]
    if not lock.members:
        weights = _short(lock.revision or lock.hashes.weights)
        return f"{subject}, {'units' if named else 'layer'} {lock.layer} ({weights})"
    called = [f"{key} {value}" for item in lock.members for key, value in item.subject.items()]
    return f"{subject}, a series of {count_text(len(called))}: {called[0]} to {called[-1]}"


def later_words(later: Later) -> str:
    """Which network will do."""
    parts = [f"the first that satisfies: {later.criterion}"]
    if later.families:
        parts.append(f"of the family {' or '.join(later.families)}")
    if later.parameters is not None:
        parts.append(f"with {later.parameters[0]:,} to {later.parameters[1]:,} parameters")
    return "; ".join(parts)


def _documents_words(lock: Lock) -> str:
    selection, evaluation = (lock.split[f"{name}_documents"] for name in ("selection", "evaluation"))
    return f"{count_text(selection)} for selection, {count_text(evaluation)} for evaluation"


def verified_page(folder: Path, n_entries: int, problems: tuple[str, ...]) -> Document:
    """What ``hypotest registry verify`` prints."""
    if problems:
        return document([together(*(path(folder / item) for item in problems))])
    entries = f"{count_text(n_entries)} {'entry' if n_entries == 1 else 'entries'}"
    return document([(path(folder), f": {entries}, and locks that agree with them. {_CHAIN_LIMIT}")])


def _git_words(git: GitState | None) -> str:
    if git is None:
        return "no commit: nobody else can show when this was registered"
    branch = "no branch" if git.branch is None else git.branch
    clean = "clean" if git.clean else "NOT clean: the commit does not hold all of this"
    pushed = "pushed" if git.pushed else "NOT pushed: nobody else may have it"
    return f"{_short(git.commit)} on {branch}, {clean}, {pushed}"


def _short(digits: str | None) -> str:
    return "" if digits is None else digits[:_DIGITS] + "…"
