"""What calibration found of a measure or a null."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from docs.made.text import paragraphs, percent, table
from hypotest.studies.calibration.calibrate import read_calibration
from hypotest.studies.calibration.rates import binomial_rate
from hypotest.studies.calibration.record import BY_T, Calibration, Cell

RESULT = Path(__file__).parents[2] / "reports" / "calibration" / "calibration.json"


@cache
def calibration() -> Calibration:
    """The committed one."""
    return read_calibration(RESULT)


def rejections(heading: str, of: Callable[[Cell], bool], key: Callable[[Cell], str]) -> str:
    """How often tests reject where nothing is planted: one row for each key, all kinds of layer together."""
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
        return paragraphs(
            "## Calibration",
            "Nothing of it is in the committed calibration. `hypotest calibrate --measure NAME` simulates a measure "
            "alone, `hypotest calibrate --protocol FILE` the tests of a protocol with its nulls.",
        )
    note = (
        "Per cent of simulated layers on which the test rejects at 5 %, with 99 % intervals, where nothing is "
        "planted. *Claimed*: its null hypothesis is true, so that 5 % is right. *Hardest*: it is not, and the "
        "test is no fair one there. [All of it](../results/calibration.md)."
    )
    return paragraphs("## Calibration", note, table([heading, "claimed", "hardest"], rows))


def in_words(name: str) -> str:
    """Name of a null, or what stands for one."""
    return "by t" if name == BY_T else name
