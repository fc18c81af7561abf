"""What ``hypotest controls --measure`` prints and leaves behind: ``measures.md``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Document, Heading, Part, Table, document, table
from hypotest.pages.markdown import PAGE
from hypotest.records.stored.files import write_whole
from hypotest.report.numbers import fixed, significant
from hypotest.studies.controls.record import Measured, MeasuredControls, Separation

LEGEND = (
    "known: area under the curve between networks known to be modular and known to be distributed, over "
    "seeds (1: the measure is always greater where a network is modular; 0: always less; 0.5: it does not "
    "tell). lesions: rank correlation with the distance of single lesions, over all trained networks. "
    "learned: area between trained networks and the same before training. against: in SDs of that null. "
    "Where a group is measured, it is the one that the first condition selects."
)


def write_measures(result: MeasuredControls) -> None:
    """Write ``measures.md`` beside ``measures.json``.

    Raises:
        OutputError: If it cannot be written.
    """
    write_whole(result.folder / "measures.md", PAGE.render(measures_page(result), result.folder))


def measures_page(result: MeasuredControls) -> Document:
    """The table of measures, and the values of each in every network."""
    return document(_parts(result))


def _parts(result: MeasuredControls) -> Iterator[Part]:
    yield Heading("What measures tell apart", 1)
    for protocol in dict.fromkeys(item.protocol for item in result.separations):
        yield Heading(protocol)
        yield separation_table([item for item in result.separations if item.protocol == protocol])
    yield LEGEND
    if result.stale:
        yield f"{result.stale} values were computed before the last change of code, network or protocol."
    yield Heading("Values")
    for protocol, statistic in dict.fromkeys((item.protocol, item.statistic) for item in result.measured):
        own_values = [
            item for item in result.measured if (item.protocol, item.statistic) == (protocol, statistic)
        ]
        yield Heading(f"{statistic} ({protocol})", 3)
        yield table(
            ["network", "lesions", "value", "before training"],
            [
                (
                    name,
                    _mean([item.distance for item in own_values if item.control == name and item.trained]),
                    _mean([item.value for item in own_values if item.control == name and item.trained]),
                    _mean([item.value for item in own_values if item.control == name and not item.trained]),
                )
                for name in _by_distance(own_values)
            ],
            numeric=(1, 2, 3),
        )


def separation_table(separations: Sequence[Separation]) -> Table:
    """What each statistic tells apart; a row for each."""
    return table(
        ["measure", "known", "lesions", "learned", "defined"],
        [
            (
                item.statistic,
                fixed(item.modular_distributed, 2),
                fixed(item.with_lesions, 2),
                fixed(item.trained_untrained, 2),
                f"{item.n - item.undefined}/{item.n}",
            )
            for item in separations
        ],
        numeric=range(1, 5),
    )


def _by_distance(measured: Sequence[Measured]) -> list[str]:
    """Networks from those whose tasks are furthest apart on."""
    distances: dict[str, list[float]] = {}
    for item in measured:
        if item.trained:
            distances.setdefault(item.control, []).append(item.distance or 0.0)
    return sorted(distances, key=lambda name: -sum(distances[name]) / len(distances[name]))


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    mean = significant(sum(known) / len(known))
    return mean if len(known) == 1 else f"{mean} [{significant(min(known))}, {significant(max(known))}]"
