"""The draws of every null beside one prediction, a row each."""

from __future__ import annotations

from hypotest.pages.document import Table, table
from hypotest.pages.inline import Inline, Span, joined
from hypotest.records.results.prediction_result import NullComparison
from hypotest.report.ladder import too_few_draws
from hypotest.report.numbers import UNDEFINED, count_text, decimals_for, fixed, p_text, significant
from hypotest.report.text import value_of


def draws_table(rungs: tuple[NullComparison, ...], level: float) -> Table:
    """Value, draws and p for each comparison of a prediction.

    Args:
        rungs: In the order of the ladder.
        level: Of a single test: with so few draws that no p could reach it, none is shown.
    """
    rows: list[tuple[Inline, ...]] = []
    for rung in rungs:
        decimals = decimals_for(rung.sd, (rung.observed, rung.mean))
        further: list[Inline] = []
        if rung.log10_relabellings is not None:
            exponent = Span(f"{rung.log10_relabellings:.0f}", "superscript")
            further.append(("10", exponent, " relabellings"))
        if rung.n_undefined:
            further.append(f"{count_text(rung.n_undefined)} undefined, counted as extreme")
        if rung.planned_draws is not None:
            further.append(f"h/l after {count_text(rung.n_draws)} of {count_text(rung.planned_draws)} draws")
        if rung.descriptive:
            further.append("descriptive")
        if rung.blocked:
            further.append("no conclusion")
        few = too_few_draws(rung, level)
        if few:
            further.append("too few draws for a p")
        rows.append(
            (
                rung.id,
                value_of(rung.statistic),
                fixed(rung.observed, decimals),
                f"{fixed(rung.mean, decimals)} ({fixed(rung.sd, decimals)})",
                UNDEFINED if rung.z is None else fixed(rung.z, 2),
                f"{rung.percentile:.1f}",
                count_text(rung.n_draws),
                UNDEFINED if few else p_text(rung.p_value),
                UNDEFINED if few else significant(rung.p_error, 1),
                joined(", ", further),
            )
        )
    head = ["null", "value of", "observed", "mean (SD)", "z", "percentile", "draws", "p", "SE of p", ""]
    return table(head, rows, numeric=range(2, 9))
