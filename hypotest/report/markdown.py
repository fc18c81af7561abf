"""The report as Markdown: status and verdict first, then everything a reviewer may ask for.

Names from outside are escaped; tables are GitHub's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypotest.records.results import Results
from hypotest.report.ladder import ladder_section
from hypotest.report.material import (
    ablation_section,
    corpus_section,
    group_section,
    heads_section,
    implausible,
    limitations_section,
    provenance_section,
)
from hypotest.report.methods import methods_section
from hypotest.report.numbers import prediction_text
from hypotest.report.picture import Picture
from hypotest.report.predictions import prediction_section
from hypotest.report.registration import deviations_section, status_line
from hypotest.report.splits import splits_section
from hypotest.report.tables import figure, table
from hypotest.report.text import escape_markdown
from hypotest.report.verdict_words import verdict_words


def render_report(results: Results, manifest: Mapping[str, Any], figures: Sequence[Picture]) -> str:
    """Write the report of a run.

    Args:
        results: The run.
        manifest: Hashes, versions, seeds, durations, hardware; nested as it likes.
        figures: What lies in ``figures/`` beside the report.

    Returns:
        GitHub-flavoured Markdown that ends with a line break.

    Raises:
        OutputError: If the protocol inside the results is not one of this version.
    """
    parts = [
        *status_line(results.registration),
        f"# {escape_markdown(results.title)}",
        *implausible(results),
        *_verdict(results, figures),
        *deviations_section(results.registration),
        *ladder_section(results, figures),
        *splits_section(results),
        "## Predictions",
        overview(results),
        *(line for item in results.predictions for line in prediction_section(item, figures)),
        *group_section(results),
        *ablation_section(results),
        *corpus_section(results, figures),
        *heads_section(results, figures),
        *methods_section(results, manifest),
        *limitations_section(results),
        *provenance_section(results, manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def overview(results: Results) -> str:
    """The table of all predictions, with the same numbers as on the console."""
    hypotheses = tuple(dict.fromkeys(name for item in results.predictions for name in item.stances))
    intervals = [item.interval for item in results.predictions if item.interval]
    coverage = f"{100 * intervals[0].level:g} % interval" if intervals else "interval"
    head = [
        "prediction",
        "observed",
        "compared with",
        "reference (SD)",
        f"effect, {coverage}",
        "p",
        "adjusted p",
        "outcome",
        *(escape_markdown(name) for name in hypotheses),
    ]
    rows = []
    for item in results.predictions:
        numbers = prediction_text(item)
        role = "" if item.role == "deciding" else f" ({item.role})"
        interval = "" if item.interval is None else f" {numbers.interval}"
        sign = "‡" if numbers.of_equivalence else ""
        adjusted = "" if item.p_adjusted is None else f"{numbers.p_adjusted}{sign}"
        rows.append(
            [
                escape_markdown(item.id) + role,
                numbers.observed,
                escape_markdown(item.against) + (f", in {escape_markdown(item.unit)}" if item.unit else ""),
                numbers.reference,
                numbers.effect + interval,
                numbers.p + sign,
                adjusted,
                f"**{item.outcome}**",
                *(item.stances.get(name, "silent") for name in hypotheses),
            ]
        )
    text = table(head, rows, numeric=(1, 3, 4, 5, 6))
    if any(prediction_text(item).of_equivalence for item in results.predictions):
        text += "\n\n‡ p of the equivalence test (two one-sided tests), on which that outcome rests."
    return text


def _verdict(results: Results, figures: Sequence[Picture]) -> Iterable[str]:
    yield "## Verdict"
    yield verdict_words(results)
    yield f"**{escape_markdown(results.verdict_line)}**"
    yield _verdict_table(results)
    yield from figure(figures, "verdict")


def _verdict_table(results: Results) -> str:
    def names(ids: tuple[str, ...]) -> str:
        return ", ".join(escape_markdown(name) for name in ids) or "none"

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
            [
                escape_markdown(item.hypothesis),
                f"**{item.status}**",
                names(item.supported_by),
                names(item.contradicted_by),
                names(item.refuted_by),
                names(item.open),
                names(item.silent),
            ]
            for item in results.verdicts
        ],
    )
