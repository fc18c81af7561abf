"""A network beside versions of it without a part of it, trained on the same data: what each can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Heading, Part, table
from hypotest.report.numbers import fixed
from hypotest.studies.controls.record import ControlResult
from hypotest.subjects.controls.registry import CONTROLS

BASELINE = "concatenation"
"""The version that the others are compared with, seed by seed: no fusion but putting vectors side by side."""
_DETAIL = ": "


def versions_of(result: ControlResult) -> list[str]:
    """Names of the versions that were trained beside a network, itself among them; none of most."""
    last = result.examined[0].truth.log[-1] if result.examined[0].truth.log else {}
    return list(dict.fromkeys(name.split(_DETAIL)[0] for name in last if _DETAIL in name))


def version_tables(results: Sequence[ControlResult]) -> Iterator[Part]:
    """For each training of several versions their scores over seeds, and each against the baseline.

    Args:
        results: Of networks; those that share a training are shown once.
    """
    first: dict[str, ControlResult] = {}
    for item in results:
        if item.trained and versions_of(item):
            first.setdefault(CONTROLS[item.control].recipe.name, item)
    if first:
        yield Heading("Versions of the same network")
        yield (
            "What each version can do, trained on the same data: mean over seeds, and the range where there "
            f"are several. Against {BASELINE}: the difference seed by seed, and at how many seeds the "
            "version is better."
        )
    for name, item in first.items():
        yield Heading(name, 3)
        yield f"Score: {CONTROLS[item.control].score}."
        yield _table(item)


def _table(result: ControlResult) -> Part:
    logs = [item.truth.log[-1] for item in result.examined]
    versions = versions_of(result)
    details = list(dict.fromkeys(name.split(_DETAIL, 1)[1] for name in logs[0] if _DETAIL in name))
    rows = []
    for name in versions:
        above = [log[name] - log[BASELINE] for log in logs]
        wins = f"{sum(item > 0 for item in above)}/{len(above)}"
        rows.append(
            (
                name,
                _over_seeds([log[name] for log in logs], 3),
                "-" if name == BASELINE else f"{_over_seeds(above, 4)}, {wins}",
                *(_mean([log[f"{name}{_DETAIL}{detail}"] for log in logs]) for detail in details),
            )
        )
    return table(
        ["version", "score", f"against {BASELINE}", *details], rows, numeric=range(1, 3 + len(details))
    )


def _over_seeds(values: Sequence[float], digits: int) -> str:
    mean = fixed(sum(values) / len(values), digits)
    if len(values) == 1:
        return mean
    return f"{mean} [{fixed(min(values), digits)}, {fixed(max(values), digits)}]"


def _mean(values: Sequence[float]) -> str:
    return fixed(sum(values) / len(values), 2)
