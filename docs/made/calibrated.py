"""What calibration found of a measure or a null."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from docs.made.text import paragraphs, percent, table
from hypotest.errors import ProtocolError
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.studies.calibration.calibrate import read_calibration
from hypotest.studies.calibration.protocols import alone
from hypotest.studies.calibration.rates import binomial_rate
from hypotest.studies.calibration.record import BY_T, Calibration, Cell

REPORTS = Path(__file__).parents[2] / "reports"
RESULT = REPORTS / "calibration" / "calibration.json"
ON_NETWORKS = REPORTS / "controls" / "measures.json"


@cache
def calibration() -> Calibration:
    """The committed one."""
    return read_calibration(RESULT)


def rejections(heading: str, of: Callable[[Cell], bool], key: Callable[[Cell], str], unsimulated: str) -> str:
    """How often tests reject where nothing is planted: one row for each key, all kinds of layer together.

    Args:
        heading: Of the first column.
        of: Whether a test belongs on the page.
        key: The row that it belongs to.
        unsimulated: What is said where there is none.
    """
    cells = [(item.name, cell) for item in calibration().scenarios for cell in item.cells if of(cell)]
    rows = []
    for name in dict.fromkeys(key(cell) for _, cell in cells):
        mine = [(layer, cell) for layer, cell in cells if key(cell) == name]
        claimed = [cell.rejected for _, cell in mine if cell.claimed]
        hard = [(cell.rejected.value, layer, cell.rejected) for layer, cell in mine if not cell.claimed]
        true = "none"
        if claimed:
            true = percent(binomial_rate(sum(one.count for one in claimed), sum(one.n for one in claimed)))
        worst = max(hard, key=lambda item: item[0], default=None)
        rows.append((in_words(name), true, f"{percent(worst[2])}: {worst[1]}" if worst else "none"))
    if not rows:
        return paragraphs("## Calibration", unsimulated)
    note = (
        "Per cent of simulated layers on which the test rejects at 5 %, with 99 % intervals, where nothing is "
        "planted. *Claimed*: its null hypothesis is true, so that 5 % is right. *Hardest*: it is not, and the "
        "test is no fair one there. [All of it](../results/calibration.md)."
    )
    return paragraphs("## Calibration", note, table([heading, "claimed", "hardest"], rows))


def measure_unsimulated(measure: str) -> str:
    """What it means that no row of the committed calibration is of a measure, and what to do."""
    try:
        alone(measure)
        command = f"`hypotest calibrate --measure {measure}`"
    except ProtocolError:
        command = "`hypotest calibrate --protocol FILE`, with a protocol that declares a number for it,"
    known = (
        "Networks whose organisation is known say what it tells apart "
        "([how well](../results/known-networks.md)); that is no rate of errors. "
    )
    interval = (
        ""
        if MEASURES[measure].no_interval
        else ", and whether its interval holds the truth as often as it says,"
    )
    return (
        f"**No test of `{measure}` has been simulated**: [the committed calibration](../results/calibration.md) "
        f"has no row of it. How often it is significant where there is nothing{interval} is not known. Take a p near "
        f"the level for weak, and do not rest a verdict on it alone. {known if measure in tried_on_networks() else ''}{command} simulates it."
    )


def null_unsimulated(null: str) -> str:
    """What it means that no row of the committed calibration is of a null, and why."""
    reasons = {
        item.partition(": ")[0]: item.partition(": ")[2]
        for one in calibration().protocols
        for item in one.left_out
    }
    why = f": {reasons[null]}" if null in reasons else ""
    meaning = (
        "No rate of errors is claimed for it"
        if NULLS[null].never_decides
        else "How often such a test is significant where there is nothing is not known: let another null decide"
    )
    return (
        f"**No test against `{null}` has been simulated**{why}. {meaning}; read its p as a description. What was "
        "simulated: [calibration](../results/calibration.md)."
    )


@cache
def tried_on_networks() -> frozenset[str]:
    """Measures that the committed networks of known organisation have values of."""
    records = json.loads(ON_NETWORKS.read_text(encoding="utf-8"))["records"]
    return frozenset(item["measure"] for item in records if any(item["values"].values()))


def in_words(name: str) -> str:
    """Name of a null, or what stands for one."""
    return "by t" if name == BY_T else name
