"""What `hypotest verify` prints: every check, what agrees and what does not."""

from __future__ import annotations

from hypotest.pages.document import Document, document, table, together
from hypotest.pages.inline import BREAK, INDENTED, Inline, Span, Tone, aside, joined, strong
from hypotest.studies.verify.record import Check, CheckStatus, Verification

_SHOWN = 4
"""Differences of one check that are printed; the rest are counted."""
_STATUSES: dict[CheckStatus, Span] = {
    "agrees": Span("agrees", tone="good"),
    "differs": strong("DIFFERS", "bad"),
    "not checked": strong("not checked", "careful"),
    "not asked": aside("not asked for"),
}


def verification_page(verification: Verification) -> Document:
    """What `hypotest verify` prints when it is done."""
    checks = [(item.name, _status(item), _detail(item)) for item in verification.checks]
    return document(
        [
            together(strong(verification.title), str(verification.folder), aside(verification.basis)),
            table(("check", "", "detail"), checks),
            answer(verification),
        ]
    )


def answer(verification: Verification) -> Inline:
    """One line: verified or not, with the number of checks of each kind."""
    count = {status: len(verification.named(status)) for status in _STATUSES}
    within = sum(item.status == "agrees" and bool(item.deviation) for item in verification.checks)
    parts = [f"{count['agrees']} agree"]
    if within:
        parts[0] += f" ({within} within tolerance, largest relative difference {verification.deviation:.1g})"
    parts += [f"{count['differs']} DIFFER"] if count["differs"] else []
    parts += [f"{count['not checked']} not checked"] if count["not checked"] else []
    parts += [f"{count['not asked']} not asked for"] if count["not asked"] else []
    word: tuple[str, Tone] = ("Verified", "good") if verification.verified else ("NOT VERIFIED", "bad")
    return (strong(*word), f": {', '.join(parts)}.")


def failure_text(verification: Verification) -> str:
    """What did not agree and what could not be checked, for the error; empty where nothing failed."""
    lines = []
    for status, words in (("differs", "differ"), ("not checked", "were not checked")):
        names = [item.name for item in verification.checks if item.status == status]
        if names:
            shown = ", ".join(names[:_SHOWN]) + (
                f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            )
            lines.append(f"{len(names)} of {len(verification.checks)} checks {words}: {shown}")
    return "\n".join(lines)


def _status(item: Check) -> Span:
    if item.status == "agrees" and item.deviation == 0:
        return Span("identical", tone="good")
    return _STATUSES[item.status]


def _detail(item: Check) -> Inline:
    lines: list[Inline] = [item.detail]
    if item.deviation:
        lines.append(aside(f"within tolerance (largest relative difference {item.deviation:.1g})"))
    for each in item.differences[:_SHOWN]:
        stored, fresh = Span(f"stored {each.stored}", tone="bad"), Span(f"found {each.fresh}", tone="bad")
        lines.append((f"{each.where}:", INDENTED, stored, INDENTED, fresh))
    if len(item.differences) > _SHOWN:
        lines.append(f"and {len(item.differences) - _SHOWN:,} more")
    return joined(BREAK, lines)
