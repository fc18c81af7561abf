"""The report of a run: status and verdict first, then everything a reviewer may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypotest.pages.document import Document, Heading, Part, Table, document, table
from hypotest.pages.inline import Inline, strong, term
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.registration.titles import as_asked
from hypotest.report.glossary import glossary, ordinary
from hypotest.report.ladder import ladder_section, level_of
from hypotest.report.numbers import opponent_text, prediction_text
from hypotest.report.picture import Picture, figures_of
from hypotest.report.reworded import reworded
from hypotest.report.sections.assumptions import assumptions_section
from hypotest.report.sections.citation import citation_section
from hypotest.report.sections.contexts import contexts_section
from hypotest.report.sections.damage import damage_section
from hypotest.report.sections.material import (
    ablation_section,
    corpus_section,
    group_section,
    heads_section,
    implausible,
    limitations_section,
)
from hypotest.report.sections.members import members_table
from hypotest.report.sections.methods import methods_section
from hypotest.report.sections.placebos import placebo_section
from hypotest.report.sections.predictions import prediction_section
from hypotest.report.sections.provenance import provenance_section
from hypotest.report.sections.registration import deviations_section, status_line
from hypotest.report.sections.splits import splits_section
from hypotest.report.text import capital
from hypotest.report.verdict_words import TONES, sceptic_words, stances_in_words, verdict_line, verdict_words


def run_page(results: Results, manifest: Mapping[str, Any], figures: Sequence[Picture]) -> Document:
    """The report of a run.

    Args:
        results: The run.
        manifest: Hashes, versions, seeds, durations, hardware; nested as it likes.
        figures: What lies in ``figures/`` beside the report.

    Raises:
        OutputError: If the protocol inside the results is not one of this version.
    """
    names = Conditions(*results.corpus.conditions)
    page = document(_parts(results, manifest, figures), glossary(names), ordinary(names))
    return reworded(page, results.corpus.words)


def _parts(results: Results, manifest: Mapping[str, Any], figures: Sequence[Picture]) -> Iterator[Part]:
    yield status_line(results.registration)
    yield Heading(as_asked(results.title), 1)
    yield from implausible(results)
    yield Heading("Verdict")
    yield verdict_line(results)
    yield from verdict_words(results)
    yield sceptic_words(results)
    yield from hypotheses(results)
    yield from figures_of(figures, "verdict")
    yield from deviations_section(results.registration)
    yield from group_section(results)
    yield from figures_of(figures, "group")
    yield from members_table(results)
    yield from corpus_section(results, figures)
    yield from contexts_section(results)
    yield Heading("Predictions")
    yield from overview(results)
    for item in results.predictions:
        yield from prediction_section(
            item, figures, Conditions(*results.corpus.conditions), level_of(results)
        )
    yield from ladder_section(results, figures)
    yield from splits_section(results)
    yield from placebo_section(results)
    yield from heads_section(results, figures)
    yield from methods_section(results, manifest)
    yield from citation_section(manifest)
    yield from limitations_section(results)
    yield from assumptions_section(results)
    yield from ablation_section(results)
    yield from damage_section(results)
    yield from provenance_section(results, manifest)


def overview(results: Results) -> Iterator[Part]:
    """The table of all predictions, with the same numbers as on the console."""
    hypotheses = tuple(dict.fromkeys(name for item in results.predictions for name in item.stances))
    intervals = [item.interval for item in results.predictions if item.interval]
    coverage = f"{100 * intervals[0].level:g} % interval" if intervals else "interval"
    yield table(
        [
            "prediction",
            "observed",
            "compared with",
            (term("reference"), " (SD)"),
            (term("effect"), f", {coverage}"),
            "p",
            "adjusted p",
            "outcome",
            *hypotheses,
        ],
        [
            (*_cells(item), *(item.stances.get(name, "silent") for name in hypotheses))
            for item in results.predictions
        ],
        numeric=(1, 3, 4, 5, 6),
    )
    if any(prediction_text(item).of_equivalence for item in results.predictions):
        yield "‡ p of the equivalence test (two one-sided tests), on which that outcome rests."


def _cells(item: PredictionResult) -> tuple[Inline, ...]:
    numbers = prediction_text(item)
    sign = "‡" if numbers.of_equivalence else ""
    return (
        item.id + ("" if item.role == "deciding" else f" ({item.role})"),
        numbers.observed,
        opponent_text(item.against),
        numbers.reference,
        numbers.effect + ("" if item.interval is None else f" {numbers.interval}"),
        numbers.p + sign,
        "" if item.p_adjusted is None else f"{numbers.p_adjusted}{sign}",
        strong(item.outcome),
    )


def hypotheses(results: Results) -> Iterator[Part]:
    """Each with its status and the predictions on which that rests, and what the words mean."""
    yield _verdict_table(results)
    yield _verdict_words(results)


def _verdict_words(results: Results) -> str:
    refuting = (
        "beyond correction: also after its p-value is corrected for the number of predictions that decide"
        if any(item.contradicted_by for item in results.verdicts)
        else ""
    )
    said = "; ".join(filter(None, (refuting, stances_in_words(results))))
    return f"{capital(said)}." if said else ""


def _verdict_table(results: Results) -> Table:
    def names(ids: tuple[str, ...]) -> str:
        return ", ".join(ids) or "none"

    return table(
        [
            "hypothesis",
            "status",
            "supported by",
            "contradicted by",
            "of these beyond correction",
            "open",
            "silent",
        ],
        [
            (
                item.hypothesis,
                strong(item.status, TONES.get(item.status, "careful")),
                names(item.supported_by),
                names(item.contradicted_by),
                names(item.refuted_by),
                names(item.open),
                names(item.silent),
            )
            for item in results.verdicts
        ],
    )
