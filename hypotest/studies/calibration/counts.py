"""Counts of finished simulations in one small file, which the next call goes on from.

Of each kind of layer it holds what its simulations were computed with (`Case.key`: code, layer, protocol,
text, seed), which of them are done, by number, and the sum of what they say. So parts that were computed at
other times and on other machines add up, and no simulation counts twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hypotest.errors import OutputError
from hypotest.records.stored.files import write_whole
from hypotest.studies.calibration.tally import Tally, added

COUNTS_VERSION = 1
Range = tuple[int, int]
"""First simulation, and the first after it that does not belong to it."""


@dataclass(frozen=True, slots=True)
class KindCounts:
    """Of one kind of layer."""

    key: str
    """What the simulations were computed with."""
    ranges: tuple[Range, ...] = ()
    """Which are counted, ascending and apart."""
    tally: Tally | None = None
    """None before the first."""

    def missing(self, start: int, stop: int) -> list[Range]:
        """What of a range is not counted yet."""
        gaps = []
        for first, end in self.ranges:
            if start < min(first, stop):
                gaps.append((start, min(first, stop)))
            start = max(start, end)
        return [*gaps, (start, stop)] if start < stop else gaps

    def plus(self, other: KindCounts) -> KindCounts:
        """Both together.

        Raises:
            ValueError: If a simulation is in both.
        """
        ranges: list[Range] = []
        for start, stop in sorted([*self.ranges, *other.ranges]):
            if ranges and start < ranges[-1][1]:
                raise ValueError(f"simulations {start:,} to {min(stop, ranges[-1][1]) - 1:,} are in both")
            if ranges and start == ranges[-1][1]:
                ranges[-1] = (ranges[-1][0], stop)
            else:
                ranges.append((start, stop))
        tallies = [item for item in (self.tally, other.tally) if item is not None]
        return replace(self, ranges=tuple(ranges), tally=added(*tallies) if tallies else None)


Counts = Mapping[str, KindCounts]
"""Name of each kind -> its counts."""


def read_counts(file: Path) -> dict[str, KindCounts]:
    """Read what was counted; nothing where there is no such file.

    Raises:
        OutputError: If it is not what this version writes.
    """
    if not file.exists():
        return {}
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data.get("counts_version") != COUNTS_VERSION:
            raise ValueError(f"counts_version must be {COUNTS_VERSION}")
        return TypeAdapter(dict[str, KindCounts]).validate_python(data["kinds"])
    except (OSError, ValueError, AttributeError, KeyError) as error:
        said = str(error).splitlines()[0]
        raise OutputError(f"cannot read {file} ({said}); delete it, and counting begins anew") from None


def write_counts(file: Path, counts: Counts) -> None:
    """Write them, each kind on a line of its own, so that it is there completely or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    lines = ",\n".join(f"{json.dumps(name)}: {_line(item)}" for name, item in sorted(counts.items()))
    write_whole(file, f'{{"counts_version": {COUNTS_VERSION}, "kinds": {{\n{lines}\n}}}}\n')


def _line(item: KindCounts) -> str:
    data: dict[str, Any] = {"key": item.key, "ranges": item.ranges, "tally": item.tally}
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def of_these_keys(counts: Counts, keys: Mapping[str, str]) -> tuple[dict[str, KindCounts], list[str]]:
    """Counts to go on from, empty ones where there are none, and the kinds of which there were others.

    Args:
        counts: From a file.
        keys: Name of each kind -> what its simulations are computed with now.
    """
    stale = [name for name, key in keys.items() if name in counts and counts[name].key != key]
    known = {
        name: counts[name] if name in counts and name not in stale else KindCounts(key)
        for name, key in keys.items()
    }
    return known, stale


def merge(counts: dict[str, KindCounts], parts: Iterable[Path]) -> None:
    """Add what was counted elsewhere.

    Args:
        counts: Of today's keys; changed.
        parts: Files; kinds that are not in `counts` are left alone.

    Raises:
        OutputError: If a part is no such file, was computed with something else, or has a simulation that is
            there already.
    """
    for part in parts:
        if not part.exists():
            raise OutputError(f"cannot read {part}: no such file")
        for name, item in read_counts(part).items():
            if name not in counts:
                continue
            if item.key != counts[name].key:
                raise OutputError(f"{part}: {name!r} was simulated with other code, or as another layer")
            try:
                counts[name] = counts[name].plus(item)
            except ValueError as error:
                raise OutputError(f"{part}: of {name!r} {error}: give it other numbers (first=)") from None


def rounds(counts: Counts, first: int, stop: int, size: int) -> Iterable[tuple[str, Range]]:
    """What is left to do: every kind a little, again and again, so that each stop leaves a balanced table.

    Args:
        counts: Of every kind, in the order in which they come.
        first: Number of the first simulation.
        stop: Number after the last.
        size: Simulations at a time.
    """
    names: Sequence[str] = tuple(counts)
    before = {name: counts[name] for name in names}
    for start in range(first, stop, size):
        for name in names:
            for gap in before[name].missing(start, min(start + size, stop)):
                yield name, gap
