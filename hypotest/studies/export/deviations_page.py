"""The table of deviations that preregistration templates ask for: registered, done, reason, effect.

hypotest knows what was registered, what was done, and which numbers the difference can reach. The reason, and
what it means for the conclusion, are the author's to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Document, Heading, Part, document, table
from hypotest.pages.inline import Inline, emphasis, prose
from hypotest.records.registration import Deviation, Lock, Registration
from hypotest.registration.explained.effects import effect_of
from hypotest.report.sections.registration import value_text

HEADINGS = ("what", "registered", "done", "reason", "effect on the conclusion")
_LONGEST = 400
_YOURS = emphasis("(yours to write)")


def empty_deviations() -> Iterator[Part]:
    """The table before a run, and how it is filled."""
    yield prose(
        "Deviations from this registration. None yet: the study has not been run. Whatever is done otherwise "
        "gets a row. After the run, `hypotest export PROTOCOL --run RUN` fills in *what*, *registered* and "
        "*done* from lock and manifest, and says which numbers each can reach; *reason*, and what it means "
        "for the conclusion, are the author's."
    )
    yield table(HEADINGS, [("",) * len(HEADINGS)])


def deviations_page(
    title: str,
    run: str,
    lock: Lock | None,
    registration: Registration | None,
    deviations: Sequence[Deviation],
    is_same_lock: bool,
) -> Document:
    """The table of a finished run, as a page.

    Args:
        title: Of the protocol.
        run: Folder of the run.
        lock: The registration that it is compared with; None if there is none.
        registration: What the run says of itself.
        deviations: Between the two.
        is_same_lock: Whether the run names that lock as its own.
    """
    return document(_parts(title, _status(run, lock, registration, is_same_lock), lock, deviations))


def _parts(title: str, status: Inline, lock: Lock | None, deviations: Sequence[Deviation]) -> Iterator[Part]:
    yield Heading(f"Deviations from the preregistration: {title}", 1)
    yield status
    if lock is None:
        yield "There is no registration to deviate from: register the protocol before its next run."
    elif not deviations:
        yield "Nothing that the lock names was done otherwise."
        yield table(HEADINGS, [("none", "", "", "", "")])
    else:
        yield prose(
            "*Registered* and *done* are from the lock and from the run's manifest. Write a reason into each "
            "row, and whether the conclusion stands without it; hashes are shortened."
        )
        yield table(HEADINGS, map(_row, deviations))


def _status(run: str, lock: Lock | None, registration: Registration | None, is_same_lock: bool) -> Inline:
    said = [prose("The run is `{}`.", run)]
    if lock is None:
        return (*said, " No lock lies beside the protocol.")
    said.append(f" The registration is of {lock.registered}.")
    if not is_same_lock:
        said.append(
            prose(
                " **The run does not name this lock as its own**: it was made without it, or under another."
            )
        )
    if registration is not None and registration.reasons:
        said.append(f" The run is exploratory: {'; '.join(registration.reasons)}.")
    return tuple(said)


def _row(item: Deviation) -> tuple[Inline, ...]:
    return (
        item.key,
        value_text(item.registered, _LONGEST),
        value_text(item.run, _LONGEST),
        _YOURS,
        (f"{effect_of(item.key)}. ", _YOURS),
    )
