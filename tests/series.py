"""The committed series: over the reference model's training, and over SmolLM2's last layers.

    python -m tests.series training FOLDER
    python -m tests.series smollm2-layers FOLDER

Copied are a series' numbers; page and figure are made of them. Its runs, each of some megabytes, are not in
the repository: `hypotest reference train` and `hypotest run protocols/training/reference.yaml`, and
`hypotest run protocols/smollm2/layers.yaml`, make them again.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from hypotest.pages.document import table
from hypotest.pages.inline import Inline, code, strong
from hypotest.pages.markdown import markdown
from hypotest.report.numbers import p_text
from hypotest.studies.series.page import write_series
from hypotest.studies.series.record import Point, SeriesResult
from tests.texts import ROOT, put

TRAINING = ROOT / "reports" / "training"
LAYERS = ROOT / "reports" / "smollm2-layers"
SAYS = {
    "specialization": "such neurons emerge",
    "coordination": "they come to act together",
    "segregation": "and apart from other neurons",
    "spectrum": "their weights become heavy-tailed",
}
"""What arXiv:2505.12822 says of a prediction's course, in its abstract."""


def read_series(folder: Path) -> SeriesResult:
    """A series as its ``series/series.json`` holds it."""
    data = json.loads((folder / "series" / "series.json").read_text(encoding="utf-8"))
    del data["schema_version"]
    return replace(TypeAdapter(SeriesResult).validate_python({**data, "folder": folder}), folder=folder)


def training() -> str:
    """Each predicted course: claimed, at the first and last checkpoint, tau, and what it withstands."""
    series = read_series(TRAINING)
    points = {course.prediction: course.points for course in series.courses}
    rows: list[tuple[Inline, ...]] = [
        (
            code(item.prediction),
            SAYS.get(item.prediction, "not in the paper"),
            *(f"{points[item.prediction][place].effect:.1f}" for place in (0, -1)),
            f"{item.tau:+.2f}",
            p_text(item.p_value)
            + ("" if item.p_adjusted is None else f", adjusted {p_text(item.p_adjusted)}"),
            strong(item.outcome) if item.p_adjusted is not None else item.outcome,
            "" if item.tolerates is None else f"{item.tolerates:.2f}",
            "never" if item.leaves_at is None else f"{item.leaves_at:,}",
        )
        for item in series.trends
    ]
    head = [
        "prediction",
        "claimed",
        "first (SD)",
        "last (SD)",
        "tau",
        "p",
        "trend",
        "withstands",
        "leaves the null at",
    ]
    return markdown(table(head, rows, numeric=(2, 3, 4)))


def layers() -> str:
    """Each prediction at each layer: outcome, and effect with its 95 % interval."""
    series = read_series(LAYERS)
    rows: list[tuple[Inline, ...]] = [
        (
            code(course.prediction),
            "SD" if course.in_null_sd else "its own",
            *((strong(point.outcome), _effect(point)) for point in course.points),
        )
        for course in series.courses
    ]
    verdicts = (
        ", ".join(f"{name} {status}" for name, status in item.alone.items()) for item in series.members
    )
    rows.append(("verdicts", "", *verdicts))
    return markdown(table(["prediction", "unit", *(item.name for item in series.members)], rows))


def _effect(point: Point) -> str:
    if point.effect is None:
        return ""
    interval = "" if point.interval is None else " [{:.2f}, {:.2f}]".format(*point.interval)
    return f": {point.effect:.2f}{interval}"


COMMITTED = {TRAINING: training, LAYERS: layers}
"""Where a series lies -> what makes its table, whose mark has the folder's name."""


def main() -> None:
    """Take over the numbers of a series, and write page, figure and table."""
    name, given = sys.argv[1:]
    folder = ROOT / "reports" / name
    with tempfile.TemporaryDirectory() as kept:
        copy = Path(kept) / "series.json"
        shutil.copy(Path(given) / "series" / "series.json", copy)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "series").mkdir(parents=True)
        shutil.copy(copy, folder / "series")
    write_series(read_series(folder))
    put(COMMITTED[folder](), name)


if __name__ == "__main__":
    main()
