"""The tested neurons one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Details, Part, blocks, table
from hypotest.pages.inline import Inline
from hypotest.records.results.group_result import Member
from hypotest.records.results.results import Results
from hypotest.report.numbers import count_text, significant

MOST_ROWS = 200
"""Neurons of a table; results.json has all of them."""


def members_table(results: Results) -> Iterator[Part]:
    """Influence and activation of each neuron of the group; nothing where the group is not described."""
    members = results.members
    if not members:
        return
    called = results.group.called or tuple(str(item.neuron) for item in members)
    yield Details(
        f"The {count_text(len(members))} neurons one by one",
        blocks(_explained(results, called)),
    )


def _explained(results: Results, called: Sequence[str]) -> Iterator[Part]:
    members, (first, second) = results.members, results.corpus.conditions
    left = len(members) - MOST_ROWS
    yield (
        "On the evaluation split; influence is the mean size of the change of loss when the neuron is "
        "ablated, in nats."
        + (
            f" The first {MOST_ROWS} of the ranking; results.json has the other {count_text(left)}."
            if left > 0
            else ""
        )
    )
    ablated = any(item.influence != (None, None) for item in members)
    selected = bool(results.group.control_neurons)
    yield table(
        [
            "rank",
            "neuron",
            *((f"influence, {first}", f"influence, {second}", "ratio") if ablated else ()),
            f"activation, {first}",
            f"activation, {second}",
            *((f"also selected for {second}",) if selected else ()),
        ],
        [
            _row(place, name, item, ablated, selected)
            for place, (name, item) in enumerate(zip(called, members, strict=False), start=1)
            if place <= MOST_ROWS
        ],
        numeric=(0, *(range(2, 7) if ablated else (2, 3))),
        sorts=True,
    )


def _row(place: int, name: str, item: Member, ablated: bool, selected: bool) -> list[Inline]:
    first, second = item.influence
    ratio = significant(first / second, 3) if first is not None and second else ""
    return [
        str(place),
        name,
        *((significant(first, 3), significant(second, 3), ratio) if ablated else ()),
        *(significant(value, 3) for value in item.activation),
        *(("yes" if item.in_both else "no",) if selected else ()),
    ]
