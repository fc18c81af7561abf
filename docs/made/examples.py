"""What a measure or a null looks like in the reports that are committed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from docs.made.text import paragraphs
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
    for file in _runs():
        results = read_results(file)
        for number, item in enumerate(results.predictions, start=1):
            figure = file.parent / "figures" / f"{prediction_picture(number, item.id)}.png"
            for rung in item.ladder if figure.exists() else ():
                key = (rung.null, rung.null == item.reference and rung is item.ladder[0])
                said = f'*{item.id}* of "{results.title}" among its draws, beside those of others'
                sections.setdefault(
                    key,
                    paragraphs(
                        "## Example",
                        f"{said} ([report]({_from_page(file.parent / 'report.html')})).",
                        f"![{item.id}: {item.title}]({_from_page(figure)})",
                    ),
                )
    return sections


def _runs() -> list[Path]:
    return [file for name in REPORTS for file in sorted((ROOT / "reports").glob(f"{name}/*/results.json"))]


@cache
def _examples() -> dict[str, str]:
    """Measure -> the section of its page."""
    sections: dict[str, str] = {}
    for file in _runs():
        results = read_results(file)
        for number, item in enumerate(results.predictions, start=1):
            name = prediction_picture(number, item.id)
            figures = sorted(file.parent.glob(f"figures/{name}-*.png"))
            figures += file.parent.glob(f"figures/{name}.png")
            if item.measure in sections or not figures:
                continue
            said = f'*{item.id}* of "{results.title}": {item.outcome}'
            sections[item.measure] = paragraphs(
                "## Example",
                f"{said} ([report]({_from_page(file.parent / 'report.html')})).",
                *(f"![{item.id}: {item.title}]({_from_page(figure)})" for figure in figures),
            )
    return sections


def _from_page(file: Path) -> str:
    """A path as a page of a noun has it, two folders down."""
    return f"../../{file.relative_to(ROOT).as_posix()}"
