"""What `hypotest power` prints: what each prediction can see, what would change it, what the run takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from hypotest.pages.document import Document, Heading, Part, Table, document, table, together
from hypotest.pages.inline import Inline, aside, lines, path, strong
from hypotest.report.numbers import (
    UNDEFINED,
    bytes_text,
    count_text,
    duration_text,
    share_text,
    significant,
)
from hypotest.report.reworded import reworded
from hypotest.report.sections.margins import declared_text, margin_text
from hypotest.studies.power.record import SEEN, UNITS, Costs, PowerResult, PredictionPower

Cells = tuple[Inline, ...]

PLAN_HEAD = (
    lines("prediction", "compared with", indented=True),
    lines("unit", "margin"),
    lines("significant", "corrected"),
    lines("seen", "corrected"),
    lines("power at", "1, 2, 3 units"),
    lines("equivalent", "ceiling"),
)
SHOWN_UNITS = (1.0, 2.0, 3.0)
_SHOWN_STAGES = 5


def power_summary(result: PowerResult) -> Document:
    """What `hypotest power` prints when it is done; legible from 80 columns on."""
    return reworded(document(_summary(result)), result.words)


def _summary(result: PowerResult) -> Iterator[Part]:
    yield together(strong(result.title), basis_text(result))
    yield together(plan_table(result), aside(legend_text(result)))
    changes = grid_table(result)
    if len(changes.columns) > 2:
        yield Heading(f"Effects seen {SEEN:.0%} of the time, if the plan were changed to")
        yield changes
    for title, said in (
        ("Margins: declared, needed, too wide", margin_lines(result.plan)),
        ("From few draws: 95 % Monte Carlo intervals", monte_carlo_lines(result)),
    ):
        if group := list(said):
            yield Heading(title)
            yield together(*group)
    last: list[Part] = [] if result.costs is None else list(cost_lines(result.costs))
    last += [f"note: {note}" for note in result.notes]
    if result.refused:
        names = ", ".join(item.id for item in result.plan if _refused(result, item))
        shown = f"{names}: an outcome is out of reach" if names else "a prediction is undefined"
        last.append(strong(f"*** REFUSED: {shown}. ***", "alarm"))
    yield together(*last, ("Report: ", path(result.folder / "power.md")))


def plan_table(result: PowerResult) -> Table:
    """What each prediction can see under the plan."""
    return _table(PLAN_HEAD, map(_plan_cells, result.plan))


def grid_table(result: PowerResult) -> Table:
    """What it would see if the plan were changed."""
    return _table(_grid_head(result), (_grid_cells(result, item) for item in result.plan))


def basis_text(result: PowerResult) -> str:
    """Where the numbers come from, in a sentence."""
    documents = result.documents
    chosen, others = "given, and ", "documents "
    if result.is_selected:
        chosen, others = f"selected on {count_text(documents.selecting)} documents and ", "others "
    return (
        f"{count_text(result.group_size)} of {count_text(result.n_neurons)} neurons, {chosen}measured on "
        f"{count_text(documents.measuring)} {others}of the selection split, for "
        f"{count_text(documents.planned)} documents of the evaluation split, of which nothing was looked at."
    )


def legend_text(result: PowerResult) -> str:
    """What the columns mean."""
    return (
        "unit: SD of the null, or standard error (SE) over documents. significant: smallest effect with "
        f"p <= {result.level:g}; corrected: with p <= {significant(result.corrected_level, 2)}, the level "
        f"divided by the number of predictions that decide, as a refutation needs. seen: effect that is "
        f"significant with probability {SEEN:.0%}. equivalent: its probability for a draw of the null, or "
        "without an effect; ceiling: the share of null draws inside the margin, which it cannot exceed."
    )


def _plan_cells(item: PredictionPower) -> Cells:
    margin = "" if item.margin is None else significant(item.margin, 2)
    unit = "" if item.scale is None else f"{significant(item.scale, 2)} {_unit(item)}"
    powers = [
        share_text(power)
        for size, power in zip(UNITS, item.power, strict=bool(item.power))
        if size in SHOWN_UNITS
    ]
    return (
        lines(item.id, item.compared_with, indented=True),
        lines(unit, margin),
        _pair(item.smallest),
        _pair(item.seen),
        lines(" ".join(powers), ""),
        lines(
            "" if item.equivalent is None else share_text(item.equivalent),
            "" if item.ceiling is None else share_text(item.ceiling),
        ),
    )


def _grid_head(result: PowerResult) -> Cells:
    """The plan, other sizes, more documents, fewer draws."""
    planned = result.documents.planned
    columns = [lines("prediction", ""), lines("as", "planned")]
    columns += [lines("neurons", count_text(size)) for size in _other_sizes(result)]
    columns += [lines("documents", count_text(factor * planned)) for factor in (2, 4)]
    if any(item.draws is not None for item in result.plan):
        columns += [lines("draws", count_text(number)) for number in _other_draws(result)]
    return tuple(columns)


def _grid_cells(result: PowerResult, item: PredictionPower) -> Cells:
    """The effects that a prediction sees under each change of the plan."""
    mine = result.table.filter((pl.col("prediction") == item.id) & (pl.col("level") == result.level)).filter(
        pl.col("group_size").eq_missing(pl.lit(item.group_size, dtype=pl.Int64))
    )
    sizes = {other.group_size: other.seen[0] for other in result.predictions if other.id == item.id}
    cells = [item.id, _number(item.seen[0])]
    cells += [_number(sizes.get(size)) if item.group_size else "" for size in _other_sizes(result)]
    draws = pl.lit(item.draws, dtype=pl.Int64)
    for factor in (2, 4):
        more = mine.filter(
            (pl.col("documents") == factor * result.documents.planned) & pl.col("draws").eq_missing(draws)
        )
        cells.append(_first(more))
    if any(other.draws is not None for other in result.plan):
        for number in _other_draws(result):
            fewer = mine.filter(
                (pl.col("documents") == result.documents.planned) & (pl.col("draws") == number)
            )
            cells.append(_first(fewer) if item.draws is not None else "")
    return tuple(cells)


def monte_carlo_lines(result: PowerResult) -> Iterator[str]:
    """Where the numbers of a quick look lie, of each prediction that is compared with a null."""
    for item in result.plan:
        monte_carlo = item.monte_carlo
        if monte_carlo is None:
            continue
        parts = [f"{monte_carlo.draws:,} draws"]
        if monte_carlo.seen is not None:
            parts.append(
                f"seen {significant(monte_carlo.seen[0], 2)} to {significant(monte_carlo.seen[1], 2)}"
            )
        shown = [
            f"{share_text(low)} to {share_text(high)}"
            for size, (low, high) in zip(UNITS, monte_carlo.power, strict=bool(monte_carlo.power))
            if size in SHOWN_UNITS
        ]
        if shown:
            parts.append(f"power at 1, 2, 3 units {', '.join(shown)}")
        for name, bounds in (("equivalent", monte_carlo.equivalent), ("ceiling", monte_carlo.ceiling)):
            if bounds is not None:
                parts.append(f"{name} {share_text(bounds[0])} to {share_text(bounds[1])}")
        yield f"{item.id}: {'; '.join(parts)}"


def cost_lines(costs: Costs) -> Iterator[str]:
    """Time and memory, in words."""
    yield (
        f"The run will take about {duration_text(costs.seconds)} on this machine, the selection split now "
        f"being in the cache ({duration_text(costs.seconds_from_nothing)} from nothing); an estimate from "
        f"pieces timed here. {'; '.join(costs.notes).capitalize()}."
    )
    longest = sorted((item for item in costs.stages if not item.cached), key=lambda item: -item.seconds)
    named = ", ".join(f"{item.stage} {duration_text(item.seconds)}" for item in longest[:_SHOWN_STAGES])
    yield f"Longest: {named}."
    memory = "" if costs.peak_bytes is None else f"about {bytes_text(costs.peak_bytes)} at its peak, "
    yield (
        f"Memory: {memory}of which the model {bytes_text(costs.model_bytes)} and the evidence "
        f"{bytes_text(costs.evidence_bytes)}, which the cache keeps on disk."
    )


def _table(head: Cells, rows: Iterable[Cells]) -> Table:
    return table(head, rows, numeric=range(1, len(head)))


def _refused(result: PowerResult, item: PredictionPower) -> bool:
    return any(reason.startswith(f"predictions.{item.id}:") for reason in result.refused)


def _unit(item: PredictionPower) -> str:
    return "SD" if item.unit == "null SD" else "SE"


def _number(value: float | None) -> str:
    text = significant(value, 2)
    return "" if text == UNDEFINED else text


def _pair(values: tuple[float | None, float | None]) -> Inline:
    return lines(_number(values[0]), _number(values[1]))


def _other_sizes(result: PowerResult) -> list[int]:
    return sorted({item.group_size for item in result.predictions if not item.declared and item.group_size})


def _other_draws(result: PowerResult) -> list[int]:
    declared = {item.draws for item in result.plan}
    rows = result.table.filter(~pl.col("draws").is_in([number for number in declared if number]))
    return [number for number in rows["draws"].unique().sort().to_list() if number is not None][:2]


def _first(rows: pl.DataFrame) -> str:
    return _number(rows["effect_seen"][0]) if rows.height else ""


def margin_lines(plan: Sequence[PredictionPower]) -> Iterator[str]:
    """What `hypotest power` says of each margin."""
    for item in plan:
        margins = item.margins
        if margins is None:
            continue
        good = (
            "no margin" if margins.needed is None else f"{margin_text(margins.needed, margins.kind)} or more"
        )
        wide = ""
        if margins.widest is not None:
            wide = f"; too wide above {margin_text(margins.widest, margins.kind)}"
        sign = " TOO WIDE" if margins.too_wide else ""
        yield (
            f"{item.id}: {declared_text(margins.declared, margins.kind)}{sign}; a good chance of "
            f"equivalent: {good}{wide}"
        )
