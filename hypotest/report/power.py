"""What `hypotest power` prints: what each prediction can see, what would change it, what the run takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.text import Text

from hypotest.records.power import SEEN, UNITS, Costs, PowerResult, PredictionPower
from hypotest.report.console_table import ConsoleTable
from hypotest.report.margins import margin_lines
from hypotest.report.numbers import UNDEFINED, count_text, duration_text, significant
from hypotest.report.text import printable, terminal_text

PLAN_HEAD = (
    ("prediction", "  compared with"),
    ("unit", "margin"),
    ("significant", "corrected"),
    ("seen", "corrected"),
    ("power at", "1, 2, 3 units"),
    ("equivalent", "ceiling"),
)
SHOWN_UNITS = (1.0, 2.0, 3.0)
_SHOWN_STAGES = 5


class PowerSummary:
    """The tables of `hypotest power`, legible from 80 columns on."""

    def __init__(self, result: PowerResult) -> None:
        self._result = result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render from the title down to the place of the report."""
        result = self._result
        yield Text(printable(result.title), style="bold")
        yield Text(basis_text(result))
        yield Text()
        yield _table(PLAN_HEAD, (plan_cells(item) for item in result.plan))
        yield Text(legend_text(result), style="dim")
        head = grid_head(result)
        if len(head) > 2:
            yield Text()
            yield Text(f"Effects seen {SEEN:.0%} of the time, if the plan were changed to", style="bold")
            yield _table(head, (grid_cells(result, item) for item in result.plan))
        margins = list(margin_lines(result.plan))
        if margins:
            yield Text()
            yield Text("Margins: declared, needed, too wide", style="bold")
            yield from map(Text, margins)
        likely = list(monte_carlo_lines(result))
        if likely:
            yield Text()
            yield Text("From few draws: 95 % Monte Carlo intervals", style="bold")
            yield from map(Text, likely)
        yield Text()
        if result.costs is not None:
            yield from map(Text, cost_lines(result.costs))
        for note in result.notes:
            yield Text(f"note: {printable(note)}")
        if result.refused:
            names = ", ".join(item.id for item in result.plan if _refused(result, item))
            shown = f"{names}: an outcome is out of reach" if names else "a prediction is undefined"
            yield Text(f"*** REFUSED: {shown}. ***", style="bold reverse red")
        yield Text.assemble(
            "Report: ", (terminal_text(result.folder / "power.md"), "underline"), overflow="fold"
        )


def power_summary(result: PowerResult) -> ConsoleRenderable:
    """What `hypotest power` prints when it is done."""
    return PowerSummary(result)


def basis_text(result: PowerResult) -> str:
    """Where the numbers come from, in a sentence."""
    documents = result.documents
    return (
        f"{count_text(result.group_size)} of {count_text(result.n_neurons)} neurons, selected on "
        f"{count_text(documents.selecting)} documents and measured on {count_text(documents.measuring)} "
        f"others of the selection split, for {count_text(documents.planned)} documents of the evaluation "
        "split, of which nothing was looked at."
    )


def legend_text(result: PowerResult) -> str:
    """What the columns mean."""
    return (
        "unit: SD of the null, or standard error (SE) over documents. significant: smallest effect with "
        f"p <= {result.level:g} (corrected: {significant(result.corrected_level, 2)}). seen: effect that is "
        f"significant with probability {SEEN:.0%}. equivalent: its probability for a draw of the null, or "
        "without an effect; the ceiling is the share of null draws inside the margin."
    )


def plan_cells(item: PredictionPower) -> tuple[tuple[str, str], ...]:
    """The cells of one prediction's row, each of two lines."""
    margin = "" if item.margin is None else significant(item.margin, 2)
    unit = "" if item.scale is None else f"{significant(item.scale, 2)} {_unit(item)}"
    shown = [
        share_text(power)
        for size, power in zip(UNITS, item.power, strict=bool(item.power))
        if size in SHOWN_UNITS
    ]
    return (
        (printable(item.id), f"  {printable(item.compared_with)}"),
        (unit, margin),
        (_number(item.smallest[0]), _number(item.smallest[1])),
        (_number(item.seen[0]), _number(item.seen[1])),
        (" ".join(shown), ""),
        (
            "" if item.equivalent is None else share_text(item.equivalent),
            "" if item.ceiling is None else share_text(item.ceiling),
        ),
    )


def grid_head(result: PowerResult) -> tuple[tuple[str, str], ...]:
    """Columns of the second table: the plan, other sizes, more documents, fewer draws."""
    planned = result.documents.planned
    columns = [("prediction", ""), ("as", "planned")]
    columns += [("neurons", count_text(size)) for size in _other_sizes(result)]
    columns += [("documents", count_text(factor * planned)) for factor in (2, 4)]
    if any(item.draws is not None for item in result.plan):
        columns += [("draws", count_text(number)) for number in _other_draws(result)]
    return tuple(columns)


