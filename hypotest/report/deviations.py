"""The table of deviations that preregistration templates ask for: registered, done, reason, effect.

hypotest knows what was registered, what was done, and which numbers the difference can reach. The reason, and
what it means for the conclusion, are the author's to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.records.registration import Deviation, Lock, Registration
from hypotest.registration.effects import effect_of
from hypotest.report.registration import value_text
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown

HEADINGS = ("what", "registered", "done", "reason", "effect on the conclusion")
_LONGEST = 400
_YOURS = "*(yours to write)*"


def empty_deviations() -> Iterator[str]:
    """The table before a run, and how it is filled."""
    yield (
        "Deviations from this registration. None yet: the study has not been run. Whatever is done otherwise "
        "gets a row. After the run, `hypotest export PROTOCOL --run RUN` fills in *what*, *registered* and "
        "*done* from lock and manifest, and says which numbers each can reach; *reason*, and what it means "
        "for the conclusion, are the author's."
    )
    yield table(HEADINGS, [[" "] * len(HEADINGS)])


def render_deviations(
    title: str,
    run: str,
    lock: Lock | None,
    registration: Registration | None,
    deviations: Sequence[Deviation],
    is_same_lock: bool,
) -> str:
    """The table of a finished run, as a document.

    Args:
        title: Of the protocol.
        run: Folder of the run.
        lock: The registration that it is compared with; None if there is none.
        registration: What the run says of itself.
        deviations: Between the two.
        is_same_lock: Whether the run names that lock as its own.
    """
    parts = [f"# Deviations from the preregistration: {escape_markdown(title)}"]
    parts.append(_status(run, lock, registration, is_same_lock))
    if lock is None:
        parts.append("There is no registration to deviate from: register the protocol before its next run.")
    elif not deviations:
        parts.append("Nothing that the lock names was done otherwise.")
        parts.append(table(HEADINGS, [["none", "", "", "", ""]]))
    else:
        parts.append(
            "*Registered* and *done* are from the lock and from the run's manifest. Write a reason into each "
            "row, and whether the conclusion stands without it; hashes are shortened."
        )
        parts.append(table(HEADINGS, [_row(item) for item in deviations]))
    return "\n\n".join(parts) + "\n"


def _status(run: str, lock: Lock | None, registration: Registration | None, is_same_lock: bool) -> str:
    shown = f"The run is `{escape_markdown(run)}`."
    if lock is None:
        return f"{shown} No lock lies beside the protocol."
    said = f"{shown} The registration is of {escape_markdown(lock.registered)}."
    if not is_same_lock:
        said += " **The run does not name this lock as its own**: it was made without it, or under another."
    if registration is not None and registration.reasons:
        said += f" The run is exploratory: {escape_markdown('; '.join(registration.reasons))}."
    return said


def _row(item: Deviation) -> list[str]:
    return [
        escape_markdown(item.key),
        escape_markdown(value_text(item.registered, _LONGEST)),
        escape_markdown(value_text(item.run, _LONGEST)),
        _YOURS,
        f"{escape_markdown(effect_of(item.key))}. {_YOURS}",
    ]
