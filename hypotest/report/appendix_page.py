"""What a paper's appendix takes from a run: verdicts, predictions, the ladder, methods, limitations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypotest.pages.document import Document, Figure, Heading, Part, document
from hypotest.records.results.results import Results
from hypotest.registration.titles import as_asked
from hypotest.report.ladder import LADDER_SECTION, ladder_section
from hypotest.report.picture import Picture, figures_of
from hypotest.report.reworded import reworded
from hypotest.report.run_page import hypotheses, overview
from hypotest.report.sections.material import implausible, limitations_section
from hypotest.report.sections.methods import methods_section
from hypotest.report.sections.registration import deviations_section, status_line
from hypotest.report.verdict_words import sceptic_words, verdict_line, verdict_words

SECTIONS = ("verdict", LADDER_SECTION)
"""Whose figures it has."""


def appendix_page(
    results: Results, manifest: Mapping[str, Any], figures: Sequence[Picture], folder: str = "figures"
) -> Document:
    """An appendix about a run.

    Args:
        results: The run.
        manifest: As for `hypotest.report.run_page.run_page`.
        figures: What lies beside the page; those of `SECTIONS` are shown.
        folder: Where they lie, from the page.

    Raises:
        OutputError: If the protocol inside the results is not one of this version.
    """
    parts = (_moved(part, folder) for part in _parts(results, manifest, figures))
    return reworded(document(parts), results.corpus.words)


def _moved(part: Part, folder: str) -> Part:
    """Figures of a report lie in one folder; those of a paper's appendices must not overwrite each other."""
    if not isinstance(part, Figure):
        return part
    return replace(part, path=f"{folder}/{part.path.rpartition('/')[2]}")


def _parts(results: Results, manifest: Mapping[str, Any], figures: Sequence[Picture]) -> Iterator[Part]:
    yield Heading(as_asked(results.title), 1)
    yield status_line(results.registration)
    yield from implausible(results)
    yield Heading("Verdict")
    yield verdict_line(results)
    yield from verdict_words(results)
    yield from hypotheses(results)
    yield sceptic_words(results)
    yield from figures_of(figures, "verdict")
    yield from deviations_section(results.registration)
    yield Heading("Predictions")
    yield from overview(results)
    yield from ladder_section(results, figures)
    yield from methods_section(results, manifest)
    yield from limitations_section(results)