def grid_cells(result: PowerResult, item: PredictionPower) -> tuple[tuple[str, str], ...]:
    """The effects that a prediction sees under each change of the plan."""
    mine = result.table.filter((pl.col("prediction") == item.id) & (pl.col("level") == result.level)).filter(
        pl.col("group_size").eq_missing(pl.lit(item.group_size, dtype=pl.Int64))
    )
    sizes = {other.group_size: other.seen[0] for other in result.predictions if other.id == item.id}
    cells = [(printable(item.id), ""), (_number(item.seen[0]), "")]
    cells += [(_number(sizes.get(size)) if item.group_size else "", "") for size in _other_sizes(result)]
    draws = pl.lit(item.draws, dtype=pl.Int64)
    for factor in (2, 4):
        more = mine.filter(
            (pl.col("documents") == factor * result.documents.planned) & pl.col("draws").eq_missing(draws)
        )
        cells.append((_first(more), ""))
    if any(other.draws is not None for other in result.plan):
        for number in _other_draws(result):
            fewer = mine.filter(
                (pl.col("documents") == result.documents.planned) & (pl.col("draws") == number)
            )
            cells.append((_first(fewer) if item.draws is not None else "", ""))
    return tuple(cells)


def monte_carlo_lines(result: PowerResult) -> Iterator[str]:
    """Where the numbers of a quick look lie, of each prediction that is compared with a null."""
    for item in result.plan:
        found = item.monte_carlo
        if found is None:
            continue
        parts = [f"{found.draws:,} draws"]
        if found.seen is not None:
            parts.append(f"seen {significant(found.seen[0], 2)} to {significant(found.seen[1], 2)}")
        shown = [
            f"{share_text(low)} to {share_text(high)}"
            for size, (low, high) in zip(UNITS, found.power, strict=bool(found.power))
            if size in SHOWN_UNITS
        ]
        if shown:
            parts.append(f"power at 1, 2, 3 units {', '.join(shown)}")
        for name, bounds in (("equivalent", found.equivalent), ("ceiling", found.ceiling)):
            if bounds is not None:
                parts.append(f"{name} {share_text(bounds[0])} to {share_text(bounds[1])}")
        yield f"{printable(item.id)}: {'; '.join(parts)}"


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


def share_text(share: float) -> str:
    """A probability in per cent: never 100 % or 0 % for what is only close to it.

    Examples:
        >>> share_text(0.834), share_text(0.9996), share_text(1.0), share_text(0.0001)
        ('83 %', '>99 %', '100 %', '<1 %')
    """
    if 0.995 <= share < 1:
        return ">99 %"
    if 0 < share < 0.005:
        return "<1 %"
    return f"{100 * share:.0f} %"


def bytes_text(count: int) -> str:
    """A size in memory.

    Examples:
        >>> bytes_text(1_700_000_000), bytes_text(27_500_000)
        ('1.7 GB', '28 MB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 9.5e8 else f"{count / 1e6:.0f} MB"


def _table(head: Sequence[tuple[str, str]], rows: Iterator[tuple[tuple[str, str], ...]]) -> ConsoleTable:
    table = ConsoleTable(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 0), pad_edge=False, show_edge=False)
    for number, (first, second) in enumerate(head):
        table.add_column(
            Text.assemble(first, ("\n" + second, "dim")),
            justify="right" if number else "left",
            overflow="fold",
        )
    for cells in rows:
        two_lines = any(second for _, second in cells)
        table.add_row(
            *(Text.assemble(first, ("\n" + second if two_lines else "", "dim")) for first, second in cells)
        )
    return table


def _refused(result: PowerResult, item: PredictionPower) -> bool:
    return any(reason.startswith(f"predictions.{item.id}:") for reason in result.refused)


def _unit(item: PredictionPower) -> str:
    return "SD" if item.unit == "null SD" else "SE"


def _number(value: float | None) -> str:
    text = significant(value, 2)
    return "" if text == UNDEFINED else text


def _other_sizes(result: PowerResult) -> list[int]:
    return sorted({item.group_size for item in result.predictions if not item.declared and item.group_size})


def _other_draws(result: PowerResult) -> list[int]:
    declared = {item.draws for item in result.plan}
    found = result.table.filter(~pl.col("draws").is_in([number for number in declared if number]))
    return [number for number in found["draws"].unique().sort().to_list() if number is not None][:2]


def _first(rows: pl.DataFrame) -> str:
    return _number(rows["effect_seen"][0]) if rows.height else ""
