"""What `hypotest power` leaves behind: ``power.md``, figure, ``power.json``, ``power.parquet``."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.records.folders import replace_folder
from hypotest.records.power import Costs, PowerResult
from hypotest.report.margins import margin_lines
from hypotest.report.numbers import duration_text, significant
from hypotest.report.power import (
    PLAN_HEAD,
    basis_text,
    cost_lines,
    grid_cells,
    grid_head,
    legend_text,
    monte_carlo_lines,
    plan_cells,
    share_text,
)
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown


def write_power(result: PowerResult) -> None:
    """Write everything into the result's folder, in the place of what an earlier call left there.

    Raises:
        OutputError: If it cannot be written.
    """
    # Imported here: everything else answers without matplotlib.
    from hypotest.report.power_figures import save_power

    plain = fields_without(result, "table", "folder")
    with replace_folder(result.folder) as folder:
        (folder / "power.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        (folder / "power.md").write_text(render_power(result), encoding="utf-8", newline="\n")
        result.table.write_parquet(folder / "power.parquet")
        save_power(result, folder)


def render_power(result: PowerResult) -> str:
    """The report as Markdown; figures are expected beside it."""
    return "\n\n".join(_parts(result)) + "\n"


def _parts(result: PowerResult) -> Iterator[str]:
    from hypotest.report.power_figures import CAPTION, NAME

    yield f"# Power: {escape_markdown(result.title)}"
    yield escape_markdown(basis_text(result))
    for reason in result.refused:
        yield f"> [!CAUTION]\n> {escape_markdown(reason)}"
    yield "## What the plan can see"
    yield _markdown_table(PLAN_HEAD, (plan_cells(item) for item in result.plan))
    yield escape_markdown(legend_text(result))
    yield from _reach(result)
    yield f"![{CAPTION}]({NAME}.svg)"
    yield f"*{CAPTION}* ([png]({NAME}.png))"
    yield "## Effects seen four times in five, if the plan were changed"
    yield _markdown_table(grid_head(result), (grid_cells(result, item) for item in result.plan))
    yield "Every combination: `power.parquet`."
    likely = [f"- {escape_markdown(line)}" for line in monte_carlo_lines(result)]
    if likely:
        yield "## From few draws: 95 % Monte Carlo intervals"
        yield "\n".join(likely)
    if result.costs is not None:
        yield from _costs(result.costs)
    yield "## How this was foreseen"
    yield _METHOD
    for item in result.plan:
        for note in item.notes:
            yield f"- {escape_markdown(item.id)}: {escape_markdown(note)}"
    for note in result.notes:
        yield f"- {escape_markdown(note)}"


def _costs(costs: Costs) -> Iterator[str]:
    yield "## What the run will take"
    yield from map(escape_markdown, cost_lines(costs))
    yield table(
        ["stage", "seconds", "in the cache", "timed"],
        [
            [
                escape_markdown(item.stage),
                duration_text(item.seconds),
                "yes" if item.cached else "",
                escape_markdown(item.basis),
            ]
            for item in costs.stages
        ],
        numeric=(1,),
    )
    if costs.seconds_per_1000_draws:
        yield "Seconds for 1,000 further groups: " + ", ".join(
            f"{escape_markdown(name)} {significant(seconds, 2)}"
            for name, seconds in costs.seconds_per_1000_draws.items()
        )


def _reach(result: PowerResult) -> Iterator[str]:
    """Every outcome that a hypothesis names, and every margin."""
    rows = [
        [
            escape_markdown(item.id),
            reach.outcome,
            escape_markdown(", ".join(reach.hypotheses)),
            "n/a" if reach.chance is None else share_text(reach.chance),
            reach.status,
        ]
        for item in result.plan
        for reach in item.reach
    ]
    if rows:
        yield "## Which outcomes it can reach"
        yield table(["prediction", "outcome", "named by", "chance where it is true", ""], rows, numeric=(3,))
        yield _RULE
    margins = [f"- {escape_markdown(line)}" for line in margin_lines(result.plan)]
    if margins:
        yield "\n".join(margins)


_RULE = (
    "Of `equivalent` for an ordinary group (without a null: for no effect), of `less` and `greater` for an "
    "effect of 3 null SDs or standard errors. Good from 80 %; below 50 % an `equivalent` is out of reach and "
    "the plan refused, as where under 90 % of the null's draws lie inside the margin, or where no effect "
    "can be significant."
)
_METHOD = (
    "The documents of the selection split were divided in two halves; the protocol's own rule selected "
    "the group on one, and everything was measured on the other, by the code of a run. Against a null, "
    "power is the chance that a group of the null, moved by the effect, has p at or below the level among "
    "the planned number of draws; the null's shape is that of its draws. The null's SD was measured with "
    "all and with half of the documents, and its noise over documents extrapolated. The run selects on "
    "twice as many documents, which may change the group and what shuffled labels find. Contrasts without "
    "a null use t with the standard error over documents, which falls with the square root of their "
    "number. `equivalent` is the chance that the interval lies inside the margin: for contrasts with a "
    "null, of a draw from it, with the standard error of the selected group; else without any effect. "
    "Heads are ablated in a limited number of blocks, so that more documents do not always help measures "
    "of heads."
)


def _markdown_table(head: tuple[tuple[str, str], ...], rows: Iterator[tuple[tuple[str, str], ...]]) -> str:
    return table(
        [_cell(item) for item in head],
        [[_cell(item) for item in row] for row in rows],
        numeric=tuple(range(1, len(head))),
    )


def _cell(lines: tuple[str, str]) -> str:
    return "<br>".join(escape_markdown(line.strip()) for line in lines if line.strip())
