"""What ``hypotest compare`` prints; legible from 80 columns on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from hypotest.pages.document import Column, Document, Part, Table, document, together
from hypotest.pages.inline import BREAK, INDENTED, Inline, aside, joined, lines, path, strong
from hypotest.report.numbers import fixed, range_text
from hypotest.studies.compare.record import ClaimCheck, ComparedPrediction, ComparedRun, Comparison
from hypotest.studies.compare.words import (
    INTERVALS,
    agreements_in_words,
    count_line,
    decimals_of,
    interval_of,
    measured_text,
    model_text,
    reason_lines,
    replicability_lines,
    unpooled_lines,
    untested_lines,
    weight_text,
)

_NAME_WIDTH = 24
_LAST_WIDTH = 10
"""Of ``disagrees*``, whose star would else be on a line of its own."""


def comparison_summary(comparison: Comparison) -> Document:
    """What ``hypotest compare`` prints when it is done: counts first, then claims and pooled effects."""
    return document(_summary(comparison))


def _summary(comparison: Comparison) -> Iterator[Part]:
    yield together(
        *map(_run, comparison.runs),
        *((strong("note: "), warning) for warning in comparison.warnings),
    )
    report = ("Report: ", path(comparison.folder / "comparison.md"))
    if comparison.checks:
        yield together(
            strong(f"Claims of {comparison.claims_source}: {comparison.claims_title}"),
            count_line(comparison.checks),
            aside(agreements_in_words(comparison.checks)),
        )
    if shared := replicability_lines(comparison):
        yield together(strong("Shown in how many models"), *(f"- {line}" for line in shared))
    if comparison.checks:
        yield together(
            *(part for run in comparison.runs for part in _claims(comparison, run)),
            *(aside(f"- {line}") for line in reason_lines(comparison.checks)),
        )
    if comparison.predictions:
        below = (INTERVALS.replace("`", ""), *unpooled_lines(comparison), *untested_lines(comparison))
        yield together(_predictions(comparison), *(aside(f"- {line}") for line in below), report)
    else:
        yield report


def _run(run: ComparedRun) -> Inline:
    verdict = "; ".join(f"{name}: {status}" for name, status in run.statuses.items())
    layer = "" if run.layer is None else f", layer {run.layer}"
    return (f"{run.label}: {model_text(run)}{layer} ({run.protocol_id})", INDENTED, verdict)


def _claims(comparison: Comparison, run: ComparedRun) -> Iterator[Part]:
    """The claims beside one run, which is named where there are several."""
    if len(comparison.runs) > 1:
        yield f"{run.label}: {model_text(run)}"
    columns = (
        Column("claim", whole=_NAME_WIDTH),
        Column("claimed"),
        Column("measured", "number"),
        Column("95 % interval", "number"),
        Column("agrees?", whole=_LAST_WIDTH),
    )
    yield Table(columns, tuple(_claim_cells(item) for item in comparison.checks if item.run == run.label))


def _claim_cells(item: ClaimCheck) -> tuple[Inline, ...]:
    agreement = item.agreement + ("" if item.same_model else "*")
    return (
        lines(item.claim, item.where, indented=True),
        joined((" or", BREAK), item.claimed.split(" or ")),
        joined((BREAK, "("), measured_text(item).split(" (")),
        interval_of(item),
        strong(agreement) if item.agreement == "disagrees" else joined(BREAK, agreement.split(" ")),
    )


def _predictions(comparison: Comparison) -> Table:
    columns = (
        Column("prediction", whole=_NAME_WIDTH),
        Column("run"),
        Column("effect", "number"),
        Column("95 % interval", "number"),
        Column("weight", "number"),
        Column("outcome", whole=_LAST_WIDTH),
    )
    return Table(columns, tuple(row for item in comparison.predictions for row in _effect_rows(item)))


def _effect_rows(item: ComparedPrediction) -> Iterator[tuple[Inline, ...]]:
    decimals = decimals_of(item)
    cells: list[tuple[Inline, ...]] = [
        (
            effect.run,
            fixed(effect.effect, decimals),
            range_text(effect.interval, decimals) if effect.interval else "no interval",
            weight_text(effect.weight) or "-",
            str(effect.outcome),
        )
        for effect in item.runs
    ]
    if item.pooled is not None:
        interval = item.pooled.interval_95
        bounds = range_text((interval.low, interval.high), decimals)
        pooled = ("all", fixed(item.pooled.effect, decimals), bounds, "", str(item.outcome))
        cells.append(tuple(map(strong, pooled)))
    yield from ((head, *row) for head, row in zip(_heads(item, len(cells)), cells, strict=True))


def _heads(item: ComparedPrediction, n_rows: int) -> list[Inline]:
    """Id, reference and scale for the first column, one line per row; what is left over in the last row."""
    words = [f"against {item.against}", f"in {item.scale}"]
    below = [(INDENTED, aside(line)) for text in words for line in textwrap.wrap(text, _NAME_WIDTH - 2)]
    rows: list[Inline] = [item.id, *below, *[""] * (n_rows - len(below) - 1)]
    return [*rows[: n_rows - 1], rows[n_rows - 1 :]]
