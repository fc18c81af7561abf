"""What `hypotest power` leaves behind: ``power.md``, figure, ``power.json``, ``power.parquet``."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.document import Document, Figure, Heading, Items, Note, Paragraph, Part, document, table
from hypotest.pages.inline import prose
from hypotest.pages.markdown import write_markdown
from hypotest.records.stored.folders import replace_folder
from hypotest.report.numbers import duration_text, share_text, significant
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.reworded import reworded
from hypotest.studies.power.page import (
    basis_text,
    cost_lines,
    grid_table,
    legend_text,
    margin_lines,
    monte_carlo_lines,
    plan_table,
)
from hypotest.studies.power.record import Costs, PowerResult


def write_power(result: PowerResult) -> None:
    """Write everything into the result's folder, in the place of what an earlier call left there.

    Raises:
        OutputError: If it cannot be written.
    """
    # Imported here: everything else answers without matplotlib.
    from hypotest.studies.power.figures import CAPTION, NAME, power_in_words, save_power

    plain = fields_without(result, "table", "folder")
    with replace_folder(result.folder) as folder:
        (folder / "power.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        write_markdown(folder / "power.md", power_page(result, Figure(NAME, CAPTION, power_in_words(result))))
        result.table.write_parquet(folder / "power.parquet")
        save_power(result, folder)


def power_page(result: PowerResult, figure: Figure) -> Document:
    """The report; its figure is expected beside it."""
    return reworded(document(_parts(result, figure)), result.words)


def _parts(result: PowerResult, figure: Figure) -> Iterator[Part]:
    yield Heading(f"Power: {result.title}", 1)
    yield basis_text(result)
    for reason in result.refused:
        yield Note("caution", (Paragraph(reason),))
    yield Heading("What the plan can see")
    yield plan_table(result)
    yield legend_text(result)
    yield from _reach(result)
    yield figure
    yield Heading("Effects seen four times in five, if the plan were changed")
    yield grid_table(result)
    yield prose("Every combination: `power.parquet`.")
    if likely := tuple(monte_carlo_lines(result)):
        yield Heading("From few draws: 95 % Monte Carlo intervals")
        yield Items(likely)
    if result.costs is not None:
        yield from _costs(result.costs)
    yield Heading("How this was foreseen")
    yield _METHOD
    if notes := (*(f"{item.id}: {note}" for item in result.plan for note in item.notes), *result.notes):
        yield Items(notes)


def _costs(costs: Costs) -> Iterator[Part]:
    yield Heading("What the run will take")
    yield from cost_lines(costs)
    yield table(
        ["stage", "seconds", "in the cache", "timed"],
        [
            (item.stage, duration_text(item.seconds), "yes" if item.cached else "", item.basis)
            for item in costs.stages
        ],
        numeric=(1,),
    )
    if costs.seconds_per_1000_draws:
        yield "Seconds for 1,000 further groups: " + ", ".join(
            f"{name} {significant(seconds, 2)}" for name, seconds in costs.seconds_per_1000_draws.items()
        )


def _reach(result: PowerResult) -> Iterator[Part]:
    """Every outcome that a hypothesis names, and every margin."""
    rows = [
        (
            item.id,
            reach.outcome,
            ", ".join(reach.hypotheses),
            "n/a" if reach.chance is None else share_text(reach.chance),
            reach.status,
        )
        for item in result.plan
        for reach in item.reach
    ]
    if rows:
        yield Heading("Which outcomes it can reach")
        yield table(["prediction", "outcome", "named by", "chance where it is true", ""], rows, numeric=(3,))
        yield _RULE
    if margins := tuple(margin_lines(result.plan)):
        yield Items(margins)


_RULE = prose(
    "Of `equivalent` for an ordinary group (without a null: for no effect), of `less` and `greater` for an "
    "effect of 3 null SDs or standard errors. Good from 80 %; below 50 % an `equivalent` is out of reach and "
    "the plan refused, as where under 90 % of the null's draws lie inside the margin, or where no effect "
    "can be significant."
)
_METHOD = prose(
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
