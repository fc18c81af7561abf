"""What a measure or a null looks like in the reports that are committed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from docs.made.text import paragraphs
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.report.export import read_results
from hypotest.report.picture import prediction_picture

ROOT = Path(__file__).parents[2]
REPORTS = (
    "rare-tokens",
    "smollm2",
    "rare-tokens-as-published",
    "smollm2-as-published",
    "registered/*",
    "experts",
)
"""Folders of runs below reports, in the order in which an example is looked for."""


def example(measure: str) -> str:
    """The figures of the first prediction about a measure, with a link to its report; empty without one.

    Args:
        measure: Its name.
    """
    return _examples().get(measure, "")


def example_of_null(null: str) -> str:
    """A prediction of a committed report that it decides, or else stands beside; empty without one.

    Args:
        null: Its name.
    """
    shown = _of_nulls()
    return shown.get((null, True)) or shown.get((null, False), "")


@cache
def _of_nulls() -> dict[tuple[str, bool], str]:
    """Null, and whether it decides there -> the section of its page."""
    sections: dict[tuple[str, bool], str] = {}
    for folder, title, number, item in _predictions():
        figure = folder / "figures" / f"{prediction_picture(number, item.id)}.png"
        said = f'*{item.id}* of "{title}" among its draws, beside those of others'
        for rung in item.ladder if figure.exists() else ():
            key = (rung.null, rung.null == item.reference and rung is item.ladder[0])
            if key not in sections:
                sections[key] = _section(folder, said, item, [figure])
    return sections


@cache
def _examples() -> dict[str, str]:
    """Measure -> the section of its page."""
    sections: dict[str, str] = {}
    for folder, title, number, item in _predictions():
        name = prediction_picture(number, item.id)
        figures = [*sorted(folder.glob(f"figures/{name}-*.png")), *folder.glob(f"figures/{name}.png")]
        if item.measure not in sections and figures:
            said = f'*{item.id}* of "{title}": {item.outcome}'
            sections[item.measure] = _section(folder, said, item, figures)
    return sections


@cache
def _predictions() -> tuple[tuple[Path, str, int, PredictionResult], ...]:
    """Folder and title of every committed run, with the number and the result of each of its predictions."""
    files = [file for name in REPORTS for file in sorted((ROOT / "reports").glob(f"{name}/*/results.json"))]
    return tuple(
        (file.parent, results.title, number, item)
        for file, results in ((file, read_results(file)) for file in files)
        for number, item in enumerate(results.predictions, start=1)
    )


def _section(folder: Path, said: str, item: PredictionResult, figures: Sequence[Path]) -> str:
    return paragraphs(
        "## Example",
        f"{said} ([report]({_from_page(folder / 'report.html')})).",
        *(f"![{item.id}: {item.title}]({_from_page(figure)})" for figure in figures),
    )


def _from_page(file: Path) -> str:
    """A path as a page of a noun has it, two folders down."""
    return f"../../{file.relative_to(ROOT).as_posix()}"
