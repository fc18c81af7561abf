"""What `hypotest cache` prints: a table of kinds, one of plans and networks, and what pruning did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from hypotest.pages.document import Document, Items, Part, document, table, together
from hypotest.pages.inline import Inline, aside, joined, path, strong
from hypotest.records.cache import FOREIGN, LEFT_OVER, CacheContents, CacheEntry, CacheUse, Pruned
from hypotest.report.numbers import bytes_text, count_text

_WORDS = {
    "evidence": "evidence of tested networks",
    "other-networks": "evidence of untrained networks",
    "recorded": "answers of hosts",
    "unfinished": "pieces of stopped runs",
    "prepared": "text, tokens, positions",
    "cross_entropy": "cross-entropies of texts",
    "frequencies": "token counts",
    "texts": "texts from the Hub",
    "controls": "networks of known organisation",
    "calibration": "counts of simulations",
    LEFT_OVER: "left by stopped commands",
    FOREIGN: "not hypotest's",
}
_SHOWN = 20
"""Rows of what pruning removed, and held back."""
_NAMED = 2
"""Runs that are named of those that need something."""
_TIMED = re.compile(r"\d{8}T\d{6}Z-")
"""How the folder of a run begins."""


def contents_page(contents: CacheContents) -> Document:
    """What `hypotest cache` prints."""
    return document(_contents(contents))


def _contents(contents: CacheContents) -> Iterator[Part]:
    quota = "" if contents.quota is None else f" of {bytes_text(contents.quota)} that it may take"
    yield together(
        strong("The cache"),
        path(contents.folder),
        f"{bytes_text(contents.n_bytes)}{quota}; its disk has {bytes_text(contents.free)} left",
    )
    kinds = list(dict.fromkeys(item.kind for item in contents.entries))
    rows = [_row(_WORDS[kind], [item for item in contents.entries if item.kind == kind]) for kind in kinds]
    yield table(
        ("kind", "entries", "size", "needed", "last used"),
        [*rows, ("log of documents (always stays)", "", bytes_text(contents.log_bytes), "", "")],
        numeric=(1, 2, 3),
    )
    groups: dict[tuple[str, str], list[CacheEntry]] = {}
    for item in contents.entries:
        if item.kind in ("evidence", "other-networks"):
            use = item.uses[-1] if item.uses else None
            groups.setdefault((_plans(item), _network(use, contents.models)), []).append(item)
    if groups:
        ordered = sorted(groups.items(), key=lambda pair: -sum(item.n_bytes for item in pair[1]))
        yield table(
            ("plan", "network", "entries", "size", "needed", "last used"),
            [(*names, *_row("", entries)[1:]) for names, entries in ordered],
            numeric=(2, 3, 4),
        )
        if any(item.needed_by for item in contents.entries):
            yield together(strong("Needed by runs that are kept"), Items(tuple(_needed(ordered))))
        yield aside(
            "needed: by finished runs in the folders that are kept. What is half-made counts as used when it "
            "was last written to."
        )


def _needed(groups: Iterable[tuple[tuple[str, str], list[CacheEntry]]]) -> Iterator[Inline]:
    """Of each plan and network, the runs that need its evidence; the latest first, as far as names tell."""
    for (plan, network), entries in groups:
        runs = sorted({_run_name(run) for item in entries for run in item.needed_by}, reverse=True)
        if runs:
            shown = joined(", ", map(path, runs[:_NAMED]))
            more = f" and {count_text(len(runs) - _NAMED)} more" if len(runs) > _NAMED else ""
            yield (f"{plan}, {network}: needed by ", shown, more)


def _run_name(folder: Path) -> str:
    """By which a run is known: its folder; where that is no time, as of a series' member, with the one above.

    Examples:
        >>> _run_name(Path("reports/small/20260102T030405Z-0123abcd"))
        '20260102T030405Z-0123abcd'
        >>> _run_name(Path("reports/small/20260102T030405Z-0123abcd/layer-003"))
        '20260102T030405Z-0123abcd/layer-003'
    """
    return folder.name if _TIMED.match(folder.name) else "/".join(folder.parts[-2:])


def _row(name: str, entries: list[CacheEntry]) -> tuple[str, ...]:
    half = sum(not item.finished for item in entries)
    counted = count_text(len(entries)) + (f" ({count_text(half)} half-made)" if half else "")
    needed = sum(item.n_bytes for item in entries if item.needed_by)
    return (
        name,
        counted,
        bytes_text(sum(item.n_bytes for item in entries)),
        bytes_text(needed) if needed else "",
        ago_text(max(item.last_used for item in entries)),
    )


def _plans(entry: CacheEntry) -> str:
    if not entry.uses:
        return "(not in the log)" if not entry.logged else "(no kept run names it)"
    names = list(dict.fromkeys(use.plan for use in reversed(entry.uses)))
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _network(use: CacheUse | None, models: dict[str, str]) -> str:
    if use is None:
        return ""
    size = f", {count_text(use.parameters)} parameters" if use.parameters else ""
    known = models.get(use.weights) or f"{use.family or 'network'} {use.weights[:12]}{size}"
    return f"{known}, {'layer' if isinstance(use.layer, int) else 'units'} {use.layer}"


def pruned_page(pruned: Pruned) -> Document:
    """What `hypotest cache prune` prints."""
    return document(_pruned(pruned))


def _pruned(pruned: Pruned) -> Iterator[Part]:
    done = "Would remove" if pruned.dry_run else "Removed"
    entries = f"{count_text(len(pruned.removed))} {'entry' if len(pruned.removed) == 1 else 'entries'}"
    yield (strong(f"{done} {entries}, {bytes_text(pruned.n_bytes)}"), " from ", path(pruned.folder))
    yield from _listed(pruned.removed, [""] * len(pruned.removed))
    if pruned.held_back:
        yield strong("Asked for, and stays", "careful")
        yield from _listed([item for item, _ in pruned.held_back], [why for _, why in pruned.held_back])


def _listed(entries: Iterable[CacheEntry], reasons: list[str]) -> Iterator[Part]:
    rows = [
        (_WORDS[item.kind], item.key[:12], _plans(item) if item.uses else "", bytes_text(item.n_bytes),
         ago_text(item.last_used), reason)
        for item, reason in zip(entries, reasons, strict=True)
    ]  # fmt: skip
    if not rows:
        return
    head = ("kind", "name", "plan", "size", "last used", "why")
    width = len(head) if any(reasons) else len(head) - 1
    yield table(head[:width], [row[:width] for row in rows[:_SHOWN]], numeric=(3,))
    if len(rows) > _SHOWN:
        yield aside(f"and {count_text(len(rows) - _SHOWN)} more")


def ago_text(time: datetime) -> str:
    """How long ago, in whole days."""
    days = (datetime.now(UTC) - time).days
    if days <= 0:
        return "today"
    return "yesterday" if days == 1 else f"{count_text(days)} days ago"
