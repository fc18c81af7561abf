"""The report on known networks, and its tables in docs: ``make controls``."""

import sys
from collections import Counter

from pydantic import TypeAdapter

from hypotest.pages.document import document
from hypotest.pages.markdown import markdown
from hypotest.studies.controls.kept import read_records
from hypotest.studies.controls.measures import measured_of, separations
from hypotest.studies.controls.measures_page import LEGEND, separation_table
from hypotest.studies.controls.page import by_network, verdict_table
from hypotest.studies.controls.record import ControlResult, Examined, MeasuredNetwork, Separation
from hypotest.studies.controls.study import results_of
from tests.example import command
from tests.texts import ROOT, put

RESULT = ROOT / "reports" / "controls" / "controls.json"
MEASURED = RESULT.with_name("measures.json")
MARK, MEASURES_MARK = "controls", "controls-measures"
"""Of its tables in docs."""
BOTH_KNOWN = "two-tasks"
"""The protocol that has networks known to be modular and networks known to be distributed."""


def results() -> tuple[ControlResult, ...]:
    """What the report was written from."""
    return results_of(read_records(RESULT, TypeAdapter(tuple[Examined, ...])))


def summary() -> str:
    """How many verdicts are right, and the table."""
    every = results()
    rates = [item.rate for item in every if item.rate is not None]
    right, judged = sum(rate.count for rate in rates), sum(rate.n for rate in rates)
    numbers = {len(item.examined) for item in every}
    seeds = " to ".join(str(number) for number in sorted({min(numbers), max(numbers)}))
    wrong = [item.name for item, _ in by_network(every) if item.rate and item.rate.count < item.rate.n]
    text = (
        f"With {seeds} seeds of each network {right} of {judged} verdicts are right, those before training "
        f"included; the wrong ones ({', '.join(wrong)}) are explained in the report."
    )
    return markdown(*document([text, verdict_table(every)]).blocks)


def kinds_of_wrong() -> Counter[str]:
    """How verdicts are wrong: what they conclude, of all that are judged."""
    kinds: Counter[str] = Counter()
    for result in results():
        for item, right in zip(result.examined, result.right, strict=True):
            if right == "wrong":
                statuses = set(item.verdict.statuses.values())
                if statuses <= {"undecided", "not applicable"}:
                    kinds["nothing"] += 1
                elif "supported" in statuses:
                    assert item.truth.distance is not None and 0.25 < item.truth.distance < 0.75, result.name
                    kinds["half-way"] += 1
                else:
                    kinds["both" if statuses == {"refuted"} else "one"] += 1
    return kinds


def separated() -> list[Separation]:
    """What measures tell apart among networks of two tasks."""
    records = read_records(MEASURED, TypeAdapter(tuple[MeasuredNetwork, ...]))
    return [item for item in separations(measured_of(records)) if item.protocol == BOTH_KNOWN]


def measures_summary() -> str:
    """The table of measures, with what its columns are."""
    return markdown(*document([separation_table(separated()), LEGEND]).blocks)


def main() -> None:
    """Train and examine what is not there yet, write the report, and copy its tables into docs."""
    command("controls", "--out", str(RESULT.parents[1]), *sys.argv[1:])
    put(summary(), MARK)
    put(measures_summary(), MEASURES_MARK)


if __name__ == "__main__":
    main()
