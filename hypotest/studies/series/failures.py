"""Members of a series that failed, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypotest.errors import error_line
from hypotest.studies.series.names import MemberName


@dataclass(frozen=True, slots=True)
class Failure:
    """A member that failed."""

    name: MemberName
    error: Exception
    n_members: int = 1
    """That it stands for."""


def failure_lines(failures: Sequence[Failure], finished: Sequence[MemberName]) -> dict[str, int]:
    """What is said of members that failed -> how many a line stands for.

    Where all layers of the same weights failed with the same, that is said once.

    Args:
        failures: In the order of the members.
        finished: Members that did not fail.
    """
    lines: dict[str, int] = {}
    there = {name.together for name in finished}
    for together in dict.fromkeys(item.name.together for item in failures):
        own = [item for item in failures if item.name.together == together]
        whys = {error_line(item.error) for item in own}
        if len(own) > 1 and len(whys) == 1 and together not in there:
            lines[f"{together}: {whys.pop()}"] = sum(item.n_members for item in own)
        else:
            lines |= {f"{item.name.shown}: {error_line(item.error)}": item.n_members for item in own}
    return lines
